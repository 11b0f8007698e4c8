"""CloudWatch metrics as Embedded Metric Format lines on stdout, which need no API call."""

import json
import sys
import time
from typing import Final

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from fermata.domain.finish.job_end import JobEnd

NAMESPACE: Final = "Fermata"


class EmfMetrics:
    """`Metrics` in the namespace `Fermata`, with the dimension `stack` and, where the metric has one, `provider`."""

    def __init__(self, stack: str) -> None:
        self._stack = stack

    def count(self, name: str, provider: str | None) -> None:
        """Count one event."""
        self._write(name, MetricUnit.Count, 1, provider)

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        """Record a measured time in milliseconds."""
        self._write(name, MetricUnit.Milliseconds, value, provider)

    def seconds(self, name: str, value: float) -> None:
        """Record a measured time in seconds."""
        self._write(name, MetricUnit.Seconds, value)

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """Record an amount in USD, given in micro-USD; CloudWatch has no unit for money."""
        self._write(name, MetricUnit.NoUnit, micro_usd / 1_000_000, provider)

    def percent(self, name: str, provider: str, value: int) -> None:
        """Record a used share in percent."""
        self._write(name, MetricUnit.Percent, value, provider)

    def job_ended(self, end: JobEnd) -> None:
        """Count a job's end by its class, and record the time and the credits of a delivered one by its model. The same
        line is the log's record of the end.

        The tenant, the job and the code are properties, which can be searched and cost nothing. Callers choose the
        names of a family's models, so only a model that delivered becomes a dimension.
        """
        metrics = [_directive(["stack", "class"], {"JobsEnded": MetricUnit.Count})]
        if end.has_succeeded:
            of_a_song = {"JobSeconds": MetricUnit.Seconds, "JobCredits": MetricUnit.NoUnit}
            metrics.append(_directive(["stack", "provider", "model"], of_a_song))
        line = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": metrics},
            **{name: getattr(end, name) for name in ("job_id", "tenant_id", "provider", "model", "provider_charged")},
            "stack": self._stack,
            "class": end.outcome,
            "code": end.code,
            "JobsEnded": 1,
            "JobSeconds": end.seconds,
            "JobCredits": end.credits,
        }
        sys.stdout.write(f"{json.dumps(line)}\n")

    def excuse(self) -> None:
        """Record -1, which the alarm adds to the errors that Lambda counts."""
        self._write("ExcusedErrors", MetricUnit.Count, -1)

    def credits(self, name: str, amount: int) -> None:
        """Record an amount of credits; CloudWatch has no unit for credits."""
        self._write(name, MetricUnit.NoUnit, amount)

    def _write(self, name: str, unit: MetricUnit, value: float, provider: str | None = None) -> None:
        with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
            # Otherwise Powertools adds a dimension `service` from the environment, and no alarm matches the metric.
            metric.service = ""
            metric.add_dimension(name="stack", value=self._stack)
            if provider is not None:
                metric.add_dimension(name="provider", value=provider)


def _directive(dimensions: list[str], metrics: dict[str, MetricUnit]) -> dict[str, object]:
    written = [{"Name": name, "Unit": unit.value} for name, unit in metrics.items()]
    return {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": written}
