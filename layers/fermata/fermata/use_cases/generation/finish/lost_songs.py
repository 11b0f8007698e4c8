"""Report to the operator the songs that a provider was paid for and the tenant was not."""

from fermata.domain.jobs.job import Job
from fermata.domain.money.losses import lost_attempts
from fermata.log import logger
from fermata.ports.metrics import Metrics


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
