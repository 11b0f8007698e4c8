"""What one session may spend."""

from fermata_client.mcp.refusal import RefusalError
from fermata_client.models.job import Job


class Spending:
    """The credits of a session's orders: what each may cost at most, and once it ended what it did cost.

    An order counts once, under the Idempotency-Key of its quote. `limit` is in credits; 0 allows nothing.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._credits: dict[str, int] = {}
        self._keys: dict[str, str] = {}

    @property
    def used(self) -> int:
        """The credits that are held or spent."""
        return sum(self._credits.values())

    def check(self, key: str, most_credits: int) -> None:
        """Raise `RefusalError` where an order would exceed the limit."""
        if key in self._credits or self.used + most_credits <= self.limit:
            return
        if self.limit == 0:
            raise RefusalError(
                "this server may not buy anything. Nothing was ordered. Ask the user to start it with a limit, as in "
                f"`fermata mcp --max-credits {most_credits}`"
            )
        raise RefusalError(
            f"the limit of this session is {self.limit} credits, {self.used} of them are held or spent, and this order "
            f"may cost {most_credits}. Nothing was ordered. Order something cheaper, or ask the user to start the "
            "server with a higher --max-credits"
        )

    def reserve(self, key: str, most_credits: int) -> bool:
        """Count an order before it is sent, and return whether it was not counted yet; raises as `check` does."""
        self.check(key, most_credits)
        is_new = key not in self._credits
        self._credits.setdefault(key, most_credits)
        return is_new

    def release(self, key: str) -> None:
        """Forget an order that Fermata refused."""
        self._credits.pop(key, None)

    def ordered(self, key: str, job: Job, most_credits: int) -> None:
        """Count an order that was accepted, and what its job cost where it has ended."""
        self._credits.setdefault(key, most_credits)
        self.link(key, job)

    def link(self, key: str, job: Job) -> None:
        """Remember the job of an order, which an earlier session may have made: then it does not count."""
        self._keys[job.id] = key
        self.saw(job)

    def saw(self, job: Job) -> None:
        """Count what a job of this session cost, once it ended."""
        key = self._keys.get(job.id)
        if key in self._credits and job.is_finished:
            self._credits[key] = job.spent_credits or 0
