"""The queue before a provider: starts at a steady rate, a bounded number of calls at once, first come first served.

Every instant is in ms since 1970-01-01 UTC. A ticket names a request: one attempt of one job, so that a run that
repeats it after a crash finds its reservation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, NonNegativeInt

MAX_WAITING: Final = 500
"""Places in the queue, so that a look at all of them stays near 45 KB; a further request receives an instant to try
again.
"""

GRACE_MS: Final = 30_000
"""How long a place is kept for a job that does not come at its instant."""

ORDER_SLACK_MS: Final = 2000
"""A job passes earlier ones only if all of them are due within this time, so starts keep their order within it."""

SHORTEST_WAIT_MS: Final = 250
_SHORTEST_RETURN_MS: Final = 1000
# A call that ends sooner than predicted leaves its slot empty until the next request asks. One that asks early asks
# again, which costs three states and a write, so it comes when the slot is expected to be free.
_SHORTEST_WAIT_PERCENT: Final = 3
"""Share of a usual call that a job waits at least for a slot that is not free when it comes."""
_WAIT_FOR_THE_FIRST_PERCENT: Final = 50
"""The same share of the oldest running call, while no call has ended yet."""
_NEW_WEIGHT, _WEIGHTS = 1, 5

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
ONE_MS: Final = timedelta(milliseconds=1)


def epoch_ms(moment: datetime) -> int:
    """A moment in ms since 1970-01-01 UTC, rounded down."""
    return (moment - EPOCH) // ONE_MS


@dataclass(frozen=True)
class Limits:
    """A provider's limits: the least time in ms between two starts, and the number of concurrent calls."""

    gap_ms: int
    concurrent: int

    @classmethod
    def per_minute(cls, starts: int, concurrent: int) -> "Limits":
        """The limits for this number of evenly spaced starts per minute."""
        return cls(-(-60_000 // starts), concurrent)


class Lease(NamedTuple):
    """A running call; after `until_ms` its run has certainly ended."""

    since_ms: int
    until_ms: int


class Reservation(NamedTuple):
    """A place in the queue: the reserved start, and the instant for which the job was asked to come."""

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

    No start is reserved or granted before `next_go_ms`. Later starts depend only on the present places: a job that left
    delays no other. A request that finds the queue full comes back after `next_return_ms`, the last instant that was
    given to such a request. `slots_read` is the number of slots among which `running` was found where not all were
    read, 0 where all were.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    running: Mapping[str, Lease] = {}
    waiting: Mapping[str, Reservation] = {}
    next_go_ms: NonNegativeInt = 0
    next_return_ms: NonNegativeInt = 0
    typical_ms: NonNegativeInt = 0
    slots_read: NonNegativeInt = 0

    def ask(
        self, ticket: str, now_ms: int, lease_until_ms: int, limits: Limits, closed_until_ms: int = 0
    ) -> tuple["ProviderQueue", Admitted | WaitUntil]:
        """Grant a lease until `lease_until_ms`, or return when to come; no call starts before `closed_until_ms`."""
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
        """The instant for which a waiting job was asked to come, or None if it does not wait."""
        place = self.waiting.get(ticket)
        return place.told_ms if place else None

    def expected_end_ms(self, ticket: str, now_ms: int) -> int | None:
        """When this ticket's running call will probably end, or None without one."""
        lease = self.running.get(ticket)
        return _expected_end(lease, self.typical_ms, now_ms) if lease else None

    def without(self, ticket: str) -> "ProviderQueue":
        """The queue after a job left it, with or without a call."""
        return _changed(
            self,
            running={name: lease for name, lease in self.running.items() if name != ticket},
            waiting={name: place for name, place in self.waiting.items() if name != ticket},
        )

    def learned_from(self, took_ms: int) -> "ProviderQueue":
        """The queue after a successful call, whose duration updates the mean."""
        before_ms = self.typical_ms or took_ms
        return _changed(self, typical_ms=((_WEIGHTS - _NEW_WEIGHT) * before_ms + _NEW_WEIGHT * took_ms) // _WEIGHTS)


def _when(queue: ProviderQueue, ticket: str, now_ms: int, limits: Limits, closed_until_ms: int) -> int:
    """The expected instant of this ticket's turn; at most `now_ms` if its turn has come."""
    start_ms = queue.waiting[ticket].start_ms
    # Jobs that came at once may have reserved the same start; their names decide.
    first = (start_ms, ticket)
    earlier = [place for name, place in queue.waiting.items() if (place.start_ms, name) < first]
    passing_ms = _passing_ms([place.told_ms for place in earlier], now_ms, limits)
    slot_ms = _slot_ms(queue, len(earlier), now_ms, limits)
    ready_ms = max(start_ms, queue.next_go_ms, closed_until_ms, passing_ms, slot_ms)
    if ready_ms <= now_ms:
        return ready_ms
    # Earlier tickets go first, each a gap apart, so no two are asked to come at the same time.
    return max(ready_ms, max(queue.next_go_ms, closed_until_ms) + len(earlier) * limits.gap_ms)


def _passing_ms(earlier_told_ms: list[int], now_ms: int, limits: Limits) -> int:
    """When this job may pass earlier ones: it delays none of them, and all are due soon.

    A job that did not come at its instant may be passed at once.
    """
    due = sorted(told_ms for told_ms in earlier_told_ms if told_ms >= now_ms)
    # In whatever order they come, the last of them starts no later than this.
    last_ms = max(due, default=now_ms) + len(due) * limits.gap_ms
    if due and last_ms > now_ms + ORDER_SLACK_MS:
        return min(due[-1] + 1, last_ms - ORDER_SLACK_MS)
    delayed = [told_ms for place, told_ms in enumerate(due, 1) if told_ms < now_ms + place * limits.gap_ms]
    return delayed[-1] + 1 if delayed else now_ms


def _slot_ms(queue: ProviderQueue, rank: int, now_ms: int, limits: Limits) -> int:
    """When a slot will probably be free for the job with `rank` others before it."""
    read = queue.slots_read or limits.concurrent
    # Of the jobs before this one, as many will take one of the slots that were read as these are of all.
    rank = rank * read // limits.concurrent
    free = read - len(queue.running)
    if rank < free:
        return now_ms
    # While no call has ended, the oldest one is the best known bound;
    oldest_ms = now_ms - min((lease.since_ms for lease in queue.running.values()), default=now_ms)
    typical_ms = queue.typical_ms or oldest_ms
    share = _SHORTEST_WAIT_PERCENT if queue.typical_ms else _WAIT_FOR_THE_FIRST_PERCENT
    ends = sorted(_expected_end(lease, typical_ms, now_ms) for lease in queue.running.values())
    slots = ([now_ms] * free + ends)[-read:]
    expected_ms = slots[rank % read] + rank // read * typical_ms
    shortest_ms = max(SHORTEST_WAIT_MS, typical_ms * share // 100)
    return max(now_ms + shortest_ms, expected_ms)


def _expected_end(lease: Lease, typical_ms: int, now_ms: int) -> int:
    overrun_ms = now_ms - lease.since_ms - typical_ms
    if overrun_ms < 0:
        return min(lease.until_ms, now_ms - overrun_ms)
    # The longer a call has exceeded the mean, the longer it will probably continue.
    return min(lease.until_ms, now_ms + overrun_ms // 2 + typical_ms // 20 + 1)


def _turned_away(
    queue: ProviderQueue, now_ms: int, limits: Limits, closed_until_ms: int
) -> tuple[ProviderQueue, WaitUntil]:
    """Requests that find the queue full get no place, but come back in the order of asking, spaced by the time of one
    place.

    No request comes back later than the last waiting job is due: beyond that the instants start anew, because the
    requests with earlier instants may never come.
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
    """The first start that is a gap away from all reserved ones; a start freed by a job that left counts, too."""
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
    """The queue without expired leases, and without places of jobs that did not come."""
    return _changed(
        queue,
        running={name: lease for name, lease in queue.running.items() if now_ms < lease.until_ms},
        waiting={name: place for name, place in queue.waiting.items() if now_ms < place.told_ms + GRACE_MS},
    )


def _changed(queue: ProviderQueue, **changes: object) -> ProviderQueue:
    return queue.model_copy(update=changes)
