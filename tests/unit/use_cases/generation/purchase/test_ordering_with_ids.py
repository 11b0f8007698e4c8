"""A song in a known voice is ordered with the provider's ids, under the key of the account that has them."""

from pathlib import Path

import pytest

from fermata.domain.jobs.next_step import NextStep, StepKind
from fermata.domain.orders.references import ProviderIds
from fermata.domain.providers.calls import OrderedReference
from fermata.errors import TransientError
from fermata.use_cases.generation.purchase.prepare_reference import prepare_reference
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import prepare_ports, start_ports
from tests.fakes.providers.provider_keys import FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.references import (
    AUDIO_URL,
    REGISTERED_CANDIDATE,
    ScriptedTaker,
    catalogue,
    job_with,
    known_as,
    listening,
)
from tests.songs import JOB_ID, hex_answer, json_answer

BOTH: dict[str, object] = {"voice_id": "vocal-1", "instrumental_id": "instrumental-1"}
SONG = hex_answer(b"ID3" + bytes(2000))
IDS = json_answer({"voice_id": "vocal-1", "instrumental_id": "instrumental-1"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(scratch=tmp_path, catalogue=catalogue(), takers=lambda _dialect: ScriptedTaker())
    world.keys = FixedProviderKeys({"aimlapi": {"new": "new key", "old": "old key"}})
    world.upstream = FakeUpstream(SONG)
    return world


def started(world: World, ids: ProviderIds) -> NextStep:
    world.jobs.create(job_with(BOTH, REGISTERED_CANDIDATE.with_ids(ids)))
    return start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")


@pytest.mark.parametrize(("alias", "ordered_under"), [("old", "old"), ("new", "new"), ("", "new")])
def test_the_order_has_the_ids_and_the_key_of_their_account(world: World, alias: str, ordered_under: str) -> None:
    provider, world.providers = listening()
    assert started(world, known_as(alias=alias)).kind is StepKind.READY
    assert provider.references == [OrderedReference(voice_id="vocal-1", instrumental_id="instrumental-1")]
    (sent,) = world.upstream.sent
    assert sent.key == f"{ordered_under} key"
    assert [attempt.key_alias for attempt in world.stored(JOB_ID).attempts] == [ordered_under]


def test_ids_of_an_account_whose_key_was_removed_end_the_job_unpaid_without_a_call(world: World) -> None:
    assert started(world, known_as(alias="removed")).kind is StepKind.FAILED
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.code, attempt.provider_charged.value, world.upstream.sent) == ("no_key", "no", [])


def prepare(world: World) -> NextStep:
    world.upstream = FakeUpstream(IDS)
    return prepare_reference(JOB_ID, 0, prepare_ports(), "run-1")


def test_the_ids_of_an_upload_are_remembered_for_the_tenant_under_the_key_that_made_them(world: World) -> None:
    world.reference_links.files[AUDIO_URL] = b"ID3" + bytes(3000)
    world.jobs.create(job_with(None, REGISTERED_CANDIDATE))
    prepare(world)
    assert world.reference_ids.aliases == {}
    prepare(world)
    assert world.reference_ids.aliases == {
        ("acme", "aimlapi", "voice_id", "vocal-1"): "new",
        ("acme", "aimlapi", "instrumental_id", "instrumental-1"): "new",
    }
    assert world.stored(JOB_ID).ids == known_as(alias="new")


def test_a_job_shows_no_ids_that_were_not_remembered(world: World) -> None:
    world.reference_links.files[AUDIO_URL] = b"ID3" + bytes(3000)
    world.jobs.create(job_with(None, REGISTERED_CANDIDATE))
    prepare(world)
    world.reference_ids.fail_next = TransientError("the table is away")
    with pytest.raises(TransientError):
        prepare(world)
    assert (world.stored(JOB_ID).ids, world.reference_ids.aliases) == (None, {})
    prepare(world)
    assert world.stored(JOB_ID).ids == known_as(alias="new")
