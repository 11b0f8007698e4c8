"""Metrics that alarms watch."""

from typing import Protocol


class Metrics(Protocol):
    """Numbers that an operator watches, by provider unless they are about none."""

    def count(self, name: str, provider: str | None) -> None:
        """One more of an event."""

    def milliseconds(self, name: str, provider: str, value: int) -> None:
        """One measured time in ms."""

    def usd(self, name: str, provider: str, micro_usd: int) -> None:
        """An amount of money, given in millionths of a USD and told in USD."""

    def percent(self, name: str, provider: str, value: int) -> None:
        """How much of something is used."""

    def credits(self, name: str, amount: int) -> None:
        """An amount of customers' credits, which belong to no provider."""
