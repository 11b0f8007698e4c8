"""Songs that a provider was paid for and the tenant was not: report them to the operator, and buy no more of them than
the plan allows.
"""

from datetime import datetime

from fermata.domain.jobs.job import Job
from fermata.domain.money.losses import lost_attempts
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.log import logger
from fermata.ports.metrics import Metrics
from fermata.ports.money import WalletStore


def report_lost_songs(settled: Job, metrics: Metrics) -> None:
    """Count the attempts of a job that has just ended for which the provider was or may have been paid and the tenant
    did not pay, and what they cost. To be called after the write that settled it, and only where that succeeded.
    """
    lost = lost_attempts(settled)
    for attempt in lost:
        metrics.count("LostSongs", attempt.provider)
        metrics.usd("LostSongUsd", attempt.provider, attempt.cost_micro_usd)
    if lost:
        cost = sum(attempt.cost_micro_usd for attempt in lost)
        told = {"tenant_id": settled.tenant_id, "songs": len(lost), "cost_micro_usd": cost, "status": settled.status}
        logger.warning("the provider was or may have been paid, and the tenant was not", extra=told)


def beyond_lost_songs(job: Job, wallets: WalletStore, now: datetime) -> Failure | None:
    """Why no song is bought for a job: its tenant lost as many today as the plan allows. None for a job whose own terms
    may lose one, because its order holds a place for that; the order itself was judged by the same limit.

    Raises `TransientError` where the wallet cannot be read.
    """
    wallet = None if job.at_risk else wallets.find(job.tenant_id)
    if wallet is None or wallet.may_lose_more(now):
        return None
    return Failure(
        failure_class=FailureClass.TRANSIENT,
        provider_charged=ProviderCharged.NO,
        message=(
            f"{wallet.lost_songs_per_day} songs were made today whose credits were returned, as many as the plan "
            "allows a day; nothing was paid for this one; order again tomorrow (UTC), or ask for a higher limit"
        ),
        code="lost_songs_limit",
    )
