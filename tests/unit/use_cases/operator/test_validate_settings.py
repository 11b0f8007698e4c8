"""A deployment keeps what its operator sets, or fails and is rolled back."""

from typing import Any

import pytest

from fermata.domain.catalogue.operator_settings import NOTHING_SET
from fermata.domain.operator.stack_events import StackAnswer, StackEvent, refused
from fermata.domain.providers.settings import ProviderChanges
from fermata.errors import TransientError
from fermata.use_cases.operator.validate_settings import validate_settings
from fermata.wiring.operator import settings_ports
from tests.fakes.world import World

PROPERTIES: dict[str, Any] = {
    "ServiceToken": "arn",
    "Layer": "arn",
    "ProviderSettings": "{}",
    "ModelLatencyPriors": "{}",
    "PriceOverrides": "{}",
    "SingleSettings": {"minimax": {"base_url": "", "rpm": "", "concurrency": "", "daily_budget_usd": ""}},
}


def event(request_type: str = "Create", before: str = "", **properties: object) -> StackEvent:
    return StackEvent.model_validate(
        {
            "RequestType": request_type,
            "RequestId": "request-1",
            "ResponseURL": "https://answers.example/1?signature=canary",
            "StackId": "stack-1",
            "LogicalResourceId": "OperatorSettings",
            "ResourceType": "Custom::OperatorSettings",
            **({"PhysicalResourceId": before} if before else {}),
            "ResourceProperties": {**PROPERTIES, **properties},
        }
    )


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_set_is_kept_and_its_version_handed_to_the_template(world: World) -> None:
    answer = validate_settings(event(ProviderSettings='{"minimax":{"rpm":7}}'), settings_ports())

    assert answer == StackAnswer(answer.physical_id, None, {"Version": answer.physical_id})
    assert world.settings_store.load(answer.physical_id).providers == {"minimax": ProviderChanges(rpm=7)}


def test_a_deployment_that_sets_nothing_keeps_nothing(world: World) -> None:
    answer = validate_settings(event(), settings_ports())

    assert answer == StackAnswer(NOTHING_SET, None, {"Version": NOTHING_SET})
    assert world.settings_store.rows == {}


def test_an_update_keeps_the_version_before_until_cloudformation_deletes_it(world: World) -> None:
    first = validate_settings(event(ProviderSettings='{"minimax":{"rpm":7}}'), settings_ports()).physical_id
    second = validate_settings(
        event("Update", first, ProviderSettings='{"minimax":{"rpm":8}}'), settings_ports()
    ).physical_id
    assert set(world.settings_store.rows) == {first, second}

    assert validate_settings(event("Delete", first), settings_ports()) == StackAnswer(first)
    assert set(world.settings_store.rows) == {second}


@pytest.mark.usefixtures("world")
def test_an_update_that_changes_nothing_replaces_nothing() -> None:
    first = validate_settings(event(ProviderSettings='{"minimax":{"rpm":7}}'), settings_ports())
    same = event("Update", first.physical_id, ProviderSettings=' {"minimax": {"rpm": 7}}', Layer="another")
    assert validate_settings(same, settings_ports()) == first


@pytest.mark.parametrize(("before", "after"), [("", "refused"), ("0123", "0123")])
def test_invalid_settings_fail_the_deployment_and_change_nothing(world: World, before: str, after: str) -> None:
    asked = event("Update" if before else "Create", before, ProviderSettings='{"minimax":{"rpm":0}}')
    answer = validate_settings(asked, settings_ports())

    assert answer.physical_id == after
    assert answer.refusal is not None
    assert answer.refusal.startswith("ProviderSettings.minimax.rpm ")
    assert answer.attributes == {}
    assert world.settings_store.rows == {}


@pytest.mark.usefixtures("world")
def test_a_deletion_after_a_refusal_finds_nothing_to_delete() -> None:
    assert validate_settings(event("Delete", "refused"), settings_ports()) == StackAnswer("refused")


@pytest.mark.parametrize(
    ("properties", "names"),
    [({"ProviderSettings": {}}, "ProviderSettings"), ({"SingleSettings": "x", "ModelLatencyPriors": None}, "Model")],
)
@pytest.mark.usefixtures("world")
def test_a_template_that_hands_over_something_else_fails(properties: dict[str, Any], names: str) -> None:
    answer = validate_settings(event(**properties), settings_ports())
    assert answer.refusal is not None
    assert answer.refusal.startswith(f"the template gives this resource wrong properties: {names}")


def test_a_table_that_cannot_be_written_fails_the_deployment(world: World) -> None:
    world.settings_store.failure = TransientError("the table is away")
    answer = validate_settings(event(ProviderSettings='{"minimax":{"rpm":7}}'), settings_ports())
    assert answer == StackAnswer("refused", "the table is away")


def test_a_deletion_is_never_refused(world: World) -> None:
    world.settings_store.failure = TransientError("the table is away")
    assert validate_settings(event("Delete", "0123"), settings_ports()) == StackAnswer("0123")


@pytest.mark.usefixtures("world")
def test_a_reason_fits_into_an_answer() -> None:
    many = "{" + ",".join(f'"provider-{n}":{{}}' for n in range(100)) + "}"
    answer = validate_settings(event(ProviderSettings=many), settings_ports())
    assert answer.refusal is not None
    assert len(answer.refusal) == len(refused(event(), "x" * 5000).refusal or "") == 1500
