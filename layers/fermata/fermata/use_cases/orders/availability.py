"""Whether providers accept orders at the moment: by their state, the operator's pauses, and the day's budgets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.catalogue.models import Catalogue, Model
from fermata.domain.providers.spending import PauseAndBudget, day_of
from fermata.domain.providers.state import ProviderState
from fermata.ports.providers import BrakeStore, ProviderStates


@dataclass(frozen=True)
class AvailabilityPorts:
    """Ports of `availability`. `budget` returns a provider's daily budget in millionths of a USD, 0 for none."""

    provider_states: ProviderStates
    brakes: BrakeStore
    budget: Callable[[str], int]


@dataclass(frozen=True)
class Availability:
    """What accepted orders at `now`, as read then. `budgets` are the providers' daily budgets in millionths of a USD,
    0 for none.
    """

    states: Mapping[str, ProviderState]
    controls: Mapping[str, PauseAndBudget]
    budgets: Mapping[str, int]
    now: datetime

    def is_available(self, model: Model, cost_micro_usd: int) -> bool:
        """Whether a model can be ordered now at a cost in millionths of a USD."""
        blocked = self.controls[model.provider].blocking(cost_micro_usd, self.budgets[model.provider])
        return blocked is None and self.states[model.provider].is_available(model.upstream_model, self.now)

    def may_wait(self, model: Model) -> bool:
        """Whether an order of a model that is not available waits for it. It fails where the provider refuses the
        operator's account.
        """
        return not self.states[model.provider].refuses_account(model.upstream_model)


def availability(catalogue: Catalogue, ports: AvailabilityPorts, now: datetime) -> Availability:
    """The availability of all models, read now. Raises `TransientError`."""
    providers = catalogue.provider_ids()
    return Availability(
        states=ports.provider_states.load_all(providers),
        controls=ports.brakes.load(providers, day_of(now)),
        budgets={provider: ports.budget(provider) for provider in providers},
        now=now,
    )
