"""A restored table is paused before anything can order from it, once, and one that does not fit is refused."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.operator.stack_events import StackAnswer, StackEvent
from fermata.domain.providers.spending import EVERY_PROVIDER, day_of
from fermata.errors import NewerRecordError, TransientError, UnreadableRecordError
from fermata.use_cases.operator.validate_settings import VERSION
from fermata.use_cases.restore.answer_deployment import answer_deployment
from fermata.wiring.operator import settings_ports, table_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import queued_job

ARN = "arn:aws:dynamodb:eu-west-1:1:table/restored"


def event(request_type: str = "Create", restored: str = "restored", kind: str = "Custom::TableInUse") -> StackEvent:
    return StackEvent.model_validate(
        {
            "RequestType": request_type,
            "RequestId": "request-1",
            "ResponseURL": "https://answers.example/1",
            "StackId": "stack-1",
            "LogicalResourceId": "TableInUse",
            "ResourceType": kind,
            "PhysicalResourceId": "jobs",
            "ResourceProperties": {"Table": "restored", "TableArn": ARN, "RestoredTableName": restored},
        }
    )


def answer(asked: StackEvent, minutes: int = 0) -> StackAnswer:
    return answer_deployment(asked, settings_ports, table_ports, NOON + timedelta(minutes=minutes))


def paused(world: World) -> set[str]:
    found = (world.brakes.brakes(name, day_of(NOON)) for name in world.catalogue.provider_ids())
    return {name for each in found for name in each.paused_by}


@pytest.fixture
def world() -> World:
    return World()


def test_a_restored_table_has_every_provider_paused_before_its_name_is_known_to_the_template(world: World) -> None:
    found = answer(event())

    assert found == StackAnswer("restored", None, {"Arn": ARN, "RestoredAt": NOON.isoformat()})
    assert paused(world) == {*world.catalogue.provider_ids(), EVERY_PROVIDER}


def test_a_later_deployment_pauses_nothing_and_keeps_the_moment_of_the_first(world: World) -> None:
    first = answer(event())
    for name in (*world.catalogue.provider_ids(), EVERY_PROVIDER):
        world.brakes.resume(name)

    assert answer(event("Update"), minutes=5) == first
    assert paused(world) == set()


def test_a_table_that_was_restored_from_a_prepared_one_is_prepared_anew(world: World) -> None:
    answer(event())
    assert world.restored_table.described is not None
    world.restored_table.described = replace(world.restored_table.described, identity="restored 2")

    assert answer(event(), minutes=5).attributes["RestoredAt"] == (NOON + timedelta(minutes=5)).isoformat()


def test_a_preparation_that_ended_before_its_note_begins_again(world: World) -> None:
    world.restored_table.fail_next_note = TransientError("away")
    refusal = answer(event()).refusal
    assert refusal is not None
    assert paused(world)

    assert answer(event(), minutes=1).refusal is None


def test_a_stack_on_its_own_table_touches_nothing(world: World) -> None:
    assert answer(event(restored="")) == StackAnswer("restored", None, {"Arn": ARN, "RestoredAt": ""})
    assert paused(world) == set()
    assert world.restored_table.noted is None
    assert answer(event("Delete")) == StackAnswer("jobs")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"status": "CREATING"}, "RestoredTableName: restored is CREATING; deploy again once its restore is complete"),
        ({"keys": ("id",)}, "RestoredTableName: restored has the keys id; expected a copy of a table of Fermata"),
        (
            {"indexes": ["ByTenant"]},
            "RestoredTableName: restored lacks the index ByCheckAt; restore it again with all indexes",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_a_sentence(world: World, changes: dict[str, Any], why: str) -> None:
    assert world.restored_table.described is not None
    world.restored_table.described = replace(world.restored_table.described, **changes)

    found = answer(event())
    assert (found.physical_id, found.refusal) == ("jobs", why)
    assert paused(world) == set()


def test_a_table_that_is_not_there_is_refused(world: World) -> None:
    world.restored_table.described = None
    why = "RestoredTableName: there is no table restored in this account and region"
    assert answer(event()).refusal == why


def test_a_table_of_a_newer_release_is_refused_and_a_broken_job_is_not_taken_for_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued_job(check_at=NOON)
    world.jobs.create(job)
    newer = "the record JOB#1 cannot be read: a newer release wrote it in format 2, and this one reads up to 1"
    raised: Exception = NewerRecordError(newer)

    def load(_: str) -> None:
        raise raised

    monkeypatch.setattr(world.jobs, "load", load)
    why = f"RestoredTableName: restored is of a newer release: {newer}; deploy that release"
    assert answer(event()).refusal == why
    assert paused(world) == set()

    raised = UnreadableRecordError("the record JOB#1 cannot be read: KeyError")
    assert answer(event()).refusal is None


@pytest.mark.usefixtures("world")
def test_other_resources_of_the_template_are_answered_as_settings() -> None:
    settings = event(kind="Custom::OperatorSettings").model_copy(
        update={
            "resource_properties": {
                "ProviderSettings": "{}",
                "ModelLatencyPriors": "{}",
                "PriceOverrides": "{}",
                "SingleSettings": {},
            }
        }
    )
    assert set(answer(settings).attributes) == {VERSION}
