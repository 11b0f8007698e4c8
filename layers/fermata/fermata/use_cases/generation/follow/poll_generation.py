"""Poll a provider for a bought song. Polls are free, so failed polls are retried patiently; only the provider's final
refusal of this task ends the job at once. One run polls several times where the pauses between are short.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import (
    NextStep,
    asked_again,
    given_up,
    next_step_of,
    read_instant,
    still_announced,
    still_generating,
)
from fermata.domain.providers.calls import AudioAt, DoneWithoutLink, Provider, Refused, StillRunning, Trouble
from fermata.domain.providers.failures import Failure, FailureClass, unknown_outcome
from fermata.domain.providers.patience import PatiencePolicy
from fermata.errors import StaleRecordError
from fermata.log import logger
from fermata.ports.audio import AnswerStore
from fermata.ports.jobs import JobStore
from fermata.ports.metrics import Metrics
from fermata.ports.providers import Estimates, ProviderKeys, Upstream
from fermata.use_cases.generation.finish.record_unknown_outcomes import report_unknown_outcomes
from fermata.use_cases.generation.follow.ask_task import POLL_WITHIN_S, SongReceived, ask_task, trouble_of_asking
from fermata.use_cases.orders.estimates import pace_of

TIME_TO_RECORD_S: Final = 10
"""Seconds that a run keeps beside the longest poll, to record what the poll found."""


@dataclass(frozen=True)
class PollPorts:
    """Ports of `poll_generation`. A task is polled for `generation_timeout_s` seconds after its order, and longer only
    while `patience` allows it after failed polls. `answers` makes the store only when an answer has to be kept;
    `scratch` is a folder for temporary files.
    """

    jobs: JobStore
    upstream: Upstream
    keys: ProviderKeys
    providers: Callable[[str], Provider]
    answers: Callable[[], AnswerStore]
    catalogue: Catalogue
    estimates: Estimates
    metrics: Metrics
    clock: Callable[[], datetime]
    scratch: Path
    patience: PatiencePolicy
    generation_timeout_s: int


@dataclass(frozen=True)
class PollRun:
    """The time of one run. `pause` waits for so many seconds of the schedule, `longest_pauses_s` is the most seconds of
    all pauses together, and `remaining_s` returns the seconds left to the invocation.
    """

    pause: Callable[[float], None]
    remaining_s: Callable[[], float]
    longest_pauses_s: int

    def has_time_for(self, pause_s: int, paused_s: int) -> bool:
        """Whether the run, after `paused_s` seconds of pauses, may pause again and still finish the longest poll."""
        needed_s = pause_s + POLL_WITHIN_S + TIME_TO_RECORD_S
        return paused_s + pause_s <= self.longest_pauses_s and self.remaining_s() >= needed_s


class _NotYet(NamedTuple):
    """A poll that found the song in progress: the state machine's step, which waits for the next poll, and the seconds
    after which the same run may poll instead, None if it may not.
    """

    step: NextStep
    in_this_run_s: int | None


def poll_generation(
    job_id: str,
    attempt_number: int,
    ports: PollPorts,
    not_yet_at: datetime | None = None,
    run: PollRun | None = None,
) -> NextStep:
    """Poll until the run's time for pauses is over, once without a `run`, and return the next step. `not_yet_at` is the
    time at which the provider last said that the song is not ready, if the state machine's payload has it.

    Only the schedule's pauses for a song in progress are in the run. The job is read again before each poll, so that a
    job that ended meanwhile is not polled.
    """
    found = _poll(job_id, attempt_number, ports, not_yet_at)
    paused_s = 0
    while isinstance(found, _NotYet):
        pause_s = found.in_this_run_s
        if run is None or pause_s is None or not run.has_time_for(pause_s, paused_s):
            return found.step
        run.pause(pause_s)
        paused_s += pause_s
        found = _poll(job_id, attempt_number, ports, read_instant(found.step.not_before))
    return found


def _poll(job_id: str, attempt_number: int, ports: PollPorts, not_yet_at: datetime | None) -> NextStep | _NotYet:
    job = ports.jobs.load_existing(job_id).known_not_yet(attempt_number, not_yet_at)
    attempt = job.last_attempt
    waiting = attempt is not None and attempt.state is AttemptState.GENERATING and attempt.number == attempt_number
    if attempt is None or not waiting or job.status.is_terminal:
        return _after_a_late_poll(job, attempt_number, ports)
    outcome, attempt = ask_task(job, attempt, ports, asked=attempt.retries.polls)
    if isinstance(outcome, StillRunning) and outcome.offered is not None and attempt.link_renewals:
        # Fetching is free, and a song may be finished before the provider says so.
        outcome = outcome.offered
    if attempt.has_links and not isinstance(outcome, AudioAt | SongReceived):
        return _no_new_link(job, attempt, outcome, ports)
    match outcome:
        case StillRunning():
            return _still_running(job, attempt, outcome, ports)
        case Trouble(failure):
            return _poll_again(job, attempt, failure, ports)
        case DoneWithoutLink(failure):
            return _poll_again(job, attempt, failure, ports, without_link=True)
        case _:
            return _conclude(job, attempt, outcome, ports)


# ---- deciding


def _still_running(job: Job, attempt: Attempt, outcome: StillRunning, ports: PollPorts) -> NextStep | _NotYet:
    now = ports.clock()
    if job.is_past_finish_by(now):
        return given_up(attempt, now)
    is_over = now >= _generation_ends(attempt, ports)
    if outcome.offered is not None and is_over:
        return _conclude(job, attempt, outcome.offered, ports)
    if attempt.link_renewals:
        found = "it reported the audio as done and later as not done"
        return _poll_again(job, attempt, trouble_of_asking(FailureClass.TRANSIENT, "not_done_again", found), ports)
    if is_over:
        message = f"the provider did not finish within {ports.generation_timeout_s} s; the audio may have been billed"
        return _conclude(job, attempt, Refused(unknown_outcome(message, code="generation_timeout")), ports)
    if attempt.retries.since and now < _regular_end(attempt, ports):
        attempt = attempt.with_retries(attempt.retries.recovered())
    _record_poll(job, attempt, ports)
    return _poll_later(job, attempt, outcome, ports)


def _regular_end(attempt: Attempt, ports: PollPorts) -> datetime:
    return attempt.started_at + timedelta(seconds=ports.generation_timeout_s)


def _generation_ends(attempt: Attempt, ports: PollPorts) -> datetime:
    """When a task that is still running is given up. Failed polls that began before then extend the time once, by their
    patience.
    """
    end = _regular_end(attempt, ports)
    since = attempt.retries.since
    return end if since is None or since > end else max(end, ports.patience.ends_at(attempt.retries, since))


def _poll_later(job: Job, attempt: Attempt, outcome: StillRunning, ports: PollPorts) -> _NotYet:
    now = ports.clock()
    attempt = attempt.not_yet(now) if outcome.reported else attempt
    # A poll without an answer may be the one that the last callback caused, so no further callback may be announced.
    announced = still_announced(attempt) if outcome.reported and outcome.retry_after_s is None else None
    pace = pace_of(job, ports.catalogue, ports.estimates)
    elapsed_s = attempt.age_s(now)
    in_this_run_s = pace.next_poll_in_a_run_s(elapsed_s, outcome.retry_after_s)
    if announced:
        # A callback that came early, as for the words of a song, is followed by another one.
        return _NotYet(announced, in_this_run_s if pace.is_time_to_poll(elapsed_s) else None)
    return _NotYet(still_generating(attempt, pace.next_poll_s(elapsed_s, outcome.retry_after_s)), in_this_run_s)


def _poll_again(
    job: Job, attempt: Attempt, failure: Failure, ports: PollPorts, *, without_link: bool = False
) -> NextStep:
    now = ports.clock()
    if job.is_past_finish_by(now):
        return given_up(attempt, now)
    retries = attempt.retries.after_poll(failure, now, without_link=without_link)
    if ports.patience.gives_up_polling(retries, now):
        return _conclude(job, attempt.with_retries(retries), Refused(failure), ports)
    wait_s = ports.patience.poll_pause_s(retries, now)
    poll = {"attempt": attempt.number, "found": failure.code, "message": failure.message, "wait_seconds": wait_s}
    logger.warning("a poll gave no answer; the task is polled again", extra={"poll": poll})
    if not _record_poll(job, attempt.with_retries(retries), ports):
        return _after_a_late_poll(ports.jobs.load_existing(job.id), attempt.number, ports)
    return asked_again(attempt, wait_s)


def _no_new_link(
    job: Job, attempt: Attempt, outcome: StillRunning | Trouble | DoneWithoutLink | Refused, ports: PollPorts
) -> NextStep:
    """Return to the links on record, which may still work although the task gave no new link."""
    now = ports.clock()
    if job.is_past_finish_by(now):
        return given_up(attempt, now)
    if isinstance(outcome, StillRunning):
        found = "it reported the audio as done and later as not done"
        failure = trouble_of_asking(FailureClass.TRANSIENT, "not_done_again", found)
        failure = failure.model_copy(update={"retry_after_s": outcome.retry_after_s})
    else:
        failure = outcome.failure
    poll = {"attempt": attempt.number, "found": failure.code, "message": failure.message}
    logger.warning("a task gave no new link; the known ones are fetched again", extra={"poll": poll})
    retries = attempt.retries.without_a_new_link(failure, now, is_final=isinstance(outcome, Refused))
    return _save_conclusion(job, attempt.with_retries(retries).with_known_links(now), ports)


def _conclude(job: Job, attempt: Attempt, outcome: AudioAt | SongReceived | Refused, ports: PollPorts) -> NextStep:
    now = ports.clock()
    if isinstance(outcome, SongReceived):
        ended = attempt.with_kept((outcome.number,)).found_kept(now).traced(outcome.trace_id)
    else:
        ended = attempt.after(outcome, now)
    if ended.state is AttemptState.READY:
        in_time = not attempt.link_renewals and now < _regular_end(attempt, ports)
        ended = ended.with_retries(attempt.retries.recovered() if in_time else attempt.retries.with_a_new_link())
    return _save_conclusion(job, ended, ports)


def _save_conclusion(job: Job, attempt: Attempt, ports: PollPorts) -> NextStep:
    changed = job.with_outcome(attempt, ports.clock())
    try:
        ports.jobs.save(changed)
    except StaleRecordError:
        return _after_a_late_poll(ports.jobs.load_existing(job.id), attempt.number, ports)
    report_unknown_outcomes(job, changed, ports.metrics)
    return _step_on_record(changed, ports)


def _record_poll(job: Job, attempt: Attempt, ports: PollPorts) -> bool:
    """Record the poll on the attempt; False if another run wrote the job meanwhile, whose record is newer."""
    if attempt == job.last_attempt:
        return True
    try:
        ports.jobs.save(job.with_asking(attempt))
    except StaleRecordError:
        return False
    return True


def _after_a_late_poll(job: Job, attempt_number: int, ports: PollPorts) -> NextStep:
    logger.info("late poll changes nothing", extra={"attempt": attempt_number, "status": job.status})
    return _step_on_record(job, ports)


def _step_on_record(job: Job, ports: PollPorts) -> NextStep:
    pace = pace_of(job, ports.catalogue, ports.estimates)
    return next_step_of(job, ports.clock(), pace, retry_later_s=1)
