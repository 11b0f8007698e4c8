"""Report the end of each job to the operator: one line, which is a metric as well."""

from fermata.domain.finish.job_end import end_of_job
from fermata.domain.jobs.job import Job
from fermata.ports.metrics import Metrics
from fermata.use_cases.generation.finish.lost_songs import report_lost_songs


def report_end(settled: Job, metrics: Metrics) -> None:
    """Report a settled job and the songs that it lost. Call this once, after the write that settled it succeeded."""
    metrics.job_ended(end_of_job(settled))
    report_lost_songs(settled, metrics)
