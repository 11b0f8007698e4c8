"""Each command that may change something leaves one line: who is said to have given it, about what, with what end."""

from typing import Any, get_args

import pytest

from fermata.domain.money.wallet import empty_wallet
from fermata.errors import InvalidRequestError, NotFoundError
from fermata.use_cases.operator import manage_tenants as commands
from fermata.use_cases.operator.audit import LONGEST_CLAIM, LOOKS
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.operator import manage_ports
from tests.fakes.world import World

WHO = "arn:aws:sts::123456789012:assumed-role/operators/ada"
CHANGES = {
    *("create_tenant", "grant", "set_plan", "set_triggers", "issue_key", "rotate_key", "revoke_key", "set_webhook"),
    *("rotate_webhook_secret", "enable_provider", "pause", "resume", "reconcile", "redeliver", "set_budget"),
    *("suspend_tenant", "resume_tenant", "cancel_all", "drain", "recover"),
}

ROW = {"line": 1, "upstream_id": "task-4711", "charged": False}


@pytest.fixture
def world() -> World:
    world = World()
    give({"action": "create_tenant", "tenant_id": "new"}, world)
    return world


def give(command: dict[str, Any], world: World, randomness: bytes = bytes(25)) -> dict[str, Any]:
    return manage_tenants(command, manage_ports(), world.clock(), randomness)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    fields = {"claimed_by", "action", "tenant_id", "provider", "key_id", "job_id", "credits", "changed", "outcome"}
    said = [vars(record) for record in caplog.records if record.getMessage() == "audit"]
    return [{name: line[name] for name in fields if name in line} for line in said]


def actions_of(union: Any) -> set[str]:  # noqa: ANN401 - a union of models
    return {action for command in get_args(union) for action in get_args(command.model_fields["action"].annotation)}


def test_every_command_is_a_look_or_leaves_a_line() -> None:
    assert actions_of(commands.Command) == CHANGES | LOOKS
    assert not CHANGES & LOOKS


def test_a_change_leaves_a_line_with_who_is_said_to_have_made_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        give({"action": "grant", "tenant_id": "new", "credits": 5, "claimed_by": WHO}, world)
        give({"action": "pause", "provider": "minimax"}, world)
        give({"action": "show_tenant", "tenant_id": "new", "claimed_by": WHO}, world)
    assert lines(caplog) == [
        {"claimed_by": WHO, "action": "grant", "tenant_id": "new", "credits": 5, "outcome": "done"},
        {"claimed_by": None, "action": "pause", "provider": "minimax", "changed": True, "outcome": "done"},
    ]


def test_a_refused_change_leaves_a_line_as_well(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"), pytest.raises(NotFoundError):
        give({"action": "grant", "tenant_id": "nobody", "credits": 5, "claimed_by": WHO}, world)
    (line,) = lines(caplog)
    assert (line["tenant_id"], line["outcome"]) == ("nobody", "NotFoundError")


def test_a_comparison_with_a_bill_is_a_change_only_if_it_is_applied(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        for apply in (False, True):
            give({"action": "reconcile", "provider": "minimax", "rows": [ROW], "apply": apply}, world)
    assert [line["action"] for line in lines(caplog)] == ["reconcile"]


def test_no_line_holds_a_key_a_secret_or_an_address(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        key = give({"action": "issue_key", "tenant_id": "new"}, world)
        url = "https://example.com/canary"
        secret = give({"action": "set_webhook", "tenant_id": "new", "url": url}, world)
        with pytest.raises(NotFoundError):
            give({"action": "revoke_key", "key_id": key["api_key"]}, world)
    said = str([vars(record) for record in caplog.records])
    assert [line["key_id"] for line in lines(caplog) if "key_id" in line] == [key["key_id"], None]
    assert [each for each in (key["api_key"], secret["secret"], url) if each in said] == []


@pytest.mark.parametrize("claim", [7, ["me"], "x" * (LONGEST_CLAIM + 1)])
def test_a_claim_that_is_no_short_text_is_refused(world: World, claim: object) -> None:
    with pytest.raises(InvalidRequestError):
        give({"action": "grant", "tenant_id": "new", "credits": 5, "claimed_by": claim}, world)
    assert world.wallets.find("new") == empty_wallet("new", world.clock())
