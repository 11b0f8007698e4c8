"""Store the songs of a paid attempt and, once none is left, settle its job in the same run. Both may run again."""

from datetime import datetime

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import NextStep, asked_again, given_up, still_storing
from fermata.domain.jobs.status import JobStatus
from fermata.errors import SongsOutstandingError
from fermata.ports.jobs import JobStore
from fermata.use_cases.generation.finish.settle_job import SettlePorts, settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, StorePorts, outstanding_songs, store_audio


def settle_stored(job_id: str, attempt_number: int, store: StorePorts, settle: SettlePorts) -> JobStatus:
    """Try once to store every outstanding song, settle the job if none is left, and return its terminal status. A run
    that is repeated after it died finds the songs stored and settles.

    Raises `SongsOutstandingError` if songs are left for a later try, and whatever `store_audio` and `settle_job` raise.
    """
    step = store_audio(job_id, attempt_number, store)
    if step.outcome is not StoreOutcome.STORED:
        store.metrics.excuse()
        raise SongsOutstandingError(f"songs of attempt {attempt_number} are not stored yet ({step.outcome})")
    return settle_job(job_id, None, settle, store.clock())


def resume_storage(job_id: str, attempt_number: int, jobs: JobStore, now: datetime) -> NextStep:
    """The next step of an attempt whose songs are not all stored, by its record alone: poll for new links, fetch again
    after a pause, or store, which also settles the job of an attempt without outstanding songs.

    Raises `NotFoundError` for an unknown job.
    """
    job = jobs.load_existing(job_id)
    attempt = job.last_attempt
    if attempt is None or attempt.number != attempt_number or job.status.is_terminal:
        return given_up(attempt, now)
    left = outstanding_songs(job)
    wait_s = min((attempt.retries.wait_s(number, now) for number in left), default=1)
    if attempt.state is AttemptState.GENERATING:
        return asked_again(attempt, wait_s)
    return still_storing(attempt, wait_s, now)
