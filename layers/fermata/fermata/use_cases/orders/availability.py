"""Whether providers accept orders at the moment: by their state, the operator's pauses, and the day's budgets."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.catalogue.models import Catalogue, Model
from fermata.domain.providers.spending import day_of
from fermata.ports.providers import BrakeStore, ProviderStates


@dataclass(frozen=True)
class AvailabilityPorts:
    """Ports of `availability`. `budget` returns a provider's daily budget in millionths of a USD, 0 for none."""

    provider_states: ProviderStates
    brakes: BrakeStore
    budget: Callable[[str], int]


def availability(catalogue: Catalogue, ports: AvailabilityPorts, now: datetime) -> Callable[[Model, int], bool]:
    """A function that returns whether a model can be ordered at a cost in millionths of a USD, as read now for all
    providers. Raises `TransientError`.
    """
    providers = catalogue.provider_ids()
    states = ports.provider_states.load_all(providers)
    controls = ports.brakes.load(providers, day_of(now))

    def is_available(model: Model, cost_micro_usd: int) -> bool:
        blocked = controls[model.provider].blocking(cost_micro_usd, ports.budget(model.provider))
        return blocked is None and states[model.provider].is_available(model.upstream_model, now)

    return is_available
