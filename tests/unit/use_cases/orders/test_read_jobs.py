"""A tenant sees its own jobs, with links minted now; everything else is not there."""

from datetime import timedelta

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.view import JobView, Link, WantedAudio
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.spending import Booking
from fermata.domain.providers.state import ProviderState
from fermata.errors import NotFoundError
from fermata.use_cases.orders.read_jobs import find_job, link_to_audio, list_models, show_job
from fermata.wiring.orders import original_ports, read_ports
from tests.fakes.clock import NOON
from tests.fakes.settings import budget
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
    suno_job,
)


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


def test_a_tenant_finds_its_job() -> None:
    world = world_of(queued_job())
    assert find_job(JOB_ID, "acme", world.jobs) == queued_job()


@pytest.mark.parametrize(
    ("job_id", "tenant_id"),
    [
        pytest.param(JOB_ID, "other", id="another_tenants"),
        pytest.param("job_01JD0ABCDEFGHJKMNPQRSTVWXZ", "acme", id="unknown"),
        pytest.param("job_", "acme", id="no_id"),
        pytest.param("../../etc/passwd", "acme", id="a_path"),
        pytest.param(JOB_ID + "\n", "acme", id="a_line_more"),
    ],
)
def test_another_tenants_job_looks_like_an_unknown_one(job_id: str, tenant_id: str) -> None:
    world = world_of(queued_job())
    unknown = "there is no such job; expected the id of a job that was submitted with this tenant's key"
    with pytest.raises(NotFoundError) as caught:
        find_job(job_id, tenant_id, world.jobs)
    assert str(caught.value) == unknown


def test_the_audio_of_another_tenant_is_not_there() -> None:
    world_of(delivered_job())
    with pytest.raises(NotFoundError):
        link_to_audio(JOB_ID, WantedAudio("other", 1), original_ports(), NOON)


def told_instead(found: Link | JobView) -> Job:
    assert isinstance(found, JobView)
    return found.job


def test_every_reading_mints_a_link_that_works_from_now() -> None:
    world = world_of(delivered_job())
    later = NOON + timedelta(days=3)
    view = show_job(world.stored(JOB_ID), read_ports(), later)
    (link,) = view.links.values()
    assert (link.expires_at, view.link_ttl_s) == (later + timedelta(seconds=900), 900)
    assert "ttl=900" in link.url


def test_a_song_that_is_stored_but_not_settled_has_no_link_yet() -> None:
    job = ready_job().with_tracks((stored_track(),), NOON)
    world_of(job)
    assert show_job(job, read_ports(), NOON).links == {}
    assert told_instead(link_to_audio(JOB_ID, WantedAudio("acme", 1), original_ports(), NOON)) == job


def test_the_audio_of_a_delivered_job_is_a_link() -> None:
    world_of(delivered_job())
    link = link_to_audio(JOB_ID, WantedAudio("acme", 1), original_ports(), NOON)
    assert isinstance(link, Link)
    assert link.expires_at == NOON + timedelta(seconds=900)


@pytest.mark.parametrize("job", [queued_job(), failed_job(rate_limited()).settled(rate_limited(), NOON)])
def test_a_job_without_a_song_is_answered_itself(job: Job) -> None:
    world_of(job)
    assert told_instead(link_to_audio(JOB_ID, WantedAudio("acme", 1), original_ports(), NOON)) == job


@pytest.mark.parametrize(("stored", "first"), [((1, 2), 1), ((2,), 2), ((2, 3), 2)])
def test_audio_without_a_number_is_the_first_song_that_is_there(stored: tuple[int, ...], first: int) -> None:
    world_of(suno_job(*stored, made=3).settled(None, NOON))
    link = link_to_audio(JOB_ID, WantedAudio("acme"), original_ports(), NOON)
    assert isinstance(link, Link)
    assert f"/{first}.mp3" in link.url


def test_audio_without_a_number_is_the_job_itself_where_there_is_no_song() -> None:
    job = generating_job()
    world_of(job)
    assert told_instead(link_to_audio(JOB_ID, WantedAudio("acme"), original_ports(), NOON)) == job


def test_a_second_track_is_not_there() -> None:
    job = delivered_job()
    world_of(job)
    assert told_instead(link_to_audio(JOB_ID, WantedAudio("acme", 2), original_ports(), NOON)) == job


@pytest.mark.parametrize(("title", "name"), [("Rain", "Rain-1.mp3"), (None, f"{JOB_ID}-1.mp3")])
def test_a_download_is_named_after_the_title_or_the_job(title: str | None, name: str) -> None:
    world_of(delivered_job(request=song_request(title=title)))
    link = link_to_audio(JOB_ID, WantedAudio("acme", 1), original_ports(), NOON)
    assert isinstance(link, Link)
    assert f'?as=attachment; filename="{name}"&' in link.url


def test_a_model_is_available_unless_its_provider_is_disabled_or_its_circuit_is_open() -> None:
    world = World()
    circuits = {
        "minimax": Circuit(open_until_ms=epoch_ms(NOON) + 1, open_for_ms=1),
        "skillboss": Circuit(disabled_at_ms=1),
        "apiinone": Circuit(open_until_ms=epoch_ms(NOON), open_for_ms=1),
    }
    for provider, circuit in circuits.items():
        world.provider_states.save(ProviderState(provider=provider, version=1, circuit=circuit))
    available = {view.model.provider: view.is_available for view in list_models(read_ports(), NOON)}
    assert available == {"minimax": False, "skillboss": False, "apiinone": True, "aimlapi": True}


def test_a_model_outside_the_plan_is_not_available_and_the_others_are() -> None:
    world = World()
    unentitled = Circuit().without_model("music-2.5", "2061")
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=unentitled))
    views = list_models(read_ports(), NOON)
    assert [view.model.id for view in views if not view.is_available] == ["minimax/music-2.5"]


def available_models() -> set[str]:
    return {view.model.id for view in list_models(read_ports(), NOON) if view.is_available}


def test_a_model_is_not_available_while_its_provider_is_paused() -> None:
    world = World()
    world.brakes.pause("minimax", NOON)
    assert {model.partition("/")[0] for model in available_models()} == {"skillboss", "apiinone", "aimlapi"}
    world.brakes.pause("all", NOON)
    assert available_models() == set()


def test_a_model_is_available_while_the_days_budget_covers_one_of_its_songs() -> None:
    world = World(operator=budget("minimax", "0.2"))
    world.brakes.book(Booking("minimax", NOON.date(), 100_000))
    assert {"minimax/music-1.5", "minimax/music-2.0"} <= available_models()
    assert "minimax/music-2.5" not in available_models()
    world.brakes.book(Booking("minimax", NOON.date(), 100_000))
    assert not any(model.startswith("minimax/") for model in available_models())
