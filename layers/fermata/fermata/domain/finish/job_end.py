"""What an operator is told about the end of each job."""

from dataclasses import dataclass
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import ProviderCharged

SUCCEEDED: Final = JobStatus.SUCCEEDED.value


@dataclass(frozen=True)
class JobEnd:
    """The end of one job with its last model. `outcome` is the error's class, or `succeeded` or `canceled`; `code` is
    the provider's own, or Fermata's for ends before an order. `seconds` pass from the submission to the end; `credits`
    are those that the tenant spent. `provider_charged` is that of the last attempt, `no` without one.
    """

    job_id: str
    tenant_id: str
    provider: str
    model: str
    outcome: str
    code: str | None
    provider_charged: str
    seconds: float
    credits: int

    @property
    def has_succeeded(self) -> bool:
        """Whether the song was delivered."""
        return self.outcome == SUCCEEDED


def end_of_job(job: Job) -> JobEnd:
    """Return the end of a settled job; raises `AssertionError` for an open one."""
    if job.finished_at is None:
        raise AssertionError(f"a {job.status} job has not ended")
    last = job.last_attempt
    return JobEnd(
        job_id=job.id,
        tenant_id=job.tenant_id,
        provider=job.candidate.provider,
        model=job.candidate.model,
        outcome=job.failure.failure_class.value if job.failure else job.status.value,
        code=job.failure.code if job.failure else None,
        provider_charged=(last.provider_charged if last else ProviderCharged.NO).value,
        seconds=(job.finished_at - job.created_at).total_seconds(),
        credits=job.spent_credits,
    )
