"""CloudWatch metrics as Embedded Metric Format lines on stdout, which need no API call."""

from typing import Final

from aws_lambda_powertools.metrics import MetricUnit, single_metric

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

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """Record an amount in USD, given in micro-USD; CloudWatch has no unit for money."""
        self._write(name, MetricUnit.NoUnit, micro_usd / 1_000_000, provider)

    def percent(self, name: str, provider: str, value: int) -> None:
        """Record a used share in percent."""
        self._write(name, MetricUnit.Percent, value, provider)

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
