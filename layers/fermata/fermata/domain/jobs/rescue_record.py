"""What a job's record keeps of the rescue of its songs: values that change by copies, and nothing that decides."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class FetchedSong(_Record):
    """How often a song of an attempt was fetched since the job's end, and how many bytes came in all. `is_odd` says
    that a whole file was kept which no meter takes. `sha256` is that of the last whole file, and `same_files` says how
    many fetches in a row brought that one in vain. Before `next_at` the song is not fetched again.
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
    """Which run fetches the job's songs, and when another one may take over."""

    holder: str
    until: datetime


class Rescue(_Record):
    """How far the songs of an ended job are that were paid for and not delivered.

    `next_at` is when the next run begins, None once nothing is left to fetch; `starts` counts the runs that were
    started, each under its own name, and `rounds` those that fetched. `songs` were fetched at least once. `over` are
    the numbers of the attempts whose songs are given up. `ask_at` says, by attempt, before when its provider wants its
    task left alone. `redelivered_as` is the job that delivers them.
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
        """When somebody looks after it: where the run that holds the lease was killed, after its lease."""
        return self.lease.until if self.lease is not None else self.next_at

    def song(self, attempt: int, number: int) -> FetchedSong:
        """What is known of one song, by the numbers of its attempt and its own."""
        known = (each for each in self.songs if (each.attempt, each.number) == (attempt, number))
        return next(known, FetchedSong(attempt=attempt, number=number))

    def may_ask(self, attempt: int, now: datetime) -> bool:
        """Whether the task of an attempt may be asked now, as far as its provider wants."""
        ask_at = self.ask_at.get(attempt)
        return ask_at is None or ask_at <= now

    def is_leased(self, now: datetime) -> bool:
        """Whether a run that may still live fetches."""
        return self.lease is not None and now < self.lease.until

    def with_songs(self, *songs: FetchedSong) -> "Rescue":
        """This rescue with what is known of some songs now."""
        news = {(each.attempt, each.number) for each in songs}
        others = (each for each in self.songs if (each.attempt, each.number) not in news)
        return self.model_copy(update={"songs": (*others, *songs)})

    def forgotten(self, now: datetime) -> "Rescue":
        """What a tombstone keeps: the lease of a run that may still write a file, so that somebody looks once more."""
        return Rescue(starts=self.starts, lease=self.lease if self.is_leased(now) else None)


def next_look(rescue: Rescue | None, erasing_until: datetime | None) -> datetime | None:
    """When somebody looks after an ended job, once its end was told; None where nothing is left to do."""
    moments = (rescue.look_at if rescue is not None else None, erasing_until)
    return min((moment for moment in moments if moment is not None), default=None)
