"""Whose turn it is at a provider: starts at a steady rate, a bounded number of calls at once, first come first served.

Every instant is in ms since 1970-01-01 UTC. A ticket is the name of a request: one attempt of one job, so that a run
which comes again after a crash finds what it had reserved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, NonNegativeInt

MAX_WAITING: Final = 500
"""Places in the queue. With them the whole record stays near 30 KB; a later request is told when to try again."""

GRACE_MS: Final = 30_000
"""How long a place is kept for a job that does not come at the instant it was told."""

ORDER_SLACK_MS: Final = 2000
"""A job passes earlier ones only where all of them are due within this time, so starts keep their order within it."""

SHORTEST_WAIT_MS: Final = 250
_SHORTEST_RETURN_MS: Final = 1000
# A call that ends sooner than predicted leaves its slot empty until the next request looks, so that one looks early.
_OPTIMISM_PERCENT: Final = 80
_NEW_WEIGHT, _WEIGHTS = 1, 5

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MS: Final = timedelta(milliseconds=1)


def epoch_ms(moment: datetime) -> int:
    """A moment in ms since 1970-01-01 UTC; what is finer is cut off."""
    return (moment - EPOCH) // ONE_MS


@dataclass(frozen=True)
class Limits:
    """What a provider allows: the least time in ms between two starts, and calls running at the same time."""

    gap_ms: int
    concurrent: int

    @classmethod
    def per_minute(cls, starts: int, concurrent: int) -> "Limits":
        """The limits of so many starts a minute, evenly spaced."""
        return cls(-(-60_000 // starts), concurrent)


class Lease(NamedTuple):
    """A call that runs, at the latest until `until_ms`, when its owner is surely dead."""

    since_ms: int
    until_ms: int


class Reservation(NamedTuple):
    """A place in the queue: the reserved start, and the instant at which the job was told to come."""

    start_ms: int
    told_ms: int


@dataclass(frozen=True)
class Admitted:
    """The call may be made now, `waited_ms` after its reserved start. A `trial` decides about the circuit."""

    waited_ms: int
    trial: bool = False


@dataclass(frozen=True)
class WaitUntil:
    """Nothing happens before this instant."""

    instant_ms: int


class ProviderQueue(BaseModel):
    """The queue before one provider. `typical_ms` is the running mean of how long its calls take.

    No start is reserved or granted before `next_go_ms`. What is reserved later than that follows from the places that
    are there: a job that left holds no other back. A request that finds the queue full comes back after
    `next_return_ms`, the last instant that such a request was given.
    """

    model_config = ConfigDict(frozen=True)

    running: Mapping[str, Lease] = {}
    waiting: Mapping[str, Reservation] = {}
    next_go_ms: NonNegativeInt = 0
    next_return_ms: NonNegativeInt = 0
    typical_ms: NonNegativeInt = 0

    def ask(
        self, ticket: str, now_ms: int, lease_until_ms: int, limits: Limits, closed_until_ms: int = 0
    ) -> tuple["ProviderQueue", Admitted | WaitUntil]:
        """Grant a lease until `lease_until_ms`, or say when to come; no call goes before `closed_until_ms`."""
        queue = _swept(self, now_ms)
        held = queue.running.get(ticket)
        if held is not None and closed_until_ms <= now_ms:
            longer = Lease(held.since_ms, max(held.until_ms, lease_until_ms))
            return _changed(queue, running={**queue.running, ticket: longer}), Admitted(0)
        if held is not None:
            queue = queue.without(ticket)
        if ticket not in queue.waiting:
            if len(queue.waiting) >= MAX_WAITING:
                return _turned_away(queue, now_ms, limits, closed_until_ms)
            queue = _with_a_place(queue, ticket, now_ms, limits)
        told_ms = _when(queue, ticket, now_ms, limits, closed_until_ms)
        mine = queue.waiting[ticket]
        if told_ms <= now_ms:
            return _gone(queue, ticket, Lease(now_ms, lease_until_ms), limits), Admitted(now_ms - mine.start_ms)
        waiting = {**queue.waiting, ticket: Reservation(mine.start_ms, told_ms)}
        return _changed(queue, waiting=waiting), WaitUntil(told_ms)

    def told_ms(self, ticket: str) -> int | None:
        """The instant at which a waiting job was told to come, or None where it does not wait."""
        place = self.waiting.get(ticket)
        return place.told_ms if place else None

    def expected_end_ms(self, ticket: str, now_ms: int) -> int | None:
        """When a running call will probably end, or None where none runs under this ticket."""
        lease = self.running.get(ticket)
        return _expected_end(lease, self.typical_ms, now_ms) if lease else None

    def without(self, ticket: str) -> "ProviderQueue":
        """The queue after a job left it, with or without having had its turn."""
        return _changed(
            self,
            running={name: lease for name, lease in self.running.items() if name != ticket},
            waiting={name: place for name, place in self.waiting.items() if name != ticket},
        )

    def with_leases(self, leases: Mapping[str, Lease], next_go_ms: int) -> "ProviderQueue":
        """The queue after calls began that did not wait in it; no call goes before `next_go_ms`."""
        return _changed(
            self,
            running={**self.running, **leases},
            next_go_ms=max(self.next_go_ms, next_go_ms),
        )

    def learned_from(self, took_ms: int) -> "ProviderQueue":
        """The queue after a call worked: its duration moves the mean."""
        before_ms = self.typical_ms or took_ms
        return _changed(self, typical_ms=((_WEIGHTS - _NEW_WEIGHT) * before_ms + _NEW_WEIGHT * took_ms) // _WEIGHTS)


def _when(queue: ProviderQueue, ticket: str, now_ms: int, limits: Limits, closed_until_ms: int) -> int:
    """When this ticket's turn comes as far as anybody knows; not after `now_ms` where it is its turn."""
    start_ms = queue.waiting[ticket].start_ms
    earlier = [place for place in queue.waiting.values() if place.start_ms < start_ms]
    passing_ms = _passing_ms([place.told_ms for place in earlier], now_ms, limits)
    slot_ms = _slot_ms(queue, len(earlier), now_ms, limits)
    ready_ms = max(start_ms, queue.next_go_ms, closed_until_ms, passing_ms, slot_ms)
    if ready_ms <= now_ms:
        return ready_ms
    # Those before it go first, each a gap apart; so no two are told to come at the same time.
    return max(ready_ms, max(queue.next_go_ms, closed_until_ms) + len(earlier) * limits.gap_ms)


