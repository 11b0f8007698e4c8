"""Metrics that alarms watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.finish.job_end import JobEnd


class Metrics(Protocol):
    """Numbers that an operator watches, by provider where one is concerned."""

    def count(self, name: str, provider: str | None) -> None:
        """Count one event."""

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        """Record one duration in ms."""

    def seconds(self, name: str, value: float) -> None:
        """Record one duration in seconds that belongs to no provider."""

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """Record an amount given in millionths of a USD; the metric is in USD."""

    def percent(self, name: str, provider: str, value: int) -> None:
        """Record a used share in percent."""

    def job_ended(self, end: JobEnd) -> None:
        """Count a job's end by its class, and record the time and the credits of a delivered one by its model."""

    def excuse(self) -> None:
        """Take an error that a function raises on purpose off those that the alarm on failing functions counts."""

    def credits(self, name: str, amount: int) -> None:
        """Record an amount of customers' credits, which belong to no provider."""
