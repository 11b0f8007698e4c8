"""The branch of the error tree for what a tenant's plan or key allows: `LimitReachedError`, status 429."""

from fermata.errors import LimitReachedError


class RateLimitedError(LimitReachedError):
    """As many requests of this kind as the plan allows were made in this minute, or on this day."""

    def __init__(self, what: str, quota: int, retry_after_s: int, per: str = "minute") -> None:
        super().__init__(f"the plan allows {quota} {what} a {per}; send it again in {retry_after_s} s", retry_after_s)


class TooManyJobsError(LimitReachedError):
    """As many jobs as the plan allows are open."""

    def __init__(self, open_jobs: int, retry_after_s: int) -> None:
        super().__init__(f"{open_jobs} jobs are open, as many as the plan allows; wait for one to end", retry_after_s)


class TooManyBatchesError(LimitReachedError):
    """The tenant has as many batch files in progress as it may have at once."""

    def __init__(self, most: int, retry_after_s: int) -> None:
        super().__init__(
            f"{most} of your files are in progress, as many as allowed at once; put the file in again once one of them "
            "has its completed.json",
            retry_after_s,
        )


class MonthlyLimitError(LimitReachedError):
    """The order may cost more than the month's limit leaves; all amounts are in credits."""

    def __init__(self, limit: int, left: int, price: int, retry_after_s: int) -> None:
        super().__init__(
            f"this order may cost {price} credits and {max(0, left)} of the month's {limit} are left; "
            "wait for the next month, or ask for a higher limit",
            retry_after_s,
        )


class KeyLimitError(LimitReachedError):
    """The order may cost more than the month's limit of its key leaves; all amounts are in credits."""

    def __init__(self, limit: int, left: int, price: int, retry_after_s: int) -> None:
        super().__init__(
            f"this order may cost {price} credits and {max(0, left)} of this key's {limit} a month are left; "
            "wait for the next month, or order with another key",
            retry_after_s,
        )


class LostSongsError(LimitReachedError):
    """Songs that were bought and whose credits were returned have reached the plan's limit for the day, or this order
    alone may exceed it.
    """

    def __init__(self, limit: int, lost: int, at_risk: int, retry_after_s: int) -> None:
        may_lose = f"this order may lose {at_risk} more by its finish_by or its fallbacks; " if at_risk else ""
        super().__init__(
            f"{lost} songs were made today whose credits were returned, and the plan allows {limit} a day; {may_lose}"
            "order again tomorrow (UTC), or ask for a higher limit",
            retry_after_s,
        )


class LossesAtRiskError(LostSongsError):
    """By their own terms, open orders may lose as many songs as the plan still allows today."""

    def __init__(self, limit: int, lost: int, at_risk: int, retry_after_s: int) -> None:
        LimitReachedError.__init__(
            self,
            f"{lost} songs were made today whose credits were returned, and open orders with finish_by, or with "
            f"on_unknown and fallbacks, may lose {at_risk} more; the plan allows {limit} a day; wait for one to end, "
            "or order without these terms",
            retry_after_s,
        )


class UnpaidJobsError(LimitReachedError):
    """Callers ended as many jobs before a purchase as the plan allows in a day."""

    def __init__(self, limit: int, retry_after_s: int) -> None:
        super().__init__(
            f"{limit} jobs of today were canceled, too late for finish_by or without a usable reference before "
            "anything was bought, as many as the plan allows a day; order again tomorrow (UTC), or ask for a higher "
            "limit",
            retry_after_s,
        )
