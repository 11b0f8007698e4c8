"""The retry policy for free calls after a purchase: which are repeated, how soon, how often and how long.

Strict before payment, patient after it: a paid song is available for about a day, so trouble with a poll, a link or a
file ends a job only once its patience is over. The bounds keep the cost per song small: pauses grow, so an hour of
patience is about twenty tries.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.providers.failures import Failure

BAD_FILE: Final = "bad_audio"
"""Code of a file that arrived whole, according to its host, and is not a song."""
REPEATED_SONG: Final = "repeated_song"
"""Code of a file that equals another song of the same order."""
MOST_POLLS: Final = 40
"""Most polls of one attempt without information, including requests for new links."""
MOST_FETCHES: Final = 25
"""Most fetches of one song that brought no usable file."""
FETCHES_BESIDE_A_SONG: Final = 9
"""Most such fetches of a song once its job has another song: about four minutes, then the job ends without it."""
FETCHES_OF_A_BAD_FILE: Final = 10
"""Most fetches of a song that brought a file that is not a song: about nine minutes, because some CDNs serve half a
file for several minutes.
"""
POLLS_WITHOUT_A_LINK: Final = 5
"""Consecutive polls, over about 150 seconds, after which a task that is done without a link is final."""

_FIRST_PAUSE_WITHOUT_A_LINK_S: Final = 10
_LONGEST_EXPONENT: Final = 20


class SongTrouble(BaseModel):
    """Failed fetches of one song. `fetches` counts those without a usable file; `bad_files` of them brought a whole
    file that is not a song, and `beside_a_song` of them came after the job had another song. `last` is the newest
    failure, and the song is not fetched again before `next_at`. `kept_bytes` is the length of the longest kept file,
    and `is_odd` whether that file is whole. `refused_after` is the number of new links at the time when a link was
    first found permanently unacceptable.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

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
        """How often this kind of failure occurred in this situation; the next pause grows with it."""
        counts = [self.fetches]
        if self.last.code == BAD_FILE:
            counts.append(self.bad_files)
        if self.beside_a_song:
            counts.append(self.beside_a_song)
        return min(counts)

    @property
    def is_enough(self) -> bool:
        """Whether the fetches have reached a limit: that of one kind of failure, or the total."""
        of_one_kind = self.bad_files >= FETCHES_OF_A_BAD_FILE or self.beside_a_song >= FETCHES_BESIDE_A_SONG
        return of_one_kind or self.fetches >= MOST_FETCHES

    def plus(self, newer: "SongTrouble") -> "SongTrouble":
        """This trouble after one more failed fetch."""
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
    """The free retries of one attempt. `since` is when the current trouble began, None without trouble; `polls` counts
    the polls without information, `without_link` the consecutive ones that reported success without a link, and `songs`
    are the songs with failed fetches, by number. `last` is the newest failure of all. `ask_at` is the earliest next
    poll by the provider's `Retry-After`, and a task that `is_over` has no further link.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    since: datetime | None = None
    polls: NonNegativeInt = 0
    without_link: NonNegativeInt = 0
    songs: Mapping[int, SongTrouble] = {}
    last: Failure | None = None
    ask_at: datetime | None = None
    is_over: bool = False

    def after_poll(self, failure: Failure, now: datetime, *, without_link: bool) -> "FreeRetries":
        """These retries after a poll without information; `without_link` if it reported success without a link."""
        changes = {"polls": self.polls + 1, "without_link": self.without_link + 1 if without_link else 0}
        return self._after(failure, now, **changes)

    def without_a_new_link(self, failure: Failure, now: datetime, *, is_final: bool) -> "FreeRetries":
        """These retries after a poll without a new link for a song that has one; `is_final` if no link will follow."""
        wish_s = failure.retry_after_s
        ask_at = now + timedelta(seconds=wish_s) if wish_s else None
        return self._after(
            failure, now, polls=self.polls + 1, without_link=0, ask_at=ask_at, is_over=self.is_over or is_final
        )

    def after_fetch(self, number: int, failure: Failure, now: datetime, *, has_another: bool = False) -> "FreeRetries":
        """These retries after a fetch of song `number` without a usable file; `has_another` if the job has a song."""
        found = SongTrouble(
            fetches=1, last=failure, next_at=now, bad_files=failure.code == BAD_FILE, beside_a_song=has_another
        )
        before = self.songs.get(number)
        return self._after(failure, now, songs={**self.songs, number: before.plus(found) if before else found})

    def with_song(self, number: int, **changes: object) -> "FreeRetries":
        """These retries with changes to the trouble of a song whose fetch failed."""
        changed = self.songs[number].model_copy(update=changes)
        return self.model_copy(update={"songs": {**self.songs, number: changed}})

    def first_due_at(self, numbers: Iterable[int], now: datetime) -> datetime:
        """When the first of these songs may be fetched: now, or later if the fetches of all of them failed."""
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
        """These retries once the trouble is over; their counts stay."""
        return self.model_copy(update={"since": None, "without_link": 0})

    def with_a_new_link(self) -> "FreeRetries":
        """These retries after a new link for one that failed; the trouble is not over yet."""
        return self.model_copy(update={"without_link": 0})

    def fetches_of(self, number: int) -> int:
        """The number of failed fetches of a song."""
        song = self.songs.get(number)
        return song.fetches if song is not None else 0

    def _after(self, failure: Failure, now: datetime, **changes: object) -> "FreeRetries":
        return self.model_copy(update={"since": self.since or now, "last": failure, **changes})


@dataclass(frozen=True)
class PatiencePolicy:
    """How long a job is patient from the first trouble on, and the longest pause between two tries without
    `Retry-After`; both in seconds.
    """

    patience_s: int
    longest_pause_s: int

    def ends_at(self, retries: FreeRetries, now: datetime) -> datetime:
        """When the patience of the customer's job is over, if the current trouble continues."""
        return (retries.since or now) + timedelta(seconds=self.patience_s)

    def gives_up_polling(self, retries: FreeRetries, now: datetime) -> bool:
        """Whether a poll without information was the last one."""
        if retries.without_link >= POLLS_WITHOUT_A_LINK or retries.polls >= MOST_POLLS:
            return True
        return now >= self.ends_at(retries, now)

    def gives_up_fetching(self, retries: FreeRetries, number: int, now: datetime) -> bool:
        """Whether a fetch that brought no usable file was the last one of this song for the customer's job."""
        return retries.songs[number].is_enough or now >= self.ends_at(retries, now)

    def may_ask(self, retries: FreeRetries, at: datetime) -> bool:
        """Whether the task may be polled for a new link at an instant: not before the provider's `Retry-After`, unless
        the patience is over.
        """
        return retries.ask_at is None or at >= min(retries.ask_at, self.ends_at(retries, at))

    def poll_pause_s(self, retries: FreeRetries, now: datetime) -> int:
        """Seconds until the next poll after one without information."""
        if retries.without_link:
            pause_s = _FIRST_PAUSE_WITHOUT_A_LINK_S * 2 ** (retries.without_link - 1)
            return self._within_patience(min(pause_s, self.longest_pause_s), retries.last, retries, now)
        return self._within_patience(self._growing(retries.polls), retries.last, retries, now)

    def fetch_pause_s(self, retries: FreeRetries, number: int, now: datetime) -> int:
        """Seconds until the next fetch of a song after a failed one, by the failures of this song."""
        song = retries.songs[number]
        return self._within_patience(self._growing(song.tries), song.last, retries, now)

    def _growing(self, tries: int) -> int:
        return int(min(2 ** min(max(tries - 1, 0), _LONGEST_EXPONENT), self.longest_pause_s))

    def _within_patience(self, pause_s: int, found: Failure | None, retries: FreeRetries, now: datetime) -> int:
        # `Retry-After` may exceed the longest pause, but never the patience that is left.
        asked_s = found.retry_after_s if found else None
        left_s = ceil((self.ends_at(retries, now) - now).total_seconds())
        return max(1, min(max(pause_s, asked_s or 0), left_s))
