"""Circuit breaker of a provider: after several failures in a short time, calls pause; then one trial call decides.

Every instant is in ms since 1970-01-01 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from fermata.domain.providers.failures import Failure, FailureClass


@dataclass(frozen=True)
class CircuitRules:
    """`failures` within `window_ms` open the circuit, first for `open_ms`, then doubling up to `longest_open_ms`."""

    failures: int
    window_ms: int
    open_ms: int
    longest_open_ms: int


class Health(StrEnum):
    """The evidence of one call about its provider."""

    WORKS = "works"
    FAILS = "fails"
    SHUTS_US_OUT = "shuts_us_out"
    SAYS_NOTHING = "says_nothing"


NO_CODE: Final = "no code"
MOST_MODELS: Final = 50
"""Bound on the unentitled models that are remembered, and on the unlisted names that failed; the latest are kept."""

# An unknown outcome is the most expensive failure: it may have been billed, and so may the next one.
_TROUBLE: Final = frozenset(
    {FailureClass.TRANSIENT, FailureClass.AUTH, FailureClass.OUT_OF_CREDIT, FailureClass.UNKNOWN_OUTCOME}
)
_A_CLEAR_ANSWER: Final = frozenset({FailureClass.CONTENT_REFUSED, FailureClass.INVALID_REQUEST, FailureClass.NOT_FOUND})


def health_shown_by(failure: Failure | None) -> Health:
    """The provider's health by the end of a call; None stands for a successful call."""
    if failure is None or failure.failure_class in _A_CLEAR_ANSWER:
        return Health.WORKS
    if failure.failure_class is FailureClass.NOT_ENTITLED:
        # An order of a model that the account's plan lacks blocks that model for all tenants, but not the provider.
        return Health.WORKS if failure.of_one_model else Health.SHUTS_US_OUT
    return Health.FAILS if failure.failure_class in _TROUBLE else Health.SAYS_NOTHING


class Trial(NamedTuple):
    """The single call that is admitted after the pause; its run has certainly ended after `until_ms`."""

    ticket: str
    until_ms: int


