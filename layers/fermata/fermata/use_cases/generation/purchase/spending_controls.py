"""Check the operator's spending controls before an order, and say what becomes of one that they block."""

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
    """What spending controls are checked with; `budget` is a provider's for a day in millionths of a USD, 0 for none. A
    blocked order looks again after `look_again_s` seconds at the earliest.
    """

    store: BrakeStore
    budget: Callable[[str], int]
    metrics: Metrics
    look_again_s: int


def check_spending(ordered: Candidate, ports: SpendingPorts, now: datetime) -> Blocked | None:
    """What keeps the order of a model from its provider, as far as one look tells: only the claim decides.

    Raises `TransientError` where the controls cannot be read.
    """
    controls = ports.store.load([ordered.provider], day_of(now))[ordered.provider]
    blocked = controls.blocking(ordered.cost_micro_usd, ports.budget(ordered.provider))
    _report(controls, 0 if blocked else ordered.cost_micro_usd, ports)
    return blocked


def refused_claim(error: ProviderHeldError, provider: str, now: datetime) -> Blocked:
    """What kept a claim from being written."""
    return paused(provider, error.paused_by) if error.paused_by else budget_spent(provider, day_of(now))


def next_look(job: Job, blocked: Blocked, ports: SpendingPorts, now: datetime) -> datetime | None:
    """When a job without another provider looks again, or None where its order cannot be made in time any more."""
    return look_again_at(blocked, job.created_at, job.order_by, ports.look_again_s, now)


def lost_songs_reached(job: Job, wallets: WalletStore, now: datetime) -> int | None:
    """How many songs a day the plan of a job's tenant lets be lost, where as many were lost today: then no song is
    bought. None for a job whose own terms may lose one, because its order holds a place for that; the order itself was
    judged by the same limit.

    Raises `TransientError` where the wallet cannot be read.
    """
    wallet = None if job.at_risk else wallets.find(job.tenant_id)
    if wallet is None or wallet.may_lose_more(day_of(now)):
        return None
    return wallet.lost_songs_per_day


def beyond_lost_songs(allowed: int) -> Failure:
    """The failure of an order whose tenant lost as many songs today as its plan allows."""
    message = (
        f"{allowed} songs were made today whose credits were returned, as many as the plan "
        "allows a day; nothing was paid for this one; order again tomorrow (UTC), or ask for a higher limit"
    )
    return unpaid(FailureClass.TRANSIENT, "lost_songs_limit", message)


def _report(controls: PauseAndBudget, cost_micro_usd: int, ports: SpendingPorts) -> None:
    budget = ports.budget(controls.provider)
    if budget:
        percent = 100 * (controls.spent_micro_usd + cost_micro_usd) // budget
        ports.metrics.percent("ProviderBudgetUsed", controls.provider, percent)
