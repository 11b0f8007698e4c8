"""Buy one song: take a turn at the provider once everything is prepared, claim the attempt, send its one paid request,
keep the answer, and only then read it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.finish.rescue import with_rescue_begun
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.claim import claim_end, next_attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import Verdict, needs_reference, verdict_on, waiting_for_a_turn
from fermata.domain.providers.calls import Refused, StartOutcome
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged, unknown_outcome
from fermata.domain.providers.queue import ONE_MS, Go, WaitUntil
from fermata.domain.providers.spending import Held
from fermata.domain.providers.state import NotAsked
from fermata.errors import (
    AnswerLostError,
    ConfigurationError,
    FermataError,
    NotSentError,
    ProviderHeldError,
    StaleRecordError,
    TransientError,
)
from fermata.ports.audio import ReferenceStore
from fermata.ports.money import WalletStore
from fermata.ports.providers import ProviderKeys, Upstream
from fermata.use_cases.generation.finish.lost_songs import beyond_lost_songs
from fermata.use_cases.generation.finish.record_unknown_outcomes import tell_of_doubts
from fermata.use_cases.generation.finish.resume_generation import ResumePorts, load_job, resume_generation
from fermata.use_cases.generation.follow.parse_answer import understood_answer
from fermata.use_cases.generation.purchase.open_callback import OpenCallback, OpenCallbackPorts, open_callback
from fermata.use_cases.generation.purchase.provider_queue import (
    Ticket,
    TurnPorts,
    end_turn,
    instant_of,
    leave_line,
    look_at_circuit,
    take_turn,
)
from fermata.use_cases.generation.purchase.provider_request import song_order
from fermata.use_cases.generation.purchase.spending_controls import BrakePorts, look_at_brakes, next_look, refused_claim
from fermata.use_cases.orders.estimates import pace_of


@dataclass(frozen=True)
class StartPorts:
    """What `start_generation` works with; `remaining_s` tells how long this run may still live, in seconds. A provider
    may fetch a job's reference for `reference_link_s` seconds.
    """

    resume: ResumePorts
    turns: TurnPorts
    brakes: BrakePorts
    wallets: WalletStore
    upstream: Upstream
    keys: ProviderKeys
    references: ReferenceStore
    clock: Callable[[], datetime]
    remaining_s: Callable[[], float]
    post_reserve_s: int
    claim_margin_s: int
    callback: OpenCallbackPorts
    reference_link_s: int


def start_generation(job_id: str, ports: StartPorts, claim_id: str) -> Verdict:
    """Order the job's song if the record allows a new attempt, its reference is prepared and it is the job's turn; else
    say what is missing, or answer from the record.

    Exactly one run of an attempt gets past the claim. `claim_id` must be new for every run.
    """
    job = load_job(job_id, ports.resume.jobs)
    if not job.may_claim(ports.clock()):
        return resume_generation(job_id, ports.resume, ports.clock())
    # Copying a recording calls nobody, so brakes do not hold that back.
    held = None if job.awaits_copy else look_at_brakes(job, ports.brakes, ports.clock())
    if held is not None:
        return _braked(job, held, claim_id, ports)
    if (lost := beyond_lost_songs(job, ports.wallets, ports.clock())) is not None:
        return _refuse(job, lost, ports)
    try:
        named = _key(job, ports.keys)
    except ConfigurationError as error:
        return _without_asking(job, _unpaid(FailureClass.AUTH, "no_key", str(error)), claim_id, ports)
    ticket = _ticket(job, ports)
    if named is None:
        return _unprepared(job, ticket, claim_id, ports)
    match take_turn(ticket, lambda: _lease_end(ports), ports.turns, has_alternative=job.has_another_provider):
        case Go() as turn:
            return _with_a_turn(job, ticket, turn, named, claim_id, ports)
        case turn:
            return _held_up(job, turn, claim_id, ports)


def _ticket(job: Job, ports: StartPorts) -> Ticket:
    ordered = job.candidate
    is_listed = ports.resume.catalogue.lists(ordered.model)
    return Ticket(ordered.provider, job.id, len(job.attempts) + 1, ordered.upstream_model, is_listed)


def _unprepared(job: Job, ticket: Ticket, claim_id: str, ports: StartPorts) -> Verdict:
    """A job that is not ready to order takes no turn. Its recording is copied whatever the provider's state, because
    that calls nobody, and handed over only to a provider that is asked at all.
    """
    obstacle = None
    if not job.awaits_copy:
        obstacle = look_at_circuit(ticket, ports.turns, has_alternative=job.has_another_provider)
    if obstacle is None:
        return needs_reference(job, ports.clock())
    return _held_up(job, obstacle, claim_id, ports)


def _held_up(job: Job, obstacle: WaitUntil | NotAsked, claim_id: str, ports: StartPorts) -> Verdict:
    match obstacle:
        case WaitUntil():
            return waiting_for_a_turn(job, instant_of(obstacle))
        case NotAsked():
            return _without_asking(job, _not_asked(obstacle), claim_id, ports)


def _with_a_turn(
    job: Job, ticket: Ticket, turn: Go, named: tuple[str, str], claim_id: str, ports: StartPorts
) -> Verdict:
    began = ports.clock()
    alias, key = named
    try:
        callback = open_callback(job, ports.callback, ports.clock())
        claimed = _claim(job, alias, claim_id, ports, callback)
    except ProviderHeldError as error:
        leave_line(ticket, ports.turns.states)
        return _braked(job, refused_claim(error, job, ports.clock()), claim_id, ports)
    except FermataError:
        # Whatever became of the claim, this run orders nothing, and no other one orders under this attempt.
        leave_line(ticket, ports.turns.states)
        raise
    if claimed is None:
        return _after_a_lost_claim(ticket, ports)
    outcome: StartOutcome | None = None
    try:
        outcome = _order(claimed, key, callback.url if callback else "", ports)
        return _record(claimed, outcome, ports)
    finally:
        if outcome is None:
            leave_line(ticket, ports.turns.states)
        else:
            took_ms = (ports.clock() - began) // ONE_MS
            end_turn(ticket, turn, took_ms, outcome.failure if isinstance(outcome, Refused) else None, ports.turns)


def _braked(job: Job, held: Held, claim_id: str, ports: StartPorts) -> Verdict:
    """Go to another provider at once, else wait as long as the order can still be made in time, else end the job: in
    every case nobody is asked.
    """
    if job.has_another_provider:
        ports.turns.metrics.count("NotAsked", job.candidate.provider)
        return _without_asking(job, held.as_failure(), claim_id, ports)
    now = ports.clock()
    at = next_look(job, held, ports.brakes, now)
    if at is not None:
        return waiting_for_a_turn(job, at)
    return _refuse(job, held.as_failure(), ports)


def _refuse(job: Job, why: Failure, ports: StartPorts) -> Verdict:
    """End a job for which nothing may be bought."""
    # Where the write loses, somebody canceled or settled the job meanwhile, or another run says the same.
    with suppress(StaleRecordError):
        ports.resume.jobs.save(job.with_refusal(why, ports.clock()))
    return resume_generation(job.id, ports.resume, ports.clock())


def _key(job: Job, keys: ProviderKeys) -> tuple[str, str] | None:
    """Alias and key for the order, or None where the reference is not prepared for them. A provider's ids hold for the
    account that uploaded the recording, so the order has to use its key.

    Raises `ConfigurationError` where there is no key, for which nothing needs preparing.
    """
    current = keys.current(job.candidate.provider)
    if job.awaits_reference:
        return None
    ids = job.ids
    if ids is None or ids.key_alias == current[0]:
        return current
    try:
        return ids.key_alias, keys.by_alias(ids.provider, ids.key_alias)
    except ConfigurationError:
        return None


def _after_a_lost_claim(ticket: Ticket, ports: StartPorts) -> Verdict:
    # A run that claimed this very attempt holds the same slot, and its call is running in it.
    if len(load_job(ticket.job_id, ports.resume.jobs).attempts) < ticket.attempt:
        leave_line(ticket, ports.turns.states)
    return resume_generation(ticket.job_id, ports.resume, ports.clock())


def _without_asking(job: Job, failure: Failure, claim_id: str, ports: StartPorts) -> Verdict:
    """Put an attempt on record that called nobody, so that the job goes on as after any unpaid refusal."""
    now = ports.clock()
    attempt = next_attempt(job, "none", claim_id, now, now).after(Refused(failure), now)
    return _write(job, job.with_attempt_without_order(attempt, now), ports, now)


def _not_asked(obstacle: NotAsked) -> Failure:
    if not obstacle.disabled:
        return _unpaid(FailureClass.TRANSIENT, "circuit_open", obstacle.message)
    code = "model_disabled" if obstacle.of_one_model else "provider_disabled"
    return _unpaid(FailureClass.NOT_ENTITLED, code, obstacle.message)


def _lease_end(ports: StartPorts) -> datetime:
    return claim_end(ports.clock(), ports.remaining_s(), ports.claim_margin_s)


def _claim(job: Job, alias: str, claim_id: str, ports: StartPorts, callback: OpenCallback | None = None) -> Job | None:
    # Read together: what was done before (the keys may have come from afar) must not shorten the claim.
    now, remaining_s = ports.clock(), ports.remaining_s()
    until = claim_end(now, remaining_s, ports.claim_margin_s)
    attempt = next_attempt(job, alias, claim_id, now, until, callback.awaited if callback else None)
    claimed = job.claimed(attempt, now)
    try:
        ports.resume.jobs.claim(claimed, ports.brakes.budget(attempt.provider))
    except StaleRecordError:
        return _own_claim(job.id, claim_id, ports)
    return claimed


def _own_claim(job_id: str, claim_id: str, ports: StartPorts) -> Job | None:
    # The write may have been applied although its answer was lost and the client sent it again: our own claim id tells.
    job = load_job(job_id, ports.resume.jobs)
    attempt = job.last_attempt
    mine = attempt is not None and attempt.claim_id == claim_id and attempt.state is AttemptState.CLAIMED
    return job if mine and not job.status.is_terminal else None


def _order(job: Job, key: str, callback_url: str, ports: StartPorts) -> StartOutcome:
    attempt = _attempt(job)
    call = ports.resume.providers(attempt.dialect).start_call(
        song_order(job, callback_url, ports.references, ports.reference_link_s)
    )
    within_s = ports.remaining_s() - ports.post_reserve_s
    try:
        with ports.upstream.send(attempt.provider, call, key, within_s) as answer:
            ports.resume.answers.keep(job.id, attempt.number, answer)
    except NotSentError as error:
        return Refused(_unpaid(FailureClass.TRANSIENT, "no_connection", str(error)))
    except AnswerLostError as error:
        return Refused(_perhaps_paid(error))
    except TransientError as error:
        # The upload may have completed although its answer was lost.
        return _understood(job, ports) or Refused(_perhaps_paid(error))
    return _understood(job, ports) or Refused(unknown_outcome("the staged answer is gone"))


def _understood(job: Job, ports: StartPorts) -> StartOutcome | None:
    return understood_answer(job, _attempt(job), ports.resume.answers, ports.resume.providers)


def _perhaps_paid(error: FermataError) -> Failure:
    return unknown_outcome(f"{error}; it may have been billed", code=type(error).__name__)


def _record(job: Job, outcome: StartOutcome, ports: StartPorts) -> Verdict:
    now = ports.clock()
    return _write(job, job.with_outcome(_attempt(job).not_yet(now).after(outcome, now), now), ports, now)


def _write(before: Job, changed: Job, ports: StartPorts, now: datetime) -> Verdict:
    try:
        ports.resume.jobs.save(changed)
    except StaleRecordError:
        changed = _after_a_foreign_write(changed, ports, now)
    else:
        tell_of_doubts(before, changed, ports.resume.metrics)
    pace = pace_of(changed, ports.resume.catalogue, ports.resume.estimates)
    return verdict_on(changed, now, pace, ports.resume.retry_later_s)


def _after_a_foreign_write(intended: Job, ports: StartPorts, now: datetime) -> Job:
    """The job as it stands now. Where this attempt was written off while its answer arrived, the record learns that it
    came late; raises `StaleRecordError` where others keep writing the job.
    """
    current = load_job(intended.id, ports.resume.jobs)
    number = _attempt(intended).number
    if not _written_off(current, _attempt(intended)) or ports.resume.answers.open(current.id, number) is None:
        return current
    late = _marked_late(current, intended, now)
    try:
        ports.resume.jobs.save(late)
    except StaleRecordError:
        # The machine settles a written-off job at once, so one more look is common and enough.
        late = _marked_late(load_job(intended.id, ports.resume.jobs), intended, now)
        ports.resume.jobs.save(late)
    return late


def _marked_late(current: Job, intended: Job, now: datetime) -> Job:
    late = current.with_late_answer(_attempt(intended).number, now, _attempt(intended))
    return with_rescue_begun(late)


def _written_off(current: Job, ours: Attempt) -> bool:
    """Whether somebody called our attempt unknown. The failure that we meant to write says that our own write, or that
    of a resume which read the same answer, was applied.
    """
    attempt = next((each for each in current.attempts if each.claim_id == ours.claim_id), None)
    if attempt is None or attempt.late or attempt.failure == ours.failure:
        return False
    return attempt.failure is not None and attempt.failure.failure_class is FailureClass.UNKNOWN_OUTCOME


def _attempt(job: Job) -> Attempt:
    return job.attempts[-1]


def _unpaid(failure_class: FailureClass, code: str, message: str) -> Failure:
    return Failure(failure_class=failure_class, provider_charged=ProviderCharged.NO, message=message, code=code)