class Circuit(BaseModel):
    """The circuit of one provider: closed while `open_until_ms` is 0, half-open once that instant has passed.

    `disabled_by` is the code with which the provider rejected the account; only an operator enables it again.
    `unentitled_models` are the models that the account's plan lacks, each with the provider's code, until an operator
    enables them. `unlisted` are circuits of single names that the catalogue does not list: callers invent them, so
    their failures may pause or disable only the name itself.
    """

    model_config = ConfigDict(
        defer_build=True, frozen=True, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    failed_at_ms: tuple[NonNegativeInt, ...] = ()
    open_until_ms: NonNegativeInt = 0
    open_for_ms: NonNegativeInt = 0
    trial: Trial | None = None
    disabled_at_ms: NonNegativeInt | None = None
    disabled_by: str | None = None
    # Stored records use the name of the alias.
    unentitled_models: Mapping[str, str] = Field(default={}, alias="lacking")
    unlisted: Mapping[str, "Circuit"] = {}

    @property
    def is_disabled(self) -> bool:
        """Whether the provider has rejected the account."""
        return self.disabled_at_ms is not None

    def state_at(self, now_ms: int) -> Literal["closed", "open", "half_open", "disabled"]:
        """What the circuit does with calls at this time: `disabled` until the operator enables the provider again."""
        if self.is_disabled:
            return "disabled"
        if not self.open_until_ms:
            return "closed"
        return "open" if now_ms < self.open_until_ms else "half_open"

    @property
    def has_a_say(self) -> bool:
        """Whether a job must check the circuit before it orders, because some orders are blocked."""
        return bool(self.open_until_ms or self.is_disabled or self.unentitled_models)

    @property
    def refused_models(self) -> Mapping[str, str]:
        """The models that the account may not order, listed or not, each with the provider's code."""
        refused = {name: of_name for name, of_name in self.unlisted.items() if of_name.is_disabled}
        return {**self.unentitled_models, **{name: of_name.disabled_by or NO_CODE for name, of_name in refused.items()}}

    def is_available(self, now_ms: int) -> bool:
        """Whether a call may be admitted now."""
        return not self.is_disabled and self.open_until_ms <= now_ms

    def blocked_until_ms(self, ticket: str, now_ms: int, *, is_listed: bool = True) -> int:
        """The instant before which this ticket makes no call; at most `now_ms` if it may call now. Listed models try
        first: an unlisted one may be the trial only if none was made for another pause.
        """
        may_try_ms = self.open_until_ms if is_listed else self.open_until_ms + self.open_for_ms
        if may_try_ms > now_ms or self.trial is None or self.trial.ticket == ticket:
            return may_try_ms
        return self.trial.until_ms

    def let_through(self, ticket: str, until_ms: int, unlisted: str | None = None) -> "Circuit":
        """This circuit after it admitted a call, for the model `unlisted` if named. If half-open, the call becomes the
        trial.
        """
        circuit = self._with(trial=Trial(ticket, until_ms)) if self.open_until_ms else self
        of_name = self.unlisted.get(unlisted) if unlisted is not None else None
        if unlisted is None or of_name is None:
            return circuit
        changed = {**self.unlisted, unlisted: of_name.let_through(ticket, until_ms)}
        return circuit.model_copy(update={"unlisted": changed})

    def is_trial(self, ticket: str) -> bool:
        """Whether this ticket's call is the trial of this circuit or of one within it."""
        return self._is_tried_by(ticket) or any(of_name.is_trial(ticket) for of_name in self.unlisted.values())

    def without_model(self, model: str, code: str) -> "Circuit":
        """This circuit after the provider answered that the account may not order a model."""
        # Callers can invent any number of names of a family, and most calls read this record.
        others = [(name, said) for name, said in self.unentitled_models.items() if name != model][1 - MOST_MODELS :]
        return self._with(unentitled_models=dict([*others, (model, code)]))

    def given_up_by(self, ticket: str) -> "Circuit":
        """This circuit after a call was not made, or gave no evidence: another call may be the trial."""
        if not self.is_trial(ticket):
            return self
        trial = None if self._is_tried_by(ticket) else self.trial
        unlisted = {name: of_name.given_up_by(ticket) for name, of_name in self.unlisted.items()}
        return self._with(trial=trial, unlisted=unlisted)

    def after(self, ticket: str, health: Health, code: str | None, now_ms: int, rules: CircuitRules) -> "Circuit":
        """This circuit after a call that showed `health`. Once open, only the trial's own end counts."""
        match health:
            case Health.SHUTS_US_OUT:
                return self.given_up_by(ticket).model_copy(update={"disabled_at_ms": now_ms, "disabled_by": code})
            case Health.SAYS_NOTHING:
                return self.given_up_by(ticket)
            case Health.WORKS:
                closed = {"failed_at_ms": (), "open_until_ms": 0, "open_for_ms": 0, "trial": None}
                return self._with(**closed) if self._is_tried_by(ticket) else self
            case Health.FAILS if self.open_until_ms:
                return self._opened(2 * self.open_for_ms, now_ms, rules) if self._is_tried_by(ticket) else self
            case Health.FAILS:
                return self._counted(now_ms, rules)

    def after_unlisted(
        self, model: str, ticket: str, health: Health, code: str | None, now_ms: int, rules: CircuitRules
    ) -> "Circuit":
        """This circuit after a call for a model that the catalogue does not list. Its failures count only against that
        name; a failed trial reopens this circuit without doubling the pause.
        """
        of_name = self.unlisted.get(model, Circuit()).after(ticket, health, code, now_ms, rules)
        if health in (Health.WORKS, Health.SAYS_NOTHING):
            circuit = self.after(ticket, health, code, now_ms, rules)
        else:
            circuit = self._opened(self.open_for_ms, now_ms, rules) if self._is_tried_by(ticket) else self
        others = [(name, known) for name, known in circuit.unlisted.items() if name != model][1 - MOST_MODELS :]
        mine = [] if of_name == Circuit() else [(model, of_name)]
        return circuit.model_copy(update={"unlisted": dict([*others, *mine])})

    def _counted(self, now_ms: int, rules: CircuitRules) -> "Circuit":
        recent = tuple(instant for instant in self.failed_at_ms if instant > now_ms - rules.window_ms)
        failed = (*recent, now_ms)[-rules.failures :]
        if len(failed) >= rules.failures:
            return self._opened(rules.open_ms, now_ms, rules)
        return self._with(failed_at_ms=failed)

    def _opened(self, open_for_ms: int, now_ms: int, rules: CircuitRules) -> "Circuit":
        bounded_ms = min(open_for_ms, rules.longest_open_ms)
        return self._with(failed_at_ms=(), open_until_ms=now_ms + bounded_ms, open_for_ms=bounded_ms, trial=None)

    def _is_tried_by(self, ticket: str) -> bool:
        return self.trial is not None and self.trial.ticket == ticket

    def _with(self, **changes: object) -> "Circuit":
        return self.model_copy(update=changes)
