"""Make one purchase: claim the attempt, send its one paid request, store the answer, and only then act on it."""

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.claim import next_attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep
from fermata.domain.providers.calls import Refused, StartOutcome
from fermata.domain.providers.failures import Failure, FailureClass, unknown_outcome, unpaid
from fermata.domain.providers.queue import ONE_MS, Admitted
from fermata.errors import (
    AnswerLostError,
    FermataError,
    NotSentError,
    ProviderHeldError,
    StaleRecordError,
    TransientError,
)
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.follow.parse_answer import understood_answer
from fermata.use_cases.generation.purchase.before_purchase import Cleared, step_instead
from fermata.use_cases.generation.purchase.provider_queue import end_call, withdraw
from fermata.use_cases.generation.purchase.provider_request import OpenCallback, open_callback, song_order
from fermata.use_cases.generation.purchase.receive_answer import receive
from fermata.use_cases.generation.purchase.record_outcome import record
from fermata.use_cases.generation.purchase.run import StartRun
from fermata.use_cases.generation.purchase.spending_controls import refused_claim
from fermata.use_cases.live.publish_pieces import Listen


def purchase(run: StartRun, cleared: Cleared) -> NextStep:
    """Buy the song if this run wins the claim, and free its slot in any case. A run that loses sends nothing and
    returns the next step on record.
    """
    ports = run.ports
    began = ports.clock()
    try:
        callback = open_callback(run)
        claimed = _claim(run, cleared, callback)
    except ProviderHeldError as error:
        withdraw(run.request, ports.queue.states)
        return step_instead(run, refused_claim(error, run.ordered.provider, ports.clock()))
    except FermataError:
        # Even if the claim was written, this run orders nothing, and no other run orders under this attempt.
        withdraw(run.request, ports.queue.states)
        raise
    if claimed is None:
        return _after_a_lost_claim(run)
    outcome: StartOutcome | None = None
    with _audience(run) as listen:
        try:
            outcome = _order(run, claimed, cleared.key, callback.url if callback else "", listen)
            return _record(run, claimed, outcome)
        finally:
            _free_the_slot(run, cleared.admitted, began, outcome)


def _audience(run: StartRun) -> AbstractContextManager[Listen]:
    """What hears the answer of a live order while it arrives, without any effect on the purchase."""
    if not run.ordered.live:
        return nullcontext(lambda answer: answer)
    return run.ports.listening(run.job.id, run.request.attempt)


def _claim(run: StartRun, cleared: Cleared, callback: OpenCallback | None) -> Job | None:
    ports, now = run.ports, run.ports.clock()
    awaited = callback.awaited if callback else None
    attempt = next_attempt(run.job, cleared.key_alias, run.claim_id, now, run.claim_until, awaited)
    claimed = run.job.claimed(attempt, now)
    try:
        ports.resume.jobs.claim(claimed, cleared.budget_micro_usd)
    except StaleRecordError:
        return _own_claim(run)
    return claimed


def _own_claim(run: StartRun) -> Job | None:
    # The write may have succeeded although its answer was lost and the client repeated it: our claim id shows that.
    job = run.ports.resume.jobs.load_existing(run.job.id)
    attempt = job.last_attempt
    mine = attempt is not None and attempt.claim_id == run.claim_id and attempt.state is AttemptState.CLAIMED
    return job if mine and not job.status.is_terminal else None


def _after_a_lost_claim(run: StartRun) -> NextStep:
    ports = run.ports
    # A run that claimed this same attempt holds the same slot and uses it for its call.
    if len(ports.resume.jobs.load_existing(run.job.id).attempts) < run.request.attempt:
        withdraw(run.request, ports.queue.states)
    return resume_generation(run.job.id, ports.resume, ports.clock())


def _order(run: StartRun, claimed: Job, key: str, callback_url: str, listen: Listen) -> StartOutcome:
    """Send the paid request, once, and stage the answer before its outcome counts."""
    ports, ordered = run.ports, run.ordered
    call = ports.resume.providers(ordered.dialect).start_call(song_order(run, callback_url))
    within_s = ports.remaining_s() - ports.post_reserve_s
    trace_id: str | None = None
    try:
        with ports.upstream.send(ordered.provider, call, key, within_s) as answer:
            trace_id = answer.trace_id
            outcome = receive(listen(answer), claimed, ports.receiving, ports.resume.providers, ports.remaining_s)
    except NotSentError as error:
        return Refused(unpaid(FailureClass.TRANSIENT, "no_connection", str(error)))
    except AnswerLostError as error:
        return Refused(_possibly_paid(error, trace_id))
    except TransientError as error:
        # The upload may have completed although its answer was lost.
        return _staged_outcome(run, claimed) or Refused(_possibly_paid(error, trace_id))
    return outcome or _staged_outcome(run, claimed) or Refused(unknown_outcome("the staged answer is gone"))


def _staged_outcome(run: StartRun, claimed: Job) -> StartOutcome | None:
    resume = run.ports.resume
    return understood_answer(claimed, claimed.attempts[-1], resume.answers, resume.providers)


def _possibly_paid(error: FermataError, trace_id: str | None) -> Failure:
    return unknown_outcome(f"{error}; it may have been billed", code=type(error).__name__, trace_id=trace_id)


def _record(run: StartRun, claimed: Job, outcome: StartOutcome) -> NextStep:
    now = run.ports.clock()
    ended = claimed.attempts[-1].not_yet(now).after(outcome, now)
    return record(claimed, claimed.with_outcome(ended, now), run.ports.resume, now)


def _free_the_slot(run: StartRun, admitted: Admitted, began: datetime, outcome: StartOutcome | None) -> None:
    if outcome is None:
        withdraw(run.request, run.ports.queue.states)
        return
    took_ms = (run.ports.clock() - began) // ONE_MS
    end_call(run.request, admitted, took_ms, outcome.failure if isinstance(outcome, Refused) else None, run.ports.queue)
