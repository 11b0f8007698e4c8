"""Turn a request body into a stored job and a running execution."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from fermata.domain.candidates import Candidate, DefaultFallbacks, candidates_for
from fermata.domain.catalogue import Catalogue
from fermata.domain.job_ids import new_job_id
from fermata.domain.jobs import Job, JobStatus, not_started
from fermata.domain.references import object_key, wrong_upload
from fermata.domain.requests import SongRequest, parse_song_request
from fermata.errors import InvalidRequestError, StaleRecordError, TransientError
from fermata.ports import Estimates, JobMachine, JobStore, ReferenceStore


@dataclass(frozen=True)
class SubmitPorts:
    """What `submit_job` works with; `start_by_s` is how long an order may wait, in seconds. `default_fallbacks` are
    for requests that name none, `trusted_origins` those that a reference may be linked from besides public hosts.
    """

    jobs: JobStore
    machine: JobMachine
    catalogue: Catalogue
    estimates: Estimates
    start_by_s: int
    default_fallbacks: DefaultFallbacks
    references: ReferenceStore
    trusted_origins: Collection[str]


def submit_job(body: bytes, tenant_id: str, ports: SubmitPorts, now: datetime, randomness: bytes) -> Job:
    """Store and start one job.

    Raises a `RequestRefusedError` before anything is stored, and `TransientError` where the machine could not be
    started; the job is
    then already closed as failed and unpaid.
    """
    request, model = parse_song_request(body, ports.catalogue, ports.trusted_origins)
    chain = candidates_for(request, model, ports.catalogue, ports.default_fallbacks)
    _check_upload(request, chain, tenant_id, ports.references, now)
    job = _new_job(request, chain, tenant_id, ports.start_by_s, now, randomness)
    ports.jobs.create(job)
    try:
        ports.machine.start(job.id)
    except TransientError:
        if _close(job, ports.jobs, now):
            raise
    return job


def _check_upload(
    request: SongRequest, chain: tuple[Candidate, ...], tenant_id: str, references: ReferenceStore, now: datetime
) -> None:
    """Refuse a recording that is not there, or too large for a model that shall sing after it; another tenant's is not
    there.
    """
    if request.reference is None or request.reference.id is None:
        return
    rules = {each.model: each.reference for each in chain if each.reference}
    size_bytes = references.size(object_key(tenant_id, request.reference.id))
    wrong = tuple(wrong_upload(request.reference.id, size_bytes, rules, now))
    if wrong:
        raise InvalidRequestError(wrong)


def _close(job: Job, jobs: JobStore, now: datetime) -> bool:
    """Close a job that could not be started; False where it runs after all and only the machine's answer was lost."""
    try:
        jobs.save(job.settled(not_started(now), now))
    except StaleRecordError:
        return False
    return True


def _new_job(
    request: SongRequest,
    chain: tuple[Candidate, ...],
    tenant_id: str,
    start_by_s: int,
    now: datetime,
    randomness: bytes,
) -> Job:
    return Job(
        id=new_job_id(now, randomness),
        tenant_id=tenant_id,
        request=request,
        candidates=chain,
        status=JobStatus.QUEUED,
        created_at=now,
        updated_at=now,
        start_by=now + timedelta(seconds=start_by_s),
    )
