"""Which error a job that ended without audio is."""

from collections.abc import Mapping
from typing import Final

from fermata_client.errors import (
    ContentRefusedError,
    JobCanceledError,
    JobExpiredError,
    JobFailedError,
    JobRefusedError,
    ProviderError,
)
from fermata_client.models.job import Job

_BY_CLASS: Final[Mapping[str, type[JobFailedError]]] = {
    "content_refused": ContentRefusedError,
    "invalid_request": JobRefusedError,
}


def error_of_job(job: Job) -> JobFailedError:
    """The error of a job that has ended and did not succeed."""
    if job.status == "canceled":
        return JobCanceledError(job)
    if job.status == "expired":
        return JobExpiredError(job)
    return _BY_CLASS.get(job.error.failure_class if job.error else "", ProviderError)(job)
