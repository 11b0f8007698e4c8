"""Every error of this package, grouped by what the caller can do next.

FermataError
├── SettingsError             the base URL, a key or the request cannot be right; nothing was sent
├── RefusedError              Fermata refused the request and did nothing
│   ├── AuthenticationError   401, 403: the key is missing, wrong, expired or revoked
│   ├── ScopeError            403: the key may not do this; `required_scope` says what it lacks
│   ├── OutOfCreditError      402: add credits, or order something cheaper
│   ├── LimitError            429: a limit of the plan or of the key; wait `retry_after_s`
│   ├── InvalidRequestError   400, 413, 422: change the request; `fields` names what is wrong
│   │   └── ClockOffError     a moment of the request is wrong, and so is this machine's clock
│   ├── NotFoundError         404: unknown, or another tenant's
│   └── ConflictError         409: the state of the job, or of the account, does not allow it
├── NoAnswerError             nobody knows what became of the request; a repeated order is bought once all the same
│   ├── NetworkError          no answer came, or half of one
│   ├── ServerError           5xx: something broke at Fermata
│   └── NotFermataError       something else answered, a proxy's HTML page for example
├── WaitTimeoutError          the job goes on; `job_id` is there to wait for it again
├── JobFailedError            the job ended without audio; `job` says why
│   ├── ContentRefusedError   the provider refused the words; change them
│   ├── ProviderError         trouble of the provider; another order may help where `retryable` says so
│   ├── JobRefusedError       the order cannot be carried out as it is; change it
│   ├── JobCanceledError      somebody canceled it
│   └── JobExpiredError       it was not ready by `finish_by`, or never got its turn
├── DownloadError             the file did not come whole; nothing was left under the final name
├── UploadError               the store did not take the recording
└── WebhookError              the message is not one that Fermata signed with this secret, or not of this time

Every error has `job_id` where it is about a job, and `request_id` where Fermata gave one. Messages hold no API key,
and no control characters whoever wrote them.
"""

from dataclasses import dataclass

from fermata_client.models.job import Job
from fermata_client.models.problem import Problem
from fermata_client.text import plain


class FermataError(Exception):
    """Root of the tree; never raised itself."""

    job_id: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    """The key of the order that the error is about. Order again with it: the order is then bought once."""

    def __init__(self, message: str) -> None:
        super().__init__(plain(message))


class SettingsError(FermataError):
    """The base URL, a key or the request cannot be right; nothing was sent."""


@dataclass(frozen=True)
class Refusal:
    """What was answered to a request that was refused. `problem` is None for an answer of API Gateway itself."""

    status: int
    problem: Problem | None
    retry_after_s: float | None
    message: str


class RefusedError(FermataError):
    """Fermata refused the request and did nothing."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.status = refusal.status
        self.problem = refusal.problem
        self.retry_after_s = refusal.retry_after_s
        self.request_id = refusal.problem.request_id if refusal.problem else None

    @property
    def code(self) -> str | None:
        """The kind of problem in one word, such as `out_of_credit`; None for an answer of API Gateway itself."""
        return self.problem.code if self.problem else None


class AuthenticationError(RefusedError):
    """The key is missing, wrong, expired or revoked."""


class ScopeError(RefusedError):
    """The key may not do this."""

    @property
    def required_scope(self) -> str | None:
        """The scope that the key lacks, where that is the reason."""
        return self.problem.required_scope if self.problem else None


class OutOfCreditError(RefusedError):
    """The credits do not cover the order; `problem` has `available_credits` and `price_credits`."""


class LimitError(RefusedError):
    """A limit of the plan or of the key; the same request may pass after `retry_after_s`."""


class InvalidRequestError(RefusedError):
    """The request is wrong."""

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong, by JSON pointer into the request."""
        return {each.pointer: each.message for each in self.problem.errors} if self.problem else {}


class ClockOffError(InvalidRequestError):
    """A moment of the request is wrong, and this machine's clock differs from Fermata's by `skew_s` seconds."""

    def __init__(self, refusal: Refusal, skew_s: float) -> None:
        super().__init__(refusal)
        self.skew_s = skew_s


class NotFoundError(RefusedError):
    """Unknown, or another tenant's."""


class ConflictError(RefusedError):
    """The state of the job, or of the account, does not allow it; `code` says which."""


class NoAnswerError(FermataError):
    """Nobody knows what became of the request."""

    retry_after_s: float | None = None


class NetworkError(NoAnswerError):
    """No answer came, or half of one. `sent` is whether the request may have arrived."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class ServerError(NoAnswerError):
    """Something broke at Fermata."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.status = refusal.status
        self.retry_after_s = refusal.retry_after_s
        self.request_id = refusal.problem.request_id if refusal.problem else None


class NotFermataError(NoAnswerError):
    """Something else answered: look at the base URL, and at proxies in between."""

    def __init__(self, message: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class WaitTimeoutError(FermataError, TimeoutError):
    """The time to wait is over; the job goes on and is paid when it succeeds."""

    def __init__(self, job: Job, waited_s: float) -> None:
        super().__init__(f"{job.id} is {job.status} after {waited_s:g} s and goes on; wait for it again by its id")
        self.job = job
        self.job_id = job.id


class JobFailedError(FermataError):
    """The job ended without audio."""

    def __init__(self, job: Job) -> None:
        reason = f": {job.error.message} ({job.error.failure_class})" if job.error else ""
        super().__init__(f"{job.id} {job.status}{reason}; credits: {job.charged}")
        self.job = job
        self.job_id = job.id

    @property
    def retryable(self) -> bool:
        """Whether another order of the same may help."""
        return self.job.error is not None and self.job.error.retryable


class ContentRefusedError(JobFailedError):
    """The provider refused the words."""


class ProviderError(JobFailedError):
    """Trouble of the provider."""


class JobRefusedError(JobFailedError):
    """The order cannot be carried out as it is."""


class JobCanceledError(JobFailedError):
    """Somebody canceled the job."""


class JobExpiredError(JobFailedError):
    """The job was not ready in time."""


class DownloadError(FermataError):
    """The file did not come whole; nothing was left under the final name."""


class UploadError(FermataError):
    """The store did not take the recording; upload it again."""


class WebhookError(FermataError):
    """The message is not one that Fermata signed with this secret, or not of this time."""
