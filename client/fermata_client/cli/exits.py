"""Exit codes by what went wrong, so that scripts can tell what to do next."""

from enum import IntEnum

from fermata_client.errors import (
    AuthenticationError,
    ConflictError,
    ContentRefusedError,
    DownloadError,
    FermataError,
    InvalidRequestError,
    JobFailedError,
    LimitError,
    NetworkError,
    NotFermataError,
    NotFoundError,
    OutOfCreditError,
    ScopeError,
    ServerError,
    SettingsError,
    UploadError,
    WaitTimeoutError,
)


class ExitCode(IntEnum):
    """How a command ends; docs/client.md has the table."""

    DONE = 0
    BROKEN = 1
    USAGE = 2
    AUTH = 3
    CREDIT = 4
    LIMIT = 5
    REFUSED = 6
    CONTENT = 7
    FAILED = 8
    TIMEOUT = 9
    NETWORK = 10
    FILE = 11
    INTERRUPTED = 130


_CODES: tuple[tuple[type[Exception], ExitCode], ...] = (
    (SettingsError, ExitCode.USAGE),
    (AuthenticationError, ExitCode.AUTH),
    (ScopeError, ExitCode.AUTH),
    (OutOfCreditError, ExitCode.CREDIT),
    (LimitError, ExitCode.LIMIT),
    (InvalidRequestError, ExitCode.REFUSED),
    (NotFoundError, ExitCode.REFUSED),
    (ConflictError, ExitCode.REFUSED),
    (ContentRefusedError, ExitCode.CONTENT),
    (JobFailedError, ExitCode.FAILED),
    (WaitTimeoutError, ExitCode.TIMEOUT),
    (NetworkError, ExitCode.NETWORK),
    (NotFermataError, ExitCode.NETWORK),
    (ServerError, ExitCode.NETWORK),
    (DownloadError, ExitCode.FILE),
    (UploadError, ExitCode.FILE),
    (OSError, ExitCode.FILE),
)


def exit_code(error: FermataError | OSError) -> ExitCode:
    """The exit code of an error. An order that costs more than `--max-credits` counts as credit."""
    if isinstance(error, InvalidRequestError) and "/max_credits" in error.fields:
        return ExitCode.CREDIT
    return code_of(type(error))


def code_of(kind: type[Exception]) -> ExitCode:
    """The exit code of all errors of a class."""
    return next((code for known, code in _CODES if issubclass(kind, known)), ExitCode.BROKEN)
