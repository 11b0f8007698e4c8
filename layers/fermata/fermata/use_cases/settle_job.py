"""Bring a job to its end, once. The only writer of terminal states."""

from datetime import datetime
from typing import Final

from fermata.domain.jobs import JobStatus
from fermata.domain.settlement import settle
from fermata.domain.song_times import song_time_of
from fermata.errors import StaleRecordError
from fermata.ports import Estimates, JobStore
from fermata.use_cases.resume_generation import load_job

_READS: Final = 5


def settle_job(job_id: str, stopped_by: str | None, jobs: JobStore, estimates: Estimates, now: datetime) -> JobStatus:
    """The job's terminal status; running it again changes nothing. `stopped_by` is the error that stopped the machine,
    if any. The run that settles a delivered job also counts what its song took.

    Raises `StaleRecordError` where others keep writing the job, which the machine repeats, and `NotFoundError` for an
    unknown job.
    """
    for _ in range(_READS - 1):
        try:
            return _settle_once(job_id, stopped_by, jobs, estimates, now)
        except StaleRecordError:
            continue
    return _settle_once(job_id, stopped_by, jobs, estimates, now)


def _settle_once(job_id: str, stopped_by: str | None, jobs: JobStore, estimates: Estimates, now: datetime) -> JobStatus:
    job = load_job(job_id, jobs)
    settled = settle(job, stopped_by, now)
    if settled is None:
        return job.status
    jobs.settle(settled)
    song = song_time_of(settled)
    if song is not None:
        estimates.learn(settled.candidate.model, song)
    return settled.status
