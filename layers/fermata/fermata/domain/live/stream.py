"""One attempt's live song: the pieces that listeners can hear so far, and who may hear them."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus

TARGET_S: Final = 4
"""The longest piece in seconds. Playlists say it from their first piece on, so it never changes for a live song."""
FIRST_S: Final = 2
"""The longest first piece in seconds: shorter than the others, so that something is heard early."""
KEPT_FOR: Final = timedelta(days=30)
"""How long pieces and their record are kept, as everything in staging."""


class LiveStream(BaseModel):
    """The pieces of one attempt, numbered from 1, by the length of each in ms. The record has the hash of its token and
    never the token. `ended` is whether no piece follows. `version` grows with every write and is the condition of the
    next one; the record may be deleted from `expires_at` on.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    sha256: str
    job_id: str
    attempt: PositiveInt
    expires_at: datetime
    target_s: PositiveInt = TARGET_S
    durations_ms: tuple[NonNegativeInt, ...] = ()
    ended: bool = False
    version: NonNegativeInt = 0

    @classmethod
    def new(cls, sha256: str, job_id: str, attempt: int, now: datetime) -> "LiveStream":
        """A live song without a piece yet."""
        return cls(sha256=sha256, job_id=job_id, attempt=attempt, expires_at=now + KEPT_FOR)

    def with_piece(self, duration_ms: int) -> "LiveStream":
        """This live song with one more piece."""
        durations = (*self.durations_ms, duration_ms)
        return self.model_copy(update={"durations_ms": durations, "version": self.version + 1})

    def at_its_end(self) -> "LiveStream":
        """This live song once all of its pieces are there."""
        return self.model_copy(update={"ended": True, "version": self.version + 1})


def can_be_joined(job: Job) -> bool:
    """Whether the job's current attempt may have a live song that is still being made."""
    attempt = job.last_attempt
    if attempt is None or job.status.is_terminal or attempt.state is AttemptState.FAILED:
        return False
    return job.candidates[attempt.candidate].live and attempt.staged_at is None


def may_be_heard(job: Job | None, stream: LiveStream, now: datetime, grace_s: int) -> bool:
    """Whether the address of a live song answers: while its attempt makes the job's song, and for `grace_s` seconds
    after the job succeeded. It ends with a failed attempt, with any other end of the job, and with its deletion.
    """
    if job is None or job.deleted_at is not None:
        return False
    attempt = job.last_attempt
    if attempt is None or attempt.number != stream.attempt:
        return False
    if not job.status.is_terminal:
        return attempt.state is not AttemptState.FAILED
    in_time = job.finished_at is not None and now <= job.finished_at + timedelta(seconds=grace_s)
    return job.status is JobStatus.SUCCEEDED and in_time


def has_ended(job: Job, stream: LiveStream) -> bool:
    """Whether no piece follows any more."""
    return stream.ended or job.status.is_terminal
