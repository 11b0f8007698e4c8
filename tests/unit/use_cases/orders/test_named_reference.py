"""An order names the provider's ids of a recording that an earlier job of the same tenant handed over."""

from typing import Any

import pytest

from fermata.api.responses.job import Job as JobBody
from fermata.domain.catalogue.models import Catalogue
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.view import JobView
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.references import ProviderIds
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import InvalidRequestError, TransientError
from fermata.use_cases.orders.submit_job import quote_job, submit_job
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.references import (
    AUDIO_URL,
    IDS_RULE,
    LINKED,
    REGISTERED,
    REGISTERED_CANDIDATE,
    SILENT,
    body,
    catalogue,
    job_with,
    prepared,
)
from tests.references import known_as as ids
from tests.songs import order

BOTH = {"voice_id": "vocal-1", "instrumental_id": "instrumental-1"}
SAME, STRANGER = "house/same", "house/stranger"
"""Two more models that take ids: one of the same provider, one of another."""


def with_more_models() -> Catalogue:
    house = catalogue()
    registered = house.find(REGISTERED)
    assert registered is not None
    more = (
        registered.model_copy(update={"id": SAME}),
        registered.model_copy(update={"id": STRANGER, "provider": "skillboss"}),
    )
    return house.model_copy(update={"models": (*house.models, *more)})


@pytest.fixture
def world() -> World:
    world = World(catalogue=with_more_models())
    world.reference_ids.remember("acme", ids(alias="2026-11"))
    return world


def _whole(reference: dict[str, Any], fields: dict[str, object]) -> dict[str, Any]:
    return {"model": REGISTERED, "reference": reference, **fields}


def ordered(world: World, reference: dict[str, Any], tenant_id: str = "acme", **fields: object) -> Job:
    asked = order(body(**_whole(reference, fields)), tenant_id=tenant_id)
    return world.stored(submit_job(asked, submit_ports(), NOON, bytes(10)).job_id)


def refusal(world: World, reference: dict[str, Any], tenant_id: str = "acme", **fields: object) -> dict[str, str]:
    asked = body(**_whole(reference, fields))
    with pytest.raises(InvalidRequestError) as quoted:
        quote_job(asked, tenant_id, submit_ports(), NOON)
    with pytest.raises(InvalidRequestError) as refused:
        ordered(world, reference, tenant_id, **fields)
    assert quoted.value.fields == refused.value.fields
    assert (len(world.jobs), world.machine.started) == (0, [])
    return {field.pointer: field.message for field in refused.value.fields}


def allow_foreign_ids(world: World, tenant_id: str = "acme") -> None:
    world.wallets.set_plan(tenant_id, Plan.PREPAID, None, PlanLimits(foreign_reference_ids=True))


@pytest.mark.parametrize("named", [BOTH, {"voice_id": "vocal-1"}, {"instrumental_id": "instrumental-1"}], ids=len)
def test_ids_that_an_upload_of_the_tenant_made_are_ordered_under_the_key_of_their_account(
    world: World, named: dict[str, str]
) -> None:
    job = ordered(world, named)
    assert job.ids == ProviderIds(provider="aimlapi", key_alias="2026-11", **named)
    assert (job.awaits_copy, job.awaits_reference, job.reference) == (False, False, None)


def test_ids_are_refused_where_no_upload_of_the_tenant_made_them(world: World) -> None:
    found = refusal(world, {"voice_id": "vocal-2"})
    assert list(found) == ["/reference/voice_id"]
    assert "no id that an upload of yours made" in found["/reference/voice_id"]
    assert list(refusal(world, {**BOTH, "instrumental_id": "other"})) == ["/reference/instrumental_id"]
    assert list(refusal(world, {"voice_id": "a", "instrumental_id": "b"})) == [
        "/reference/voice_id",
        "/reference/instrumental_id",
    ]


def test_another_tenants_ids_are_refused_like_ids_that_nobody_has(world: World) -> None:
    assert refusal(world, {"voice_id": "vocal-1"}, "other") == refusal(world, {"voice_id": "no-such-id"}, "other")


def test_a_voice_is_no_instrumental(world: World) -> None:
    assert list(refusal(world, {"instrumental_id": "vocal-1"})) == ["/reference/instrumental_id"]


def test_a_plan_may_allow_foreign_ids_which_are_ordered_under_the_current_key(world: World) -> None:
    allow_foreign_ids(world, "other")
    assert ordered(world, {"voice_id": "vocal-1"}, "other").ids == ProviderIds(
        provider="aimlapi", key_alias="", voice_id="vocal-1"
    )


def test_a_foreign_id_beside_an_own_one_is_ordered_under_the_own_ones_key(world: World) -> None:
    allow_foreign_ids(world)
    assert ordered(world, {**BOTH, "instrumental_id": "foreign"}).ids == ProviderIds(
        provider="aimlapi", key_alias="2026-11", voice_id="vocal-1", instrumental_id="foreign"
    )


