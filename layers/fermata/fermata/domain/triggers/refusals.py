"""Consecutive refusals of a file's lines, and when they end its run."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt

MOST_REFUSALS: Final = 1000
"""Number of consecutive refusals, without a line that became a job, that ends a run."""
LONGEST_WAIT: Final = timedelta(hours=2)
"""How long a run may wait for room in the plan; every job that takes up room starts or ends in less time."""


class RefusedInARow(BaseModel):
    """Refusals of a run's lines since the last job, the first at `since`: final ones (`refused`), and those for lack of
    room in the plan, after which the line is tried again (`waits`).
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    refused: NonNegativeInt = 0
    waits: NonNegativeInt = 0
    since: datetime | None = None

    def and_one_more(self, now: datetime, *, comes_again: bool) -> "RefusedInARow":
        """These refusals with another one."""
        more = {"waits": self.waits + 1} if comes_again else {"refused": self.refused + 1}
        return self.model_copy(update={"since": self.since or now, **more})

    def ends_the_run(self, now: datetime) -> bool:
        """Whether the remaining lines are not submitted."""
        waited_long = self.since is not None and now - self.since >= LONGEST_WAIT
        return self.refused >= MOST_REFUSALS or (waited_long and self.waits >= MOST_REFUSALS)
