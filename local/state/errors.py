"""Why a state directory cannot be used."""

from local.errors import LocalCloudError, UsageError


class StateRefusedError(UsageError):
    """The kept state cannot be used as asked; it stays as it was, and the message says what to do."""


class StateWriteError(LocalCloudError):
    """The state can no longer be written; what was answered before is kept."""
