"""Find the obstacle to a purchase, if any, and the next step of a job that has one."""

from contextlib import suppress
from dataclasses import dataclass, field

from fermata.domain.jobs.claim import next_attempt
from fermata.domain.jobs.next_step import NextStep, needs_reference, waiting_for_admission
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import Failure, FailureClass, unpaid
from fermata.domain.providers.queue import Admitted, WaitUntil
from fermata.domain.providers.spending import Blocked
from fermata.domain.providers.state import NotAsked
from fermata.errors import ConfigurationError, StaleRecordError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.provider_queue import check_circuit, instant_of, request_admission
from fermata.use_cases.generation.purchase.record_outcome import record
from fermata.use_cases.generation.purchase.run import StartRun
from fermata.use_cases.generation.purchase.spending_controls import (
    beyond_lost_songs,
    check_spending,
    lost_songs_reached,
    next_look,
)


@dataclass(frozen=True)
class Cleared:
    """There is no obstacle: the queue admitted the run, which orders with this key and within the day's budget, in
    millionths of a USD (0: none).
    """

    admitted: Admitted
    budget_micro_usd: int
    key_alias: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class TooManyLost:
    """The tenant has reached its plan's limit of `allowed` lost songs a day."""

    allowed: int


@dataclass(frozen=True)
class NoKey:
    """The operator has no key for the provider."""

    message: str


@dataclass(frozen=True)
class Unprepared:
    """The job's reference is not prepared for the model whose turn it is."""


Obstacle = Blocked | TooManyLost | NoKey | Unprepared | WaitUntil | NotAsked


def before_purchase(run: StartRun) -> Cleared | Obstacle:
    """The obstacle to the purchase now, or the slot and the key for it. Does not change the job's record.

    Raises `TransientError` if a record that decides this cannot be read.
    """
    job, ports = run.job, run.ports
    awaits_copy = job.awaits_copy
    # Copying a recording calls no provider, so the operator's controls do not block it.
    budget = 0 if awaits_copy else check_spending(run.ordered, ports.spending, ports.clock())
    if isinstance(budget, Blocked):
        return budget
    if (allowed := lost_songs_reached(job, ports.wallets, ports.clock())) is not None:
        return TooManyLost(allowed)
    try:
        named = _key(run)
    except ConfigurationError as error:
        return NoKey(str(error))
    if named is not None:
        admission = request_admission(run.request, run.claim_until, ports.queue)
        return Cleared(admission, budget, *named) if isinstance(admission, Admitted) else admission
    # A recording is copied in any state of the provider, but uploaded only to a provider whose circuit allows calls.
    closed = None if awaits_copy else check_circuit(run.request, ports.queue)
    return closed or Unprepared()


def _key(run: StartRun) -> tuple[str, str] | None:
    """Alias and key for the order, or None if the reference is not prepared for them. A provider's ids are valid only
    for the account that uploaded the recording, so the order must use the key of that account.

    Raises `ConfigurationError` if the provider has no key; preparing the reference would not help then. Neither would
    it if the caller named ids of an account whose key was removed.
    """
    keys, ids, named = run.ports.keys, run.ids, run.ordered.ids
    current = keys.current(run.ordered.provider)
    if run.job.awaits_reference:
        return None
    if named is not None:
        return (named.key_alias, keys.by_alias(named.provider, named.key_alias)) if named.key_alias else current
    if ids is None or ids.key_alias == current[0]:
        return current
    try:
        return ids.key_alias, keys.by_alias(ids.provider, ids.key_alias)
    except ConfigurationError:
        return None


def step_instead(run: StartRun, obstacle: Obstacle) -> NextStep:
    """The next step of a job whose purchase an obstacle prevents. It is recorded if the obstacle ends the attempt or
    the job. Calls no provider.
    """
    match obstacle:
        case Blocked():
            return _step_of_a_blocked_job(run, obstacle)
        case TooManyLost(allowed):
            return _refuse(run, beyond_lost_songs(allowed))
        case NoKey(message):
            return _fail_without_a_call(run, unpaid(FailureClass.AUTH, "no_key", message))
        case Unprepared():
            return needs_reference(run.job, run.ports.clock())
        case WaitUntil():
            return waiting_for_admission(run.job, instant_of(obstacle))
        case NotAsked():
            return _fail_without_a_call(run, _circuit_failure(obstacle))


def _step_of_a_blocked_job(run: StartRun, blocked: Blocked) -> NextStep:
    """The next provider at once if there is one; else a wait while the order can still be made in time; else the end
    of the job.
    """
    job, ports = run.job, run.ports
    if run.request.has_alternative:
        ports.queue.metrics.count("NotAsked", run.ordered.provider)
        return _fail_without_a_call(run, blocked.as_failure())
    at = next_look(job, blocked, ports.spending, ports.clock())
    return _refuse(run, blocked.as_failure()) if at is None else waiting_for_admission(job, at)


def _refuse(run: StartRun, why: Failure) -> NextStep:
    """End a job without a purchase."""
    job, ports = run.job, run.ports
    # If this write loses, the job was canceled or settled meanwhile, or another run refused it too.
    with suppress(StaleRecordError):
        ports.resume.jobs.save(job.with_refusal(why, ports.clock()))
    return resume_generation(job.id, ports.resume, ports.clock())


def _fail_without_a_call(run: StartRun, failure: Failure) -> NextStep:
    """Record an attempt that called no provider, so that the job continues as after any unpaid refusal."""
    now = run.ports.clock()
    attempt = next_attempt(run.job, "none", run.claim_id, now, now).after(Refused(failure), now)
    return record(run.job, run.job.with_attempt_without_order(attempt, now), run.ports.resume, now)


def _circuit_failure(obstacle: NotAsked) -> Failure:
    if not obstacle.disabled:
        return unpaid(FailureClass.TRANSIENT, "circuit_open", obstacle.message)
    code = "model_disabled" if obstacle.of_one_model else "provider_disabled"
    return unpaid(FailureClass.NOT_ENTITLED, code, obstacle.message)
