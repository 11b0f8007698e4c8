"""Tell the operator of every paid call of which nobody knows whether it was charged, once, whoever wrote it down."""

from fermata.domain.jobs.job import Job
from fermata.domain.money.losses import newly_in_doubt
from fermata.ports.metrics import Metrics


def tell_of_doubts(before: Job, written: Job, metrics: Metrics) -> None:
    """Count the attempts that the write after `before` put on record as unknown, and what they may have cost.

    To be called after each write that may end an attempt, and only where it succeeded: so none is counted twice.
    """
    for attempt in newly_in_doubt(written, before):
        metrics.count("UnknownOutcomes", attempt.provider)
        metrics.usd("UnknownOutcomeUsdAtRisk", attempt.provider, attempt.cost_micro_usd)
