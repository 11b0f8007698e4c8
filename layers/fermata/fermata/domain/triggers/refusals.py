"""What the lines of a file were refused in a row, and when that ends its run."""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt

MOST_REFUSALS: Final = 1000
"""How many refusals in a row, without a line that became a job, end a run."""
LONGEST_WAIT: Final = timedelta(hours=2)
"""How long the plan may have no room at all for a run's lines; a job that holds a place is started or ends in less."""


class RefusedInARow(BaseModel):
    """What a run's lines were refused since one became a job, the first time at `since`: for good (`refused`), and for
    want of room in the plan, so that they come again (`waits`).
    """

    model_config = ConfigDict(frozen=True)

    refused: NonNegativeInt = 0
    waits: NonNegativeInt = 0
    since: datetime | None = None

    def and_one_more(self, now: datetime, *, comes_again: bool) -> "RefusedInARow":
        """These refusals and another one."""
        more = {"waits": self.waits + 1} if comes_again else {"refused": self.refused + 1}
        return self.model_copy(update={"since": self.since or now, **more})

    def ends_the_run(self, now: datetime) -> bool:
        """Whether the other lines need not be submitted."""
        waited_long = self.since is not None and now - self.since >= LONGEST_WAIT
        return self.refused >= MOST_REFUSALS or (waited_long and self.waits >= MOST_REFUSALS)
