"""The operator sees what was paid for, not delivered and can be redelivered, with what it cost."""

from datetime import timedelta
from typing import Any

import pytest

from fermata.domain.finish.rescue import KEPT_FOR
from fermata.domain.orders.job_id import new_job_id
from fermata.errors import BadAudioError, InvalidRequestError, LinkTroubleError
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.redeliver import redeliver
from fermata.wiring.generation import rescue_ports, settle_ports
from fermata.wiring.operator import manage_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import LINK, generating_job, ready_job
from tests.unit.use_cases.generation.finish.test_rescue_audio import AUDIO, DONE, TASK_LINK

PROVIDERS = ("minimax", "minimax", "aimlapi", "minimax", "aimlapi")


def failed(world: World, minute: int, provider: str = "minimax") -> str:
    """A job of this minute whose song was paid for and not delivered."""
    at = NOON + timedelta(minutes=minute)
    job = ready_job(LINK) if provider == "minimax" else generating_job()
    attempt = job.attempts[0].model_copy(update={"cost_micro_usd": 150_000})
    job = job.model_copy(update={"id": new_job_id(at, bytes([minute] * 10)), "attempts": (attempt,)})
    world.jobs.create(job)
    settle_job(job.id, None, settle_ports(), at)
    return job.id


def listed(world: World, **asked: object) -> dict[str, Any]:
    command = {"action": "list_recoverable", **asked}
    return dict(manage_tenants(command, manage_ports(), world.clock(), b""))


def ids(answer: dict[str, Any]) -> list[str]:
    return [entry["job_id"] for entry in answer["recoverable"]]


def test_an_entry_says_whose_song_it_is_what_it_cost_and_how_far_it_is() -> None:
    world = World()
    job_id = failed(world, 0)
    entry: dict[str, Any] = {
        "job_id": job_id,
        "attempt": 1,
        "tenant_id": "acme",
        "model": "minimax/music-2.5",
        "provider": "minimax",
        "status": "failed",
        "ended_at": "2026-11-21T12:00:00.000Z",
        "songs_kept": [],
        "songs_unreadable": [],
        "songs_still_fetched": [1],
        "cost_usd": "0.150000",
        "kept_until": "2026-12-21T12:00:00.000Z",
    }
    totals = {"jobs": 1, "songs_kept": 0, "songs_still_fetched": 1, "cost_usd": "0.150000"}
    assert listed(world) == {"recoverable": [entry], "totals": totals, "next_cursor": None}
    world.links.files = {LINK: AUDIO}
    rescue_audio(job_id, rescue_ports(world.remaining_ms))
    kept = {**entry, "songs_kept": [1], "songs_still_fetched": []}
    assert listed(world)["recoverable"] == [kept]


def test_a_file_that_cannot_be_measured_is_listed_as_such() -> None:
    world = World()
    job_id = failed(world, 0)
    world.links.files, world.meter.failure = {LINK: AUDIO}, BadAudioError("no song")
    rescue_audio(job_id, rescue_ports(world.remaining_ms))
    (entry,) = listed(world)["recoverable"]
    assert (entry["songs_kept"], entry["songs_unreadable"], entry["songs_still_fetched"]) == ([], [1], [1])


def test_a_redelivered_job_leaves_the_list() -> None:
    world = World()
    first, second = failed(world, 0), failed(world, 1)
    redeliver(first, manage_ports().redeliver, NOON)
    assert ids(listed(world)) == [second]


def test_a_song_that_is_given_up_leaves_the_list() -> None:
    world = World()
    job_id = failed(world, 0)
    world.links.files = {LINK: LinkTroubleError("404", 404)}
    world.clock.pass_seconds(86_400)
    rescue_audio(job_id, rescue_ports(world.remaining_ms))
    assert listed(world)["recoverable"] == []


def test_a_song_that_the_bucket_deleted_leaves_the_list() -> None:
    world = World()
    failed(world, 0)
    world.clock.now = NOON + KEPT_FOR
    assert listed(world)["recoverable"] == []


def test_pages_lead_through_all_providers_once() -> None:
    world = World(upstream=FakeUpstream(DONE))
    made = [failed(world, minute, provider) for minute, provider in enumerate(PROVIDERS)]
    found: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = listed(world, limit=2, **({"cursor": cursor} if cursor else {}))
        found, cursor, pages = [*found, *ids(page)], page["next_cursor"], pages + 1
        assert pages <= 4
    assert found == [made[0], made[1], made[3], made[2], made[4]]
    world.links.files = {TASK_LINK: AUDIO}
    assert ids(listed(world, provider="aimlapi")) == [made[2], made[4]]


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"provider": "nobody"}, "/provider"),
        ({"limit": 0}, "/limit"),
        ({"limit": 51}, "/limit"),
        ({"limit": "1"}, "/limit"),
        ({"cursor": "nonsense"}, "/cursor"),
        ({"cursor": "x" * 501}, "/cursor"),
        ({"further": 1}, "/further"),
    ],
)
def test_a_malformed_query_is_refused(asked: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidRequestError, match=place):
        listed(World(), **asked)


def test_a_cursor_of_another_providers_list_is_refused() -> None:
    world = World()
    failed(world, 0)
    failed(world, 1)
    cursor = listed(world, limit=1)["next_cursor"]
    with pytest.raises(InvalidRequestError, match="/cursor"):
        listed(world, provider="aimlapi", cursor=cursor)
