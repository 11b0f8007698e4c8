"""The state of one provider, shared by all runs: running calls, waiting requests, and the circuit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from fermata.domain.providers.circuit import NO_CODE, Circuit, CircuitRules, Health
from fermata.domain.providers.queue import SHORTEST_WAIT_MS, Admitted, Limits, ProviderQueue, WaitUntil, epoch_ms


@dataclass(frozen=True)
class NotAsked:
    """The provider is not called for this attempt: its circuit is open, or it has rejected the account (`disabled`);
    with `of_one_model`, only for one model.
    """

    disabled: bool
    message: str
    of_one_model: bool = False


Admission = Admitted | WaitUntil | NotAsked


class GivenBack(NamedTuple):
    """A slot that is free again; `took_ms` is its call's duration, or None if it does not count in the mean."""

    ticket: str
    took_ms: int | None


class StartAt(NamedTuple):
    """A slot is taken; the call may start from this instant on."""

    start_ms: int


AHEAD_MS: Final = 500
"""How far ahead `take` may reserve a start: so little that the run itself waits for it."""
_NEXT_LOOK_AT_A_TRIAL_MS: Final = 5000


class Slots(NamedTuple):
    """The numbers of free slots as read, and of the asking ticket's own slot, if it has one."""

    free: tuple[int, ...] = ()
    own: int | None = None


