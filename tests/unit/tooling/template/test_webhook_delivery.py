"""Who may read webhook secrets, and whether the machine of deliveries lives as long as its schedule."""

from typing import Any

import pytest

from fermata.domain.providers.answers import RETRY_AFTER_LIMIT_S
from fermata.domain.webhooks.delivery import JITTER, SCHEDULE_S
from tests.support.rights import Statement

pytestmark = pytest.mark.check

READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:Scan"}


def partitions(statement: Statement) -> list[str]:
    keys = [values.get("dynamodb:LeadingKeys", []) for values in statement.get("Condition", {}).values()]
    return [each for found in keys for each in ([found] if isinstance(found, str) else found)]


def may_read(statement: Statement, partition: str) -> bool:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    named = [each for each in partitions(statement) if partition.startswith(each.rstrip("*"))]
    return bool(READS & set(actions)) and bool(named)


def test_only_the_functions_that_sign_may_read_a_secret(rights: dict[str, list[Statement]]) -> None:
    readers = [name for name, mine in rights.items() if any(may_read(each, "WEBHOOK_SECRET#acme") for each in mine)]
    assert readers == ["DeliverWebhookFunction", "TryWebhookFunction"]


def test_every_role_that_reads_the_table_reads_named_partitions(rights: dict[str, list[Statement]]) -> None:
    """Else the test above would overlook a statement."""
    for name, mine in rights.items():
        for statement in mine:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert not READS & set(actions) or partitions(statement), (name, statement.get("Sid"))


def test_the_machine_outlives_the_longest_delivery(machines: dict[str, Any]) -> None:
    """Every pause as long as a receiver can make it, and every try with all retries of its function."""
    machine = machines["statemachine/webhook_delivery.asl.json"]
    task = machine["States"]["DeliverWebhook"]
    pauses = sum(max(RETRY_AFTER_LIMIT_S, round(pause * (1 + JITTER))) for pause in SCHEDULE_S[1:])
    tries = sum(retry["MaxAttempts"] * (retry["MaxDelaySeconds"] + task["TimeoutSeconds"]) for retry in task["Retry"])
    assert pauses + len(SCHEDULE_S) * tries < machine["TimeoutSeconds"]
