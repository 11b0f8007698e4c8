"""Look at the operator's brakes before an order, and say what becomes of one that they hold back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.providers.spending import Brakes, Held, budget_spent, day_of, look_again_at, paused
from fermata.errors import ProviderHeldError
from fermata.ports.metrics import Metrics
from fermata.ports.providers import BrakeStore


@dataclass(frozen=True)
class BrakePorts:
    """What brakes are looked at with; `budget` is a provider's for a day in millionths of a USD, 0 for none. A held
    order looks again after `look_again_s` seconds at the earliest.
    """

    store: BrakeStore
    budget: Callable[[str], int]
    metrics: Metrics
    look_again_s: int


def look_at_brakes(job: Job, ports: BrakePorts, now: datetime) -> Held | None:
    """What keeps the job's next order from its provider, as far as one look tells: only the claim decides.

    Raises `TransientError` where the brakes cannot be read.
    """
    model = job.candidate
    brakes = ports.store.load([model.provider], day_of(now))[model.provider]
    held = brakes.holding(model.cost_micro_usd, ports.budget(model.provider))
    _report(brakes, 0 if held else model.cost_micro_usd, ports)
    return held


def refused_claim(error: ProviderHeldError, job: Job, now: datetime) -> Held:
    """What kept a claim from being written."""
    provider = job.candidate.provider
    return paused(provider, error.paused_by) if error.paused_by else budget_spent(provider, day_of(now))


def next_look(job: Job, held: Held, ports: BrakePorts, now: datetime) -> datetime | None:
    """When a job without another provider looks again, or None where its order cannot be made in time any more."""
    return look_again_at(held, job.created_at, job.order_by, ports.look_again_s, now)


def _report(brakes: Brakes, cost_micro_usd: int, ports: BrakePorts) -> None:
    budget = ports.budget(brakes.provider)
    if budget:
        percent = 100 * (brakes.spent_micro_usd + cost_micro_usd) // budget
        ports.metrics.percent("ProviderBudgetUsed", brakes.provider, percent)
