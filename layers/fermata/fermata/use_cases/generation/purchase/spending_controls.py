"""Check the operator's spending controls before an order, and decide the next step of a blocked order."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import Candidate
from fermata.domain.providers.failures import Failure, FailureClass, unpaid
from fermata.domain.providers.spending import Blocked, PauseAndBudget, budget_spent, day_of, look_again_at, paused
from fermata.errors import ProviderHeldError
from fermata.ports.metrics import Metrics
from fermata.ports.money import WalletStore
from fermata.ports.providers import BrakeStore


@dataclass(frozen=True)
class SpendingPorts:
    """Ports of the spending controls. `budget` returns a provider's deployed daily budget in millionths of a USD, 0 for
    none. A blocked order is checked again after `look_again_s` seconds at the earliest.
    """

    store: BrakeStore
    budget: Callable[[str], int]
    metrics: Metrics
    look_again_s: int


def check_spending(ordered: Candidate, ports: SpendingPorts, now: datetime) -> Blocked | int:
    """The spending control that blocks the order now, or the day's budget, in millionths of a USD (0: none), that its
    claim has to keep. This is advisory: the claim checks again and decides.

    Raises `TransientError` if the controls cannot be read.
    """
    controls = ports.store.load([ordered.provider], day_of(now))[ordered.provider]
    deployed = ports.budget(ordered.provider)
    blocked, budget = controls.blocking(ordered.cost_micro_usd, deployed), controls.budget(deployed)
    _report(controls, 0 if blocked else ordered.cost_micro_usd, budget, ports)
    return blocked or budget


def refused_claim(error: ProviderHeldError, provider: str, now: datetime) -> Blocked:
    """The spending control that refused a claim."""
    return paused(provider, error.paused_by) if error.paused_by else budget_spent(provider, day_of(now))


def next_look(job: Job, blocked: Blocked, ports: SpendingPorts, now: datetime) -> datetime | None:
    """When to check again for a job without another provider; None if its order would then be too late."""
    return look_again_at(blocked, job.created_at, job.order_by, ports.look_again_s, now)


def lost_songs_reached(job: Job, wallets: WalletStore, now: datetime) -> int | None:
    """The plan's limit of lost songs a day if the job's tenant has reached it today, so that no song may be bought;
    else None. Always None for a job whose own terms may lose a song: submission checked it against the same limit and
    reserved its place.

    Raises `TransientError` if the wallet cannot be read.
    """
    wallet = None if job.at_risk else wallets.find(job.tenant_id)
    if wallet is None or wallet.may_lose_more(day_of(now)):
        return None
    return wallet.lost_songs_per_day


def beyond_lost_songs(allowed: int) -> Failure:
    """The failure of an order whose tenant has reached its plan's limit of lost songs today."""
    message = (
        f"{allowed} songs were made today whose credits were returned, as many as the plan "
        "allows a day; nothing was paid for this one; order again tomorrow (UTC), or ask for a higher limit"
    )
    return unpaid(FailureClass.TRANSIENT, "lost_songs_limit", message)


def _report(controls: PauseAndBudget, cost_micro_usd: int, budget_micro_usd: int, ports: SpendingPorts) -> None:
    if budget_micro_usd:
        percent = 100 * (controls.spent_micro_usd + cost_micro_usd) // budget_micro_usd
        ports.metrics.percent("ProviderBudgetUsed", controls.provider, percent)
