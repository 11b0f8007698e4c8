"""A new job around a song that was bought for an earlier one and never delivered."""

from datetime import datetime
from hashlib import sha256

from fermata.domain.job_ids import RANDOM_BYTES, new_job_id
from fermata.domain.jobs import Attempt, AttemptState, Job, JobStatus, StagedAt
from fermata.domain.upstream import StartOutcome


def recovered_id(job: Job) -> str:
    """The id of the job that redelivers this one: always the same, so that it is made once."""
    return new_job_id(job.finished_at or job.created_at, sha256(f"redeliver {job.id}".encode()).digest()[:RANDOM_BYTES])


def recovered_job(job: Job, attempt: Attempt, outcome: StartOutcome, now: datetime) -> Job:
    """A job that begins with what an attempt of an ended one brought: the song, or the task that makes it. It orders
    nothing, has no deadline, and costs its customer what the model that sang cost then.
    """
    carried = attempt.carried_over(StagedAt(job_id=job.id, attempt=attempt.number), now)
    begun = Job(
        id=recovered_id(job),
        tenant_id=job.tenant_id,
        request=job.request.model_copy(update={"finish_by": None}),
        candidates=(job.candidates[attempt.candidate],),
        status=JobStatus.SUBMITTING,
        created_at=now,
        updated_at=now,
        start_by=now,
        attempts=(carried,),
        recovered_from=job.id,
    )
    return begun.with_outcome(carried.after(outcome, now), now).model_copy(update={"version": 1})


def may_have_a_song(job: Job) -> list[Attempt]:
    """The attempts of an ended job whose answer may hold a song or lead to one, the newest first."""
    return [each for each in reversed(job.attempts) if each.state in (AttemptState.READY, AttemptState.FAILED)]
