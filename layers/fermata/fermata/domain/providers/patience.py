"""The one policy of what is free after a purchase: what is asked again, how soon, how often and how long.

Strict before payment, patient after it: a song that was paid for can be had for about a day, so trouble of a poll, a
link or a file ends a job only once its patience is over. The bounds keep one song's cost small: pauses grow, so an hour
of patience is about twenty tries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.failures import Failure

BAD_FILE: Final = "bad_audio"
"""Code of a file that came whole, as far as its host says, and is no song."""
MOST_POLLS: Final = 40
"""Most polls of one attempt that told nothing, links that were asked for anew included."""
MOST_FETCHES: Final = 25
"""Most fetches of one song that brought no usable file."""
FETCHES_BESIDE_A_SONG: Final = 9
"""Most such fetches of a song whose job has another one: about four minutes, then the job ends with what it has."""
FETCHES_OF_A_BAD_FILE: Final = 10
"""Most fetches of a file that comes and is no song: about nine minutes, because some CDNs serve half a file for some.
"""
POLLS_WITHOUT_A_LINK: Final = 5
"""Polls in a row, over about 150 seconds, after which a task that is done without a link is believed."""

_FIRST_PAUSE_WITHOUT_A_LINK_S: Final = 10
_LONGEST_EXPONENT: Final = 20


class FreeRetries(BaseModel):
    """What was asked again for one attempt, all of it free. `since` is when the present trouble began, None while there
    is none; `polls` counts the polls that told nothing, `without_link` those in a row that said done without a link,
    and `fetches`, by song, those that brought no usable file. `last` is what the newest of them found.
    """

    model_config = ConfigDict(frozen=True)

    since: datetime | None = None
    polls: NonNegativeInt = 0
    without_link: NonNegativeInt = 0
    fetches: Mapping[int, PositiveInt] = {}
    last: Failure | None = None

    def after_poll(self, failure: Failure, now: datetime, *, without_link: bool) -> "FreeRetries":
        """One more poll that told nothing; `without_link` where it said that the song is done."""
        changes = {"polls": self.polls + 1, "without_link": self.without_link + 1 if without_link else 0}
        return self._after(failure, now, **changes)

    def after_fetch(self, number: int, failure: Failure, now: datetime) -> "FreeRetries":
        """One more fetch of a song, by its number, that brought no usable file."""
        return self._after(failure, now, fetches={**self.fetches, number: self.fetches_of(number) + 1})

    def recovered(self) -> "FreeRetries":
        """The trouble is over; what it cost still counts."""
        return self.model_copy(update={"since": None, "without_link": 0})

    def with_a_new_link(self) -> "FreeRetries":
        """A new link was had for one that brought nothing, which ends no trouble yet."""
        return self.model_copy(update={"without_link": 0})

    def fetches_of(self, number: int) -> int:
        """How often a song was fetched in vain."""
        return self.fetches.get(number, 0)

    def _after(self, failure: Failure, now: datetime, **changes: object) -> "FreeRetries":
        return self.model_copy(update={"since": self.since or now, "last": failure, **changes})


@dataclass(frozen=True)
class PatiencePolicy:
    """How long a job is patient, counted from the first trouble, and the longest pause between two tries that nobody
    asked for; both in seconds.
    """

    patience_s: int
    longest_pause_s: int

    def ends_at(self, retries: FreeRetries, now: datetime) -> datetime:
        """When the customer's job is not patient any more, if the trouble of this moment goes on."""
        return (retries.since or now) + timedelta(seconds=self.patience_s)

    def gives_up_polling(self, retries: FreeRetries, now: datetime) -> bool:
        """Whether a poll that told nothing was the last one."""
        if retries.without_link >= POLLS_WITHOUT_A_LINK or retries.polls >= MOST_POLLS:
            return True
        return now >= self.ends_at(retries, now)

    def gives_up_fetching(self, retries: FreeRetries, number: int, now: datetime, *, has_another: bool) -> bool:
        """Whether a fetch that brought no usable file was the last one of this song for the customer's job."""
        bad_file = retries.last is not None and retries.last.code == BAD_FILE
        most = min(
            MOST_FETCHES,
            FETCHES_BESIDE_A_SONG if has_another else MOST_FETCHES,
            FETCHES_OF_A_BAD_FILE if bad_file else MOST_FETCHES,
        )
        return retries.fetches_of(number) >= most or now >= self.ends_at(retries, now)

    def poll_pause_s(self, retries: FreeRetries, now: datetime) -> int:
        """Seconds until the poll after one that told nothing."""
        if retries.without_link:
            pause_s = _FIRST_PAUSE_WITHOUT_A_LINK_S * 2 ** (retries.without_link - 1)
            return self._within_patience(min(pause_s, self.longest_pause_s), retries, now)
        return self._within_patience(self._growing(retries.polls), retries, now)

    def fetch_pause_s(self, retries: FreeRetries, number: int, now: datetime) -> int:
        """Seconds until the fetch of a song after one in vain."""
        return self._within_patience(self._growing(retries.fetches_of(number)), retries, now)

    def _growing(self, tries: int) -> int:
        return int(min(2 ** min(max(tries - 1, 0), _LONGEST_EXPONENT), self.longest_pause_s))

    def _within_patience(self, pause_s: int, retries: FreeRetries, now: datetime) -> int:
        # A provider may ask for more than the longest pause, but never for more than the patience that is left.
        asked_s = retries.last.retry_after_s if retries.last else None
        left_s = ceil((self.ends_at(retries, now) - now).total_seconds())
        return max(1, min(max(pause_s, asked_s or 0), left_s))
