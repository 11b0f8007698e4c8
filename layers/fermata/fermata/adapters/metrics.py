"""CloudWatch metrics as lines of the Embedded Metric Format on stdout, which cost no call."""

from typing import Final

from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE: Final = "Fermata"


class EmfMetrics:
    """`Metrics` in the namespace `Fermata`, with the dimension `provider` where there is one."""

    def count(self, name: str, provider: str | None) -> None:
        """One more of an event."""
        _write(name, MetricUnit.Count, 1, provider)

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        """One measured time in ms."""
        _write(name, MetricUnit.Milliseconds, value, provider)

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """An amount of money in USD; CloudWatch knows no unit for it."""
        _write(name, MetricUnit.NoUnit, micro_usd / 1_000_000, provider)

    def percent(self, name: str, provider: str, value: int) -> None:
        """How much of something is used."""
        _write(name, MetricUnit.Percent, value, provider)

    def credits(self, name: str, amount: int) -> None:
        """An amount of credits; CloudWatch knows no unit for it."""
        _write(name, MetricUnit.NoUnit, amount)


def _write(name: str, unit: MetricUnit, value: float, provider: str | None = None) -> None:
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        # Else Powertools adds a dimension `service` from the environment, and no alarm would know the metric any more.
        metric.service = ""
        if provider is not None:
            metric.add_dimension(name="provider", value=provider)
