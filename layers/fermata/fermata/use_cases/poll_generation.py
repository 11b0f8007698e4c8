"""Ask a provider how far a bought song is. Free of charge, so trouble of the asking never ends a job before its
deadline.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue import Catalogue
from fermata.domain.failures import FailureClass, unknown_outcome
from fermata.domain.jobs import Attempt, AttemptState, Job
from fermata.domain.upstream import PollOutcome, Provider, Refused, StillRunning, UpstreamCall
from fermata.domain.verdicts import Verdict, given_up, still_announced, still_generating, verdict_on
from fermata.errors import BadAudioError, StaleRecordError, UpstreamCallError
from fermata.log import logger
from fermata.ports import Estimates, JobStore, Metrics, ProviderKeys, Upstream
from fermata.use_cases.estimating import pace_of
from fermata.use_cases.reading_answers import read_answer
from fermata.use_cases.resume_generation import load_job
from fermata.use_cases.telling_of_doubts import tell_of_doubts

POLL_WITHIN_S: Final = 45
MISSES_IN_A_ROW: Final = 5


@dataclass(frozen=True)
class PollPorts:
    """What `poll_generation` works with; a task is polled for `generation_timeout_s` seconds after its order."""

    jobs: JobStore
    upstream: Upstream
    keys: ProviderKeys
    providers: Callable[[str], Provider]
    catalogue: Catalogue
    estimates: Estimates
    metrics: Metrics
    clock: Callable[[], datetime]
    generation_timeout_s: int


def poll_generation(job_id: str, attempt_number: int, misses: int, ports: PollPorts) -> Verdict:
    """Look once. `misses` is how often in a row the provider did not know the task; the fifth time it is believed."""
    job = load_job(job_id, ports.jobs)
    attempt = job.last_attempt
    waiting = attempt is not None and attempt.state is AttemptState.GENERATING and attempt.number == attempt_number
    if attempt is None or not waiting or job.status.is_terminal:
        return _too_late(job, attempt_number, ports)
    outcome, attempt = _ask(attempt, ports)
    if _not_found(outcome):
        misses += 1
        outcome = StillRunning(told=False) if misses < MISSES_IN_A_ROW else outcome
    else:
        misses = 0
    return _conclude(job, attempt, outcome, misses, ports)


def _ask(attempt: Attempt, ports: PollPorts) -> tuple[PollOutcome, Attempt]:
    """What the provider says, asked first where the task was known before, and the attempt with the route that knew."""
    routes = _routes(ports.providers(attempt.dialect).poll_call(attempt.upstream_id or ""))
    known = attempt.poll_route if attempt.poll_route < len(routes) else 0
    outcome: PollOutcome = StillRunning()
    for route in (known, *(other for other in range(len(routes)) if other != known)):
        outcome = _look(attempt, routes[route], POLL_WITHIN_S / len(routes), ports)
        if not _not_found(outcome):
            return outcome, attempt.known_on(route)
    return outcome, attempt


def _routes(call: UpstreamCall) -> list[UpstreamCall]:
    return [call, *_routes(call.instead)] if call.instead else [call]


def _look(attempt: Attempt, call: UpstreamCall, within_s: float, ports: PollPorts) -> PollOutcome:
    provider = ports.providers(attempt.dialect)
    key = ports.keys.by_alias(attempt.provider, attempt.key_alias)
    try:
        with ports.upstream.send(attempt.provider, call, key, within_s) as answer:
            return provider.read_poll(read_answer(answer))
    except (UpstreamCallError, BadAudioError):
        return StillRunning(told=False)


def _not_found(outcome: PollOutcome) -> bool:
    return isinstance(outcome, Refused) and outcome.failure.failure_class is FailureClass.NOT_FOUND


def _conclude(job: Job, attempt: Attempt, outcome: PollOutcome, misses: int, ports: PollPorts) -> Verdict:
    now = ports.clock()
    if isinstance(outcome, StillRunning):
        if job.is_overdue(now):
            return given_up(attempt, now)
        if now < attempt.started_at + timedelta(seconds=ports.generation_timeout_s):
            _remember_route(job, attempt, ports)
            return _not_yet(job, attempt, outcome, misses, ports)
        message = f"the provider did not finish within {ports.generation_timeout_s} s; the song may have been billed"
        outcome = Refused(unknown_outcome(message, code="generation_timeout"))
    changed = job.with_outcome(attempt.after(outcome, now), now)
    try:
        ports.jobs.save(changed)
    except StaleRecordError:
        return _too_late(load_job(job.id, ports.jobs), attempt.number, ports)
    tell_of_doubts(job, changed, ports.metrics)
    return _on_record(changed, ports)


def _not_yet(job: Job, attempt: Attempt, outcome: StillRunning, misses: int, ports: PollPorts) -> Verdict:
    now = ports.clock()
    # A poll that told nothing may be the one that the last callback asked for, so nothing more may be announced.
    announced = still_announced(attempt, now) if outcome.told and outcome.retry_after_s is None else None
    pace = pace_of(job, ports.catalogue, ports.estimates)
    wait_s = pace.next_poll_s(attempt.age_s(now), outcome.retry_after_s)
    return announced or still_generating(attempt, now, wait_s, misses)


def _remember_route(job: Job, attempt: Attempt, ports: PollPorts) -> None:
    if attempt == job.last_attempt:
        return
    try:
        ports.jobs.save(job.with_outcome(attempt, ports.clock()))
    except StaleRecordError:
        # Whoever wrote the job knows more than a route; the next poll finds it again.
        return


def _too_late(job: Job, attempt_number: int, ports: PollPorts) -> Verdict:
    logger.info("late poll changes nothing", extra={"attempt": attempt_number, "status": job.status})
    return _on_record(job, ports)


def _on_record(job: Job, ports: PollPorts) -> Verdict:
    pace = pace_of(job, ports.catalogue, ports.estimates)
    return verdict_on(job, ports.clock(), pace, retry_later_s=1)