class ProviderState(BaseModel):
    """What all runs share of one provider. `version` is that of the circuit: it grows when the circuit changes, and is
    the condition of its next write. Queue and slots are as one run read them; they are no part of the record, and each
    of their writes has a condition of its own.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    provider: str
    version: NonNegativeInt = 0
    queue: ProviderQueue = Field(default=ProviderQueue.model_construct(), exclude=True)
    slots: Slots = Field(default=Slots(), exclude=True)
    circuit: Circuit = Circuit.model_construct()

    def ask(
        self,
        ticket: str,
        now_ms: int,
        lease_until_ms: int,
        limits: Limits,
        *,
        has_alternative: bool,
        model: str | None = None,
        is_listed: bool = True,
    ) -> tuple["ProviderState", Admission]:
        """The record after this request, and whether the ticket may call the provider for a model now. `is_listed` is
        whether the catalogue lists the model by its name.

        If the circuit is open, a job with another provider left goes there, and any other job keeps its place. An order
        for an unlisted name keeps no place meanwhile, because it would delay those behind it.
        """
        obstacle = self.held_up(ticket, now_ms, has_alternative=has_alternative, model=model, is_listed=is_listed)
        if isinstance(obstacle, NotAsked) or (obstacle is not None and not is_listed):
            return self.without(ticket), obstacle
        blocked_ms = obstacle.instant_ms if obstacle else 0
        queue, admission = self.queue.ask(ticket, now_ms, lease_until_ms, limits, blocked_ms)
        if isinstance(admission, WaitUntil):
            return self._with(queue, self.circuit), admission
        circuit = self.circuit.let_through(ticket, lease_until_ms, None if is_listed else model)
        return self._with(queue, circuit), Admitted(admission.waited_ms, trial=circuit.is_trial(ticket))

    def held_up(
        self, ticket: str, now_ms: int, *, has_alternative: bool, model: str | None = None, is_listed: bool = True
    ) -> NotAsked | WaitUntil | None:
        """Why the circuit admits no call of this ticket now, not even a free one; None if only the queue decides."""
        if self.circuit.is_disabled:
            code = self.circuit.disabled_by or NO_CODE
            message = f"{self.provider} rejected the operator's account ({code}) and is not called until the operator"
            return NotAsked(disabled=True, message=f"{message} enables it again")
        refused = self.circuit.refused_models
        if model is not None and model in refused:
            message = f"the operator's plan at {self.provider} lacks {model} ({refused[model]})"
            message = f"{message}, which is not ordered until the operator enables it again; order another model"
            return NotAsked(disabled=True, message=message, of_one_model=True)
        blocked_ms = self._blocked_until_ms(self.circuit, ticket, now_ms, is_listed=is_listed)
        of_name = None if is_listed or model is None else self.circuit.unlisted.get(model)
        if of_name is not None:
            blocked_ms = max(blocked_ms, self._blocked_until_ms(of_name, ticket, now_ms))
        if blocked_ms <= now_ms:
            return None
        if not has_alternative:
            return WaitUntil(blocked_ms)
        message = f"{self.provider} failed several times within a short time and is not called now; order again later"
        return NotAsked(disabled=False, message=message)

    def with_queue(self, queue: ProviderQueue, slots: Slots) -> "ProviderState":
        """This circuit with the queue and the slots as they were read."""
        return self.model_copy(update={"queue": queue, "slots": slots})

    def soonest_ms(self, ticket: str, now_ms: int) -> int:
        """The instant for which a ticket may ask now: the next start, if it is so near that the run itself waits for it
        and no other job waits; else `now_ms`.
        """
        if self.queue.waiting.keys() - {ticket} or self.queue.next_go_ms > now_ms + AHEAD_MS:
            return now_ms
        return max(now_ms, self.queue.next_go_ms)

    def is_like(self, other: "ProviderState") -> bool:
        """Whether both are the same write of the circuit."""
        return (self.version, self.circuit) == (other.version, other.circuit)

    def is_available(self, model: str, now: datetime) -> bool:
        """Whether a new job for a model, by the provider's name of it, may be admitted now."""
        return self.circuit.is_available(epoch_ms(now)) and model not in self.circuit.refused_models

    def refuses_account(self, model: str) -> bool:
        """Whether the provider refuses orders of a model under the operator's account until the operator enables it."""
        return self.circuit.is_disabled or model in self.circuit.refused_models

    def has_failed_for(self, model: str | None) -> bool:
        """Whether failures are recorded for this name, which the catalogue does not list."""
        return model in self.circuit.unlisted

    def after(
        self,
        ticket: str,
        health: Health,
        code: str | None,
        now_ms: int,
        rules: CircuitRules,
        *,
        unentitled_model: str | None = None,
        unlisted: str | None = None,
    ) -> "ProviderState":
        """The record after a call of this ticket ended: its slot is free, and the circuit has counted its end.

        `unentitled_model` is a model that the provider says the account may not order; `unlisted` is the ordered model
        if the catalogue does not list it.
        """
        if unlisted is not None:
            shown = health if unentitled_model is None else Health.SHUTS_US_OUT
            circuit = self.circuit.after_unlisted(unlisted, ticket, shown, code, now_ms, rules)
            return self._with(self.queue.without(ticket), circuit)
        circuit = self.circuit.after(ticket, health, code, now_ms, rules)
        if unentitled_model is not None:
            circuit = circuit.without_model(unentitled_model, code or NO_CODE)
        return self._with(self.queue.without(ticket), circuit)

    def without(self, ticket: str) -> "ProviderState":
        """The record after a job left without a call; unchanged if the job held nothing."""
        queue, circuit = self.queue.without(ticket), self.circuit.given_up_by(ticket)
        return self if (queue, circuit) == (self.queue, self.circuit) else self._with(queue, circuit)

    def enabled(self) -> "ProviderState":
        """The record after an operator enabled the provider again: a closed circuit without recorded failures."""
        return self.model_copy(update={"circuit": Circuit(), "version": self.version + 1})

    def _blocked_until_ms(self, circuit: Circuit, ticket: str, now_ms: int, *, is_listed: bool = True) -> int:
        blocked_ms = circuit.blocked_until_ms(ticket, now_ms, is_listed=is_listed)
        trial = circuit.trial
        if blocked_ms <= now_ms or trial is None or blocked_ms != trial.until_ms:
            return blocked_ms
        # Another request is the trial, and its call ends long before its lease does.
        expected_ms = self.queue.expected_end_ms(trial.ticket, now_ms)
        if expected_ms is None and self.queue.slots_read:
            # Its slot may be one of those that were not read.
            return min(blocked_ms, now_ms + max(_NEXT_LOOK_AT_A_TRIAL_MS, self.queue.typical_ms))
        return max(now_ms + SHORTEST_WAIT_MS, expected_ms) if expected_ms else blocked_ms

    def _with(self, queue: ProviderQueue, circuit: Circuit) -> "ProviderState":
        version = self.version + (circuit != self.circuit)
        return self.model_copy(update={"queue": queue, "circuit": circuit, "version": version})
