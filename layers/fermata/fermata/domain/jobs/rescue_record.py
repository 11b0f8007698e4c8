"""The state of a rescue in a job's record: frozen values without decisions."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt


class _Record(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class FetchedSong(_Record):
    """Fetches of one song since the job's end: their number and total bytes. `is_odd` means that a whole file was kept
    that no meter accepts. `sha256` is that of the last whole file, and `same_files` the number of consecutive fetches
    that brought this unusable file. The song is not fetched again before `next_at`.
    """

    attempt: PositiveInt
    number: PositiveInt
    fetches: NonNegativeInt = 0
    received_bytes: NonNegativeInt = 0
    is_odd: bool = False
    sha256: str | None = None
    same_files: NonNegativeInt = 0
    next_at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it may be fetched now."""
        return self.next_at is None or self.next_at <= now


class RescueLease(_Record):
    """The run that fetches the job's songs, and when another run may take over."""

    holder: str
    until: datetime


class Rescue(_Record):
    """Progress of the rescue of an ended job's paid songs that were not delivered.

    `next_at` is when the next run begins, None once nothing is left to fetch; `starts` counts the started runs, each
    with its own name, and `rounds` those that fetched. `songs` were fetched at least once. `over` are the numbers of
    the attempts whose songs are given up. `ask_at` is, by attempt, the earliest next poll of its task.
    `redelivered_as` is the job that delivers the songs.
    """

    next_at: datetime | None = None
    starts: NonNegativeInt = 0
    rounds: NonNegativeInt = 0
    lease: RescueLease | None = None
    songs: tuple[FetchedSong, ...] = ()
    over: tuple[PositiveInt, ...] = ()
    ask_at: Mapping[int, datetime] = {}
    redelivered_as: str | None = None

    @property
    def look_at(self) -> datetime | None:
        """When the reaper checks it: at the end of a lease, in case its run was killed, otherwise at `next_at`."""
        return self.lease.until if self.lease is not None else self.next_at

    def song(self, attempt: int, number: int) -> FetchedSong:
        """The fetches of one song, by its attempt's number and its own."""
        known = (each for each in self.songs if (each.attempt, each.number) == (attempt, number))
        return next(known, FetchedSong(attempt=attempt, number=number))

    def may_ask(self, attempt: int, now: datetime) -> bool:
        """Whether the provider permits a poll of an attempt's task now."""
        ask_at = self.ask_at.get(attempt)
        return ask_at is None or ask_at <= now

    def is_leased(self, now: datetime) -> bool:
        """Whether a run that may still be alive holds the lease."""
        return self.lease is not None and now < self.lease.until

    def with_songs(self, *songs: FetchedSong) -> "Rescue":
        """This rescue with these songs added or replaced."""
        news = {(each.attempt, each.number) for each in songs}
        others = (each for each in self.songs if (each.attempt, each.number) not in news)
        return self.model_copy(update={"songs": (*others, *songs)})

    def forgotten(self, now: datetime) -> "Rescue":
        """The tombstone's rescue: only a live run's lease, so that a file which that run writes is deleted later."""
        return Rescue(starts=self.starts, lease=self.lease if self.is_leased(now) else None)


def next_look(rescue: Rescue | None, erasing_until: datetime | None) -> datetime | None:
    """When the reaper checks an ended job after its end was published; None if nothing is left to do."""
    moments = (rescue.look_at if rescue is not None else None, erasing_until)
    return min((moment for moment in moments if moment is not None), default=None)
