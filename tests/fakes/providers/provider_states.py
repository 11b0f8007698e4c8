"""A fake of the provider states."""

from collections.abc import Callable, Collection, Mapping

from fermata.domain.providers.queue import Lease, Limits, ProviderQueue, Reservation
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, Slots, StartAt
from fermata.errors import (
    FermataError,
)


class InMemoryProviderStates:
    """Keeps circuits as text, and queues with slots that have no numbers. `before_next_save` runs once, before a
    circuit or a slot is written: what another run does meanwhile. `writes` counts the items that were written.
    """

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self._queues: dict[str, ProviderQueue] = {}
        self.before_next_save: Callable[[], object] | None = None
        self.loads = 0
        self.saves = 0
        self.writes = 0
        self.failure: FermataError | None = None

    def load(self, provider: str) -> ProviderState:
        """The circuit, and for tests the queue with it."""
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        return self._of(provider)

    def _of(self, provider: str) -> ProviderState:
        row = self._rows.get(provider)
        state = ProviderState(provider=provider) if row is None else ProviderState.model_validate_json(row)
        return state.with_queue(self._queues.get(provider, ProviderQueue()), Slots())

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        return {provider: self.load(provider) for provider in providers}

    def look(self, provider: str, ticket: str, limits: Limits, now_ms: int) -> ProviderState:
        state = self.load(provider)
        running = {name: lease for name, lease in state.queue.running.items() if lease.until_ms > now_ms}
        free = tuple(range(len(running), limits.concurrent))
        own = 0 if ticket in running else None
        return state.with_queue(state.queue.model_copy(update={"running": running}), Slots(free, own))

    def holds(self, provider: str, ticket: str) -> bool:
        queue = self.load(provider).queue
        return ticket in queue.running or ticket in queue.waiting

    def save(self, state: ProviderState) -> ProviderState:
        self._another_run()
        stands = self._of(state.provider)
        if stands.version != state.version - 1:
            return stands
        self._rows[state.provider] = state.model_dump_json()
        self.saves += 1
        self.writes += 1
        return state

    def set_queue(self, provider: str, queue: ProviderQueue) -> None:
        """Replace the queue of a provider."""
        self._queues[provider] = queue

    def take(self, state: ProviderState, ticket: str, lease: Lease, limits: Limits) -> StartAt | None:
        self._another_run()
        queue = self._queues.get(state.provider, ProviderQueue())
        running = {name: held for name, held in queue.running.items() if held.until_ms > lease.since_ms}
        held = running.get(ticket)
        if held is not None:
            self._change(state.provider, running={**running, ticket: Lease(held.since_ms, lease.until_ms)})
            return StartAt(lease.since_ms)
        start_ms = max(lease.since_ms, queue.next_go_ms)
        if len(running) >= limits.concurrent or start_ms > lease.since_ms + AHEAD_MS:
            return None
        self._change(state.provider, running={**running, ticket: lease}, next_go_ms=start_ms + limits.gap_ms)
        self.writes += 1
        return StartAt(start_ms)

    def wait(self, provider: str, ticket: str, place: Reservation) -> None:
        waiting = self._of(provider).queue.waiting
        first = waiting.get(ticket, place)
        self._change(provider, waiting={**waiting, ticket: Reservation(first.start_ms, place.told_ms)})

    def turn_away(self, provider: str, return_ms: int) -> None:
        self._change(provider, next_return_ms=return_ms)

    def leave(self, provider: str, ticket: str) -> None:
        waiting = self._of(provider).queue.waiting
        self._change(provider, waiting={name: place for name, place in waiting.items() if name != ticket})

    def give_back(self, provider: str, slot: GivenBack) -> None:
        if self.failure is not None:
            raise self.failure
        queue = self._of(provider).queue
        if slot.ticket not in queue.running:
            return
        running = {name: lease for name, lease in queue.running.items() if name != slot.ticket}
        learned = queue if slot.took_ms is None else queue.learned_from(slot.took_ms)
        self._change(provider, running=running, typical_ms=learned.typical_ms)

    def _change(self, provider: str, **changes: object) -> None:
        self._queues[provider] = self._queues.get(provider, ProviderQueue()).model_copy(update=changes)
        self.writes += 1

    def _another_run(self) -> None:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