def test_ids_of_two_accounts_cannot_be_ordered_together(world: World) -> None:
    world.reference_ids.remember("acme", ids("", "instrumental-2", alias="default"))
    found = refusal(world, {**BOTH, "instrumental_id": "instrumental-2"})
    assert list(found) == ["/reference/instrumental_id"]
    assert "another account" in found["/reference/instrumental_id"]


@pytest.mark.parametrize("other", [{"audio_url": AUDIO_URL}, {"id": "ref_01M7YZMHG00000000000000000"}])
def test_ids_beside_a_recording_are_refused(world: World, other: dict[str, str]) -> None:
    found = refusal(world, {"voice_id": "vocal-1", **other})
    assert list(found) == ["/reference"]
    assert "exactly one of audio_url, id" in found["/reference"]


def test_a_purpose_beside_ids_is_refused(world: World) -> None:
    assert list(refusal(world, {**BOTH, "purpose": "voice"})) == ["/reference/purpose"]


@pytest.mark.parametrize(("model", "pointer"), [(LINKED, "/reference/voice_id"), (SILENT, "/reference")])
def test_a_model_that_takes_no_ids_refuses_them(world: World, model: str, pointer: str) -> None:
    assert list(refusal(world, {"voice_id": "vocal-1"}, model=model)) == [pointer]


@pytest.mark.parametrize("fallback", [LINKED, SILENT, STRANGER])
def test_a_named_fallback_that_does_not_know_the_ids_is_refused(world: World, fallback: str) -> None:
    assert list(refusal(world, BOTH, fallbacks=[SAME, fallback])) == ["/fallbacks/1"]


def test_default_fallbacks_that_do_not_know_the_ids_are_left_out(world: World) -> None:
    world.set(DEFAULT_FALLBACKS=f'{{"{REGISTERED}": ["{LINKED}", "{STRANGER}", "{SAME}"]}}')
    job = ordered(world, BOTH)
    assert [(each.model, each.ids == job.ids, each.reference) for each in job.candidates] == [
        (REGISTERED, True, None),
        (SAME, True, None),
    ]


def test_a_recording_still_goes_to_every_fallback(world: World) -> None:
    world.references.files["references/acme/ref_01M7YZMHG00000000000000000"] = b"ID3"
    job = ordered(world, {"id": "ref_01M7YZMHG00000000000000000"}, fallbacks=[LINKED, STRANGER])
    assert [(each.model, each.ids) for each in job.candidates] == [(REGISTERED, None), (LINKED, None), (STRANGER, None)]
    assert job.candidates[0].reference == IDS_RULE


def test_an_order_whose_ids_cannot_be_looked_up_stores_nothing(world: World) -> None:
    world.reference_ids.fail_next = TransientError("the table is away")
    with pytest.raises(TransientError):
        ordered(world, BOTH)
    assert len(world.jobs) == 0


def test_a_job_shows_the_ids_that_its_upload_made() -> None:
    job = job_with(None, REGISTERED_CANDIDATE)

    def shown(changed: Job) -> object:
        return JobBody.of(JobView(changed), "https://api").as_json()["reference"]

    assert shown(job) is None
    assert shown(job.model_copy(update={"reference": prepared()})) is None
    assert shown(job.model_copy(update={"reference": prepared(ids())})) == BOTH
    assert shown(job.model_copy(update={"reference": prepared(ids("vocal-1", ""))})) == {
        "voice_id": "vocal-1",
        "instrumental_id": None,
    }


def test_a_deleted_job_forgets_the_ids_that_it_named_and_they_stay_usable(world: World) -> None:
    job = ordered(world, BOTH)
    gone = tombstone_of(job.canceled(NOON), NOON)
    assert "vocal-1" not in gone.model_dump_json()
    assert gone.price_credits == job.price_credits
    assert ordered_again(world).ids == job.ids


def ordered_again(world: World) -> Job:
    asked = order(body(model=REGISTERED, reference=BOTH))
    return world.stored(submit_job(asked, submit_ports(), NOON, bytes(range(10))).job_id)


def test_auto_takes_models_of_the_provider_that_knows_the_ids(world: World) -> None:
    house = world.catalogue
    stranger = house.find(STRANGER)
    assert stranger is not None
    cheaper = stranger.model_copy(update={"price_credits": 0})
    world.catalogue = house.model_copy(
        update={"models": tuple(cheaper if model.id == STRANGER else model for model in house.models)}
    )
    job = ordered(world, BOTH, model="auto")
    assert [each.model for each in job.candidates] == sorted([REGISTERED, SAME])
    assert {each.ids for each in job.candidates} == {ids(alias="2026-11")}


def test_auto_with_ids_that_nobody_knows_is_refused_for_each_model(world: World) -> None:
    refused = refusal(world, {"voice_id": "vocal-9"}, model="auto")
    assert list(refused) == ["/model"]
