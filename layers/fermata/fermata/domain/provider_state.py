"""What all runs know together of one provider: who calls it, who waits for it, and whether it is asked at all."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from fermata.domain.circuit import Circuit, CircuitRules, Health
from fermata.domain.waiting_line import SHORTEST_WAIT_MS, Go, Lease, Limits, WaitingLine, WaitUntil, epoch_ms


@dataclass(frozen=True)
class NotAsked:
    """The provider is not asked for this attempt: its circuit is open, or it has shut the account out (`disabled`);
    with `of_one_model` from one model only.
    """

    disabled: bool
    message: str
    of_one_model: bool = False


Turn = Go | WaitUntil | NotAsked


class GivenBack(NamedTuple):
    """A slot that is free again; `took_ms` is how long its call took, or None where the mean learns nothing from it."""

    ticket: str
    took_ms: int | None


class StartAt(NamedTuple):
    """A slot that was taken beside the record, for a call that may be made from this instant on."""

    start_ms: int


AHEAD_MS: Final = 500
"""How far ahead a start may be reserved beside the record: so little that the run which reserves it waits for it."""


class ProviderState(BaseModel):
    """The shared record of one provider. `version` grows with every write and is the condition of the next one.

    Most jobs find nobody waiting and a slot free. They take it beside the record, up to `open_slots` of them, and give
    it back beside it, so that they do not compete for the version. `taken` and `given_back` are what happened so since
    the record was written: it counts here, and the next write takes it in. `slots_left` is how many of the open slots
    were not taken yet, None where there never were any.
    """

    model_config = ConfigDict(frozen=True)

    provider: str
    version: NonNegativeInt = 0
    given_back: frozenset[GivenBack] = Field(default=frozenset(), exclude=True)
    taken: frozenset[str] = Field(default=frozenset(), exclude=True)
    slots_left: NonNegativeInt | None = Field(default=None, exclude=True)
    limits: Limits | None = None
    pacing: WaitingLine = WaitingLine()
    circuit: Circuit = Circuit()

    def ask(
        self,
        ticket: str,
        now_ms: int,
        lease_until_ms: int,
        limits: Limits,
        *,
        has_alternative: bool,
        model: str | None = None,
    ) -> tuple["ProviderState", Turn]:
        """Whether this ticket may call the provider for a model now, and the record after it asked.

        Where the circuit is open a job that has another provider left is sent there, and any other keeps its place.
        """
        obstacle = self.held_up(ticket, now_ms, has_alternative=has_alternative, model=model)
        if isinstance(obstacle, NotAsked):
            return self.without(ticket), obstacle
        blocked_ms = obstacle.instant_ms if obstacle else 0
        pacing, turn = self.pacing.ask(ticket, now_ms, lease_until_ms, limits, blocked_ms)
        if isinstance(turn, WaitUntil):
            return self._with(pacing, self.circuit, limits), turn
        circuit = self.circuit.let_through(ticket, lease_until_ms)
        return self._with(pacing, circuit, limits), Go(turn.waited_ms, trial=circuit.trial is not None)

    def held_up(
        self, ticket: str, now_ms: int, *, has_alternative: bool, model: str | None = None
    ) -> NotAsked | WaitUntil | None:
        """Why the provider gets no call of this ticket now, not even a free one; None where only the line decides."""
        if self.circuit.is_disabled:
            code = self.circuit.disabled_by or "no code"
            message = f"{self.provider} shut the operator's account out ({code}) and is not asked until the operator"
            return NotAsked(disabled=True, message=f"{message} enables it again")
        if model is not None and model in self.circuit.lacking:
            message = f"the operator's plan at {self.provider} lacks {model} ({self.circuit.lacking[model]})"
            message = f"{message}, which is not asked for until the operator enables it again; order another model"
            return NotAsked(disabled=True, message=message, of_one_model=True)
        blocked_ms = self._blocked_until_ms(ticket, now_ms)
        if blocked_ms <= now_ms:
            return None
        if not has_alternative:
            return WaitUntil(blocked_ms)
        message = f"{self.provider} failed several times within a short time and is not asked now; order again later"
        return NotAsked(disabled=False, message=message)

    @property
    def open_slots(self) -> int:
        """How many slots may be taken beside this record: none while somebody waits or the circuit has a say."""
        if self.limits is None or self.pacing.waiting or self.circuit.has_a_say:
            return 0
        return max(0, self.limits.concurrent - len(self.pacing.running))

    def with_taken(self, leases: Mapping[str, Lease], next_go_ms: int, slots_left: int) -> "ProviderState":
        """This record with what was taken beside it, after which nobody goes before `next_go_ms`."""
        pacing = self.pacing.with_leases(leases, next_go_ms)
        return self.model_copy(update={"pacing": pacing, "taken": frozenset(leases), "slots_left": slots_left})

    def with_given_back(self, slots: Iterable[GivenBack]) -> "ProviderState":
        """This record with what was given back beside it."""
        pacing, circuit, taken_in = self.pacing, self.circuit, frozenset(slots)
        for ticket, took_ms in sorted(taken_in, key=lambda slot: slot.ticket):
            pacing = (pacing if took_ms is None else pacing.learned_from(took_ms)).without(ticket)
            circuit = circuit.given_up_by(ticket)
        return self.model_copy(update={"pacing": pacing, "circuit": circuit, "given_back": taken_in})

    def is_like(self, other: "ProviderState") -> bool:
        """Whether both are the same write, whatever was given back beside them."""
        return (self.version, self.pacing, self.circuit) == (other.version, other.pacing, other.circuit)

    def is_available(self, model: str, now: datetime) -> bool:
        """Whether a new job for a model, by the provider's own name of it, may hope for a call now."""
        return self.circuit.is_available(epoch_ms(now)) and model not in self.circuit.lacking

    def after(
        self,
        ticket: str,
        health: Health,
        code: str | None,
        now_ms: int,
        rules: CircuitRules,
        *,
        lacking: str | None = None,
    ) -> "ProviderState":
        """The record after a call of this ticket ended: its slot is free, and the circuit knows its end. `lacking` is
        the model that the account turned out not to be entitled to.
        """
        circuit = self.circuit.after(ticket, health, code, now_ms, rules)
        if lacking is not None:
            circuit = circuit.without_model(lacking, code or "no code")
        return self._with(self.pacing.without(ticket), circuit)

    def without(self, ticket: str) -> "ProviderState":
        """The record after a job left without having called the provider; the same one where it held nothing."""
        pacing, circuit = self.pacing.without(ticket), self.circuit.given_up_by(ticket)
        return self if (pacing, circuit) == (self.pacing, self.circuit) else self._with(pacing, circuit)

    def written(self) -> "ProviderState":
        """This record once it was written: what happened beside the one before is part of it."""
        beside = {"given_back": frozenset(), "taken": frozenset(), "slots_left": self.open_slots}
        return self.model_copy(update=beside)

    def enabled(self) -> "ProviderState":
        """The record after an operator settled the matter: circuit closed, nothing held against the provider."""
        return self._with(self.pacing, Circuit())

    def _blocked_until_ms(self, ticket: str, now_ms: int) -> int:
        blocked_ms = self.circuit.blocked_until_ms(ticket, now_ms)
        trial = self.circuit.trial
        if blocked_ms <= now_ms or trial is None or self.circuit.open_until_ms > now_ms:
            return blocked_ms
        # Somebody else tries, and its call ends long before its lease does.
        expected_ms = self.pacing.expected_end_ms(trial.ticket, now_ms)
        return max(now_ms + SHORTEST_WAIT_MS, expected_ms) if expected_ms else blocked_ms

    def _with(self, pacing: WaitingLine, circuit: Circuit, limits: Limits | None = None) -> "ProviderState":
        changes = {"pacing": pacing, "circuit": circuit, "limits": limits or self.limits}
        return self.model_copy(update={**changes, "version": self.version + 1})