def _passing_ms(earlier_told_ms: list[int], now_ms: int, limits: Limits) -> int:
    """When this job may pass those before it: none of them is made to wait by it, and all are due soon.

    One that did not come at its instant may be passed at once.
    """
    due = sorted(told_ms for told_ms in earlier_told_ms if told_ms >= now_ms)
    # In whatever order they come, the last of them goes no later than this.
    last_ms = max(due, default=now_ms) + len(due) * limits.gap_ms
    if due and last_ms > now_ms + ORDER_SLACK_MS:
        return min(due[-1] + 1, last_ms - ORDER_SLACK_MS)
    delayed = [told_ms for place, told_ms in enumerate(due, 1) if told_ms < now_ms + place * limits.gap_ms]
    return delayed[-1] + 1 if delayed else now_ms


def _slot_ms(queue: ProviderQueue, rank: int, now_ms: int, limits: Limits) -> int:
    """When a slot will probably be free for the job that has `rank` others before it."""
    free = limits.concurrent - len(queue.running)
    if rank < free:
        return now_ms
    ends = sorted(_expected_end(lease, queue.typical_ms, now_ms) for lease in queue.running.values())
    slots = ([now_ms] * free + ends)[-limits.concurrent :]
    expected_ms = slots[rank % limits.concurrent] + rank // limits.concurrent * queue.typical_ms
    return now_ms + max(SHORTEST_WAIT_MS, (expected_ms - now_ms) * _OPTIMISM_PERCENT // 100)


def _expected_end(lease: Lease, typical_ms: int, now_ms: int) -> int:
    overrun_ms = now_ms - lease.since_ms - typical_ms
    if overrun_ms < 0:
        return min(lease.until_ms, now_ms - overrun_ms)
    # The longer a call has outlived the mean, the longer it will probably go on.
    return min(lease.until_ms, now_ms + overrun_ms // 2 + typical_ms // 20 + 1)


def _turned_away(
    queue: ProviderQueue, now_ms: int, limits: Limits, closed_until_ms: int
) -> tuple[ProviderQueue, WaitUntil]:
    """A request that finds the queue full has no place, but comes back in the order of asking, each a place's time
    apart.

    Nobody comes back later than the last of those who wait is due: then the instants begin anew, because those who were
    told the ones before may never come.
    """
    per_place_ms = max(limits.gap_ms, queue.typical_ms // limits.concurrent)
    soonest_ms = max(now_ms + _SHORTEST_RETURN_MS, closed_until_ms)
    back_ms = max(soonest_ms, queue.next_return_ms + per_place_ms)
    if back_ms > max(place.told_ms for place in queue.waiting.values()):
        back_ms = soonest_ms
    return _changed(queue, next_return_ms=back_ms), WaitUntil(back_ms)


def _with_a_place(queue: ProviderQueue, ticket: str, now_ms: int, limits: Limits) -> ProviderQueue:
    start_ms = _free_start_ms(queue, now_ms, limits)
    return _changed(queue, waiting={**queue.waiting, ticket: Reservation(start_ms, start_ms)})


def _free_start_ms(queue: ProviderQueue, now_ms: int, limits: Limits) -> int:
    """The first start that is a gap away from all that are reserved: also one that a job reserved which has left."""
    free_ms = max(now_ms, queue.next_go_ms)
    for start_ms in sorted(place.start_ms for place in queue.waiting.values()):
        if start_ms - free_ms >= limits.gap_ms:
            break
        free_ms = max(free_ms, start_ms + limits.gap_ms)
    return free_ms


def _gone(queue: ProviderQueue, ticket: str, lease: Lease, limits: Limits) -> ProviderQueue:
    left = queue.without(ticket)
    return _changed(left, running={**left.running, ticket: lease}, next_go_ms=lease.since_ms + limits.gap_ms)


def _swept(queue: ProviderQueue, now_ms: int) -> ProviderQueue:
    """The queue without the leases and places of those who did not come back."""
    return _changed(
        queue,
        running={name: lease for name, lease in queue.running.items() if now_ms < lease.until_ms},
        waiting={name: place for name, place in queue.waiting.items() if now_ms < place.told_ms + GRACE_MS},
    )


def _changed(queue: ProviderQueue, **changes: object) -> ProviderQueue:
    return queue.model_copy(update=changes)
