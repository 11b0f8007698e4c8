"""A fake of the provider states."""

from collections.abc import Callable, Collection, Mapping

from fermata.domain.providers.queue import Lease, Limits
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, StartAt
from fermata.errors import (
    FermataError,
)


class InMemoryProviderStates:
    """Keeps records as text. `before_next_save` runs once, before a write is tried: what another run does meanwhile."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {}
        self._given_back: dict[str, set[GivenBack]] = {}
        self._taken: dict[str, dict[str, Lease]] = {}
        self._next_go_ms: dict[str, int] = {}
        self.before_next_save: Callable[[], object] | None = None
        self.loads = 0
        self.saves = 0
        self.failure: FermataError | None = None

    def load(self, provider: str) -> ProviderState:
        self.loads += 1
        if self.failure is not None:
            raise self.failure
        return self._of(provider)

    def _of(self, provider: str) -> ProviderState:
        row = self._rows.get(provider)
        if row is None:
            return ProviderState(provider=provider)
        state = ProviderState.model_validate_json(row)
        taken = self._taken[provider]
        beside = state.with_taken(taken, self._next_go_ms[provider], state.open_slots - len(taken))
        return beside.with_given_back(self._given_back.get(provider, set()))

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        return {provider: self.load(provider) for provider in providers}

    def save(self, state: ProviderState) -> ProviderState:
        before, self.before_next_save = self.before_next_save, None
        if before is not None:
            before()
        stands = self._of(state.provider)
        if (stands.version, stands.slots_left) != (state.version - 1, state.slots_left):
            return stands
        self._rows[state.provider] = state.model_dump_json()
        self._given_back.get(state.provider, set()).difference_update(state.given_back)
        self._taken[state.provider] = {}
        self._next_go_ms[state.provider] = state.queue.next_go_ms
        self.saves += 1
        return state.written()

    def take(self, provider: str, ticket: str, lease: Lease, limits: Limits) -> StartAt | ProviderState:
        stands = self.load(provider)
        gave_back = GivenBack(ticket, None) in stands.given_back
        if not stands.slots_left or stands.limits != limits or ticket in stands.taken or gave_back:
            return stands
        start_ms = max(lease.since_ms, stands.queue.next_go_ms)
        if start_ms > lease.since_ms + AHEAD_MS:
            return stands
        self._taken[provider][ticket] = lease
        self._next_go_ms[provider] = start_ms + limits.gap_ms
        return StartAt(start_ms)

    def give_back(self, provider: str, slot: GivenBack) -> None:
        if self.failure is not None:
            raise self.failure
        self._given_back.setdefault(provider, set()).add(slot)
