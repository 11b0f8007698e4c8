"""Report each paid call of unknown outcome to the operator exactly once, from any use case that records one."""

from fermata.domain.jobs.job import Job
from fermata.domain.money.losses import newly_unknown
from fermata.ports.metrics import Metrics


def report_unknown_outcomes(before: Job, written: Job, metrics: Metrics) -> None:
    """Count the attempts that are unknown in `written` but not in `before`, and what they may have cost.

    Call this after each successful write that may end an attempt, and after no other, so that none is counted twice.
    """
    for attempt in newly_unknown(written, before):
        metrics.count("UnknownOutcomes", attempt.provider)
        metrics.usd("UnknownOutcomeUsdAtRisk", attempt.provider, attempt.cost_micro_usd)
