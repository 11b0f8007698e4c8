"""Answer CloudFormation about the stack's custom resources, each by its type."""

from collections.abc import Callable
from datetime import datetime

from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.use_cases.operator.validate_settings import SettingsPorts, validate_settings
from fermata.use_cases.restore.prepare_table import TABLE_IN_USE, TablePorts, prepare_table


def answer_deployment(
    event: StackEvent, settings: Callable[[], SettingsPorts], table: Callable[[], TablePorts], now: datetime
) -> StackAnswer:
    """Return the answer of `prepare_table` for the table in use, of `validate_settings` for the operator's settings."""
    if event.resource_type == TABLE_IN_USE:
        return prepare_table(event, table(), now)
    return validate_settings(event, settings())
