"""When a call of DynamoDB is tried again, and how long after: as botocore's standard mode has it, which tests compare.

botocore's own module is no public interface, and its change would show first in production, at the first failed call.
"""

import random
from collections.abc import Callable
from threading import Lock
from typing import Final, NamedTuple

_THROTTLED: Final = frozenset(
    (
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "RequestThrottled"),
        *("TooManyRequestsException", "ProvisionedThroughputExceededException", "TransactionInProgressException"),
        *("RequestLimitExceeded", "BandwidthLimitExceeded", "LimitExceededException", "SlowDown"),
        *("PriorRequestNotComplete", "EC2ThrottledException"),
    )
)
_TRANSIENT: Final = frozenset({"RequestTimeout", "RequestTimeoutException"})
_TRANSIENT_STATUSES: Final = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS: Final = 429

_LONGEST_S: Final = 20.0
_CAPACITY: Final = 500


class Kind(NamedTuple):
    """A kind of failure that another try may mend: what a try takes from the quota, and the longest first pause."""

    cost: int
    pause_s: float


LOST: Final = Kind(cost=14, pause_s=0.025)
"""A connection that failed, an answer that arrived damaged, and an error inside DynamoDB."""
THROTTLED: Final = Kind(cost=5, pause_s=1.0)


def kind_of(code: str, status: int) -> Kind | None:
    """The kind of a refusal by DynamoDB's code and the HTTP status; None where another try would change nothing."""
    if code in _THROTTLED or status == _TOO_MANY_REQUESTS:
        return THROTTLED
    return LOST if code in _TRANSIENT or status in _TRANSIENT_STATUSES else None


class Retries:
    """The tries of one client, with a quota for all its calls, so that retries do not add to an outage."""

    def __init__(self, attempts: int, chance: Callable[[], float] = random.random) -> None:
        self.attempts = attempts
        self._chance = chance
        self._left = _CAPACITY
        self._lock = Lock()

    def pause_s(self, attempt: int, kind: Kind | None) -> float | None:
        """Seconds until the try after this one, counted from 1; None where there is none. It takes from the quota."""
        if kind is None or attempt >= self.attempts:
            return None
        with self._lock:
            if kind.cost > self._left:
                return None
            self._left -= kind.cost
        return self._chance() * min(kind.pause_s * 2.0 ** (attempt - 1), _LONGEST_S)

    def succeeded(self, after: Kind | None) -> None:
        """Give back what the last try before this success took, or one where it was the first."""
        with self._lock:
            self._left = min(self._left + (after.cost if after else 1), _CAPACITY)
