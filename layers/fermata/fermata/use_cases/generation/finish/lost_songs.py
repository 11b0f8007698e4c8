"""Report lost songs to the operator: the operator may have paid for them, the tenant did not."""

from fermata.domain.jobs.job import Job
from fermata.domain.money.losses import lost_attempts
from fermata.log import logger
from fermata.ports.metrics import Metrics


def report_lost_songs(settled: Job, metrics: Metrics) -> None:
    """Count the lost attempts of a settled job and their cost: the provider was or may have been paid, the tenant did
    not pay. Call this once, after the write that settled the job has succeeded.
    """
    lost = lost_attempts(settled)
    for attempt in lost:
        metrics.count("LostSongs", attempt.provider)
        metrics.usd("LostSongUsd", attempt.provider, attempt.cost_micro_usd)
    if lost:
        cost = sum(attempt.cost_micro_usd for attempt in lost)
        loss = {"tenant_id": settled.tenant_id, "songs": len(lost), "cost_micro_usd": cost, "status": settled.status}
        logger.warning("the provider was or may have been paid, and the tenant did not pay", extra=loss)
