"""The one policy of what is free after a purchase: what is asked again, how soon, how often and how long.

Strict before payment, patient after it: a song that was paid for can be had for about a day, so trouble of a poll, a
link or a file ends a job only once its patience is over. The bounds keep one song's cost small: pauses grow, so an hour
of patience is about twenty tries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.providers.failures import Failure

BAD_FILE: Final = "bad_audio"
"""Code of a file that came whole, as far as its host says, and is no song."""
REPEATED_SONG: Final = "repeated_song"
"""Code of a file that is another song of the same order once more."""
MOST_POLLS: Final = 40
"""Most polls of one attempt that told nothing, links that were asked for anew included."""
MOST_FETCHES: Final = 25
"""Most fetches of one song that brought no usable file."""
FETCHES_BESIDE_A_SONG: Final = 9
"""Most such fetches of a song since its job has another one: about four minutes, then the job ends with what it has."""
FETCHES_OF_A_BAD_FILE: Final = 10
"""Most fetches of a song that brought a file which is none: about nine minutes, because some CDNs serve half a file for
some.
"""
POLLS_WITHOUT_A_LINK: Final = 5
"""Polls in a row, over about 150 seconds, after which a task that is done without a link is believed."""

_FIRST_PAUSE_WITHOUT_A_LINK_S: Final = 10
_LONGEST_EXPONENT: Final = 20


class SongTrouble(BaseModel):
    """What stood in the way of one song. `fetches` counts those that brought no usable file; `bad_files` of them came
    whole and were no song, and `beside_a_song` came since the job has another one. `last` is what the newest found, and
    before `next_at` the song is not fetched again. `kept_bytes` is how long the longest file is that was kept of it,
    and `is_odd` whether that one came whole. `refused_after` is how many new links had been had when a link was first
    found to lead to what Fermata does not take.
    """

    model_config = ConfigDict(frozen=True)

    fetches: PositiveInt
    last: Failure
    next_at: datetime
    bad_files: NonNegativeInt = 0
    beside_a_song: NonNegativeInt = 0
    kept_bytes: NonNegativeInt = 0
    is_odd: bool = False
    refused_after: NonNegativeInt | None = None

    @property
    def tries(self) -> int:
        """How often this kind of trouble was met in this situation: what the next pause grows with."""
        counts = [self.fetches]
        if self.last.code == BAD_FILE:
            counts.append(self.bad_files)
        if self.beside_a_song:
            counts.append(self.beside_a_song)
        return min(counts)

    @property
    def is_enough(self) -> bool:
        """Whether the song was fetched as often as it may be, of any kind of trouble or of one."""
        of_one_kind = self.bad_files >= FETCHES_OF_A_BAD_FILE or self.beside_a_song >= FETCHES_BESIDE_A_SONG
        return of_one_kind or self.fetches >= MOST_FETCHES

    def plus(self, newer: "SongTrouble") -> "SongTrouble":
        """This trouble after one more fetch in vain."""
        return self.model_copy(
            update={
                "fetches": self.fetches + newer.fetches,
                "bad_files": self.bad_files + newer.bad_files,
                "beside_a_song": self.beside_a_song + newer.beside_a_song,
                "last": newer.last,
                "next_at": newer.next_at,
            }
        )


class FreeRetries(BaseModel):
    """What was asked again for one attempt, all of it free. `since` is when the present trouble began, None while there
    is none; `polls` counts the polls that told nothing, `without_link` those in a row that said done without a link,
    and `songs` are those of which a fetch brought no usable file, by number. `last` is what the newest of all found.
    Before `ask_at` the provider wants its task left alone, and a task that `is_over` has no further link.
    """

    model_config = ConfigDict(frozen=True)

    since: datetime | None = None
    polls: NonNegativeInt = 0
    without_link: NonNegativeInt = 0
    songs: Mapping[int, SongTrouble] = {}
    last: Failure | None = None
    ask_at: datetime | None = None
    is_over: bool = False

    def after_poll(self, failure: Failure, now: datetime, *, without_link: bool) -> "FreeRetries":
        """One more poll that told nothing; `without_link` where it said that the song is done."""
        changes = {"polls": self.polls + 1, "without_link": self.without_link + 1 if without_link else 0}
        return self._after(failure, now, **changes)

    def without_a_new_link(self, failure: Failure, now: datetime, *, is_final: bool) -> "FreeRetries":
        """One more poll that gave no new link to a song that has one; `is_final` where the task never will."""
        wish_s = failure.retry_after_s
        ask_at = now + timedelta(seconds=wish_s) if wish_s else None
        return self._after(
            failure, now, polls=self.polls + 1, without_link=0, ask_at=ask_at, is_over=self.is_over or is_final
        )

    def after_fetch(self, number: int, failure: Failure, now: datetime, *, has_another: bool = False) -> "FreeRetries":
        """One more fetch of a song, by its number, that brought no usable file; `has_another` where the job has
        a song.
        """
        found = SongTrouble(
            fetches=1, last=failure, next_at=now, bad_files=failure.code == BAD_FILE, beside_a_song=has_another
        )
        before = self.songs.get(number)
        return self._after(failure, now, songs={**self.songs, number: before.plus(found) if before else found})

    def with_song(self, number: int, **changes: object) -> "FreeRetries":
        """With something more that is known of a song which was fetched in vain."""
        changed = self.songs[number].model_copy(update=changes)
        return self.model_copy(update={"songs": {**self.songs, number: changed}})

    def first_due_at(self, numbers: Iterable[int], now: datetime) -> datetime:
        """When the first of these songs may be fetched: now, or later where all of them were fetched in vain."""
        times = (self.songs[number].next_at if number in self.songs else now for number in numbers)
        return max(now, min(times, default=now))

    def is_due(self, number: int, at: datetime) -> bool:
        """Whether a song may be fetched at an instant."""
        song = self.songs.get(number)
        return song is None or song.next_at <= at

    def wait_s(self, number: int, now: datetime) -> int:
        """Seconds until a song may be fetched, at least one."""
        song = self.songs.get(number)
        return 1 if song is None else max(1, ceil((song.next_at - now).total_seconds()))

    def recovered(self) -> "FreeRetries":
        """The trouble is over; what it cost still counts."""
        return self.model_copy(update={"since": None, "without_link": 0})

    def with_a_new_link(self) -> "FreeRetries":
        """A new link was had for one that brought nothing, which ends no trouble yet."""
        return self.model_copy(update={"without_link": 0})

    def fetches_of(self, number: int) -> int:
        """How often a song was fetched in vain."""
        song = self.songs.get(number)
        return song.fetches if song is not None else 0

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

    def gives_up_fetching(self, retries: FreeRetries, number: int, now: datetime) -> bool:
        """Whether a fetch that brought no usable file was the last one of this song for the customer's job."""
        return retries.songs[number].is_enough or now >= self.ends_at(retries, now)

    def may_ask(self, retries: FreeRetries, at: datetime) -> bool:
        """Whether the task may be asked for a new link at an instant: its provider's wish is kept as long as there is
        patience.
        """
        return retries.ask_at is None or at >= min(retries.ask_at, self.ends_at(retries, at))

    def poll_pause_s(self, retries: FreeRetries, now: datetime) -> int:
        """Seconds until the poll after one that told nothing."""
        if retries.without_link:
            pause_s = _FIRST_PAUSE_WITHOUT_A_LINK_S * 2 ** (retries.without_link - 1)
            return self._within_patience(min(pause_s, self.longest_pause_s), retries.last, retries, now)
        return self._within_patience(self._growing(retries.polls), retries.last, retries, now)

    def fetch_pause_s(self, retries: FreeRetries, number: int, now: datetime) -> int:
        """Seconds until the fetch of a song after one in vain, by what stood in the way of this very song."""
        song = retries.songs[number]
        return self._within_patience(self._growing(song.tries), song.last, retries, now)

    def _growing(self, tries: int) -> int:
        return int(min(2 ** min(max(tries - 1, 0), _LONGEST_EXPONENT), self.longest_pause_s))

    def _within_patience(self, pause_s: int, found: Failure | None, retries: FreeRetries, now: datetime) -> int:
        # A provider may ask for more than the longest pause, but never for more than the patience that is left.
        asked_s = found.retry_after_s if found else None
        left_s = ceil((self.ends_at(retries, now) - now).total_seconds())
        return max(1, min(max(pause_s, asked_s or 0), left_s))
