"""Record the outcome of an attempt, even if another run wrote the job meanwhile."""

from datetime import datetime

from fermata.domain.finish.rescue import with_rescue_begun
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, next_step_of
from fermata.domain.providers.failures import FailureClass
from fermata.errors import StaleRecordError
from fermata.use_cases.generation.finish.record_unknown_outcomes import report_unknown_outcomes
from fermata.use_cases.generation.finish.resume_generation import ResumePorts
from fermata.use_cases.orders.estimates import pace_of
from fermata.use_cases.stale import retry_on_stale


def record(before: Job, changed: Job, ports: ResumePorts, now: datetime) -> NextStep:
    """Save a job whose last attempt changed, and return its next step. If another run wrote first, its record stands;
    if that run closed this attempt as unknown although the answer is staged, the attempt is marked late.

    Raises `StaleRecordError` if other runs keep writing the job.
    """
    try:
        ports.jobs.save(changed)
    except StaleRecordError:
        changed = _after_another_write(changed, ports, now)
    else:
        report_unknown_outcomes(before, changed, ports.metrics)
    return next_step_of(changed, now, pace_of(changed, ports.catalogue, ports.estimates), ports.retry_later_s)


def _after_another_write(intended: Job, ports: ResumePorts, now: datetime) -> Job:
    current, ours = ports.jobs.load_existing(intended.id), intended.attempts[-1]
    if not _was_closed_as_unknown(current, ours) or ports.answers.open(current.id, ours.number) is None:
        return current

    def mark_late(job: Job) -> Job:
        late = with_rescue_begun(job.with_late_answer(ours.number, now, ours))
        ports.jobs.save(late)
        return late

    # The state machine settles such a job at once, so one more read is common and enough.
    return retry_on_stale(mark_late, lambda: ports.jobs.load_existing(intended.id), known=current, reads=2)


def _was_closed_as_unknown(current: Job, ours: Attempt) -> bool:
    """Whether another run closed our attempt as unknown. If the record has the failure that we intended to write, then
    our own write succeeded, or that of a resume which read the same answer.
    """
    attempt = next((each for each in current.attempts if each.claim_id == ours.claim_id), None)
    if attempt is None or attempt.late or attempt.failure == ours.failure:
        return False
    return attempt.failure is not None and attempt.failure.failure_class is FailureClass.UNKNOWN_OUTCOME
