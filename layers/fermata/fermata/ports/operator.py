"""What the operator's deployments need: a place for what was set, and a way to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fermata.domain.catalogue.operator_settings import OperatorSettings
    from fermata.domain.operator.restored_table import Preparation, TableFacts
    from fermata.domain.operator.stack_events import StackAnswer, StackEvent


class SettingsStore(Protocol):
    """What the operator has set, by version. Settings of a version never change. Every method raises
    `TransientError`.
    """

    def keep(self, settings: OperatorSettings) -> None:
        """Store the settings under their version; storing them again changes nothing."""

    def load(self, version: str) -> OperatorSettings:
        """The settings of a version, read consistently; raises `ConfigurationError` where there are none."""

    def forget(self, version: str) -> None:
        """Delete the settings of a version; where there are none, nothing happens."""


class RestoredTable(Protocol):
    """The table of this process, as DynamoDB describes it. Every method raises `TransientError`."""

    def facts(self) -> TableFacts | None:
        """What the table is, or None where there is none of its name."""

    def preparation(self) -> Preparation | None:
        """The note of the deployment that prepared a table with this content, or None."""

    def note(self, preparation: Preparation) -> None:
        """Note that the table is prepared; the earlier note is replaced."""


class StackAnswers(Protocol):
    """The way back to CloudFormation, which waits for one answer to each event."""

    def send(self, event: StackEvent, answer: StackAnswer) -> None:
        """Answer an event; raises `TransientError` where the answer does not arrive."""
