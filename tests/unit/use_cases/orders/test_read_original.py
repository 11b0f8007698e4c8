"""A caller gets a marked song as its provider sent it, for 30 days, and no longer than the job is there."""

from datetime import datetime, timedelta

import pytest

from fermata.domain.audio.marks import Edit, Mark
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.view import JobView, Link, WantedAudio
from fermata.errors import NotFoundError
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.orders.read_jobs import ORIGINAL_KEPT_FOR, link_to_audio
from fermata.wiring.orders import delete_ports, original_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import JOB_ID, queued_job, ready_job, stored_track

MARKS: dict[str, object] = {"marks": (Mark.TAGS,), "source_sha256": "cd" * 32, "edits": (Edit(at=0, length=9),)}
LATER = NOON + timedelta(seconds=900)


def delivered(**changes: object) -> Job:
    return ready_job().with_tracks((stored_track().model_copy(update=changes),), NOON).settled(None, NOON)


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


def ask(number: int | None = None, now: datetime = NOON, tenant_id: str = "acme") -> Link | JobView:
    return link_to_audio(JOB_ID, WantedAudio(tenant_id, number, as_sent=True), original_ports(), now)


@pytest.mark.parametrize("number", [None, 1])
def test_the_file_of_a_marked_song_is_restored_and_linked_under_a_name_of_its_own(number: int | None) -> None:
    world = world_of(delivered(**MARKS))
    found = ask(number)
    assert isinstance(found, Link)
    assert found.expires_at == LATER
    assert found.url.startswith(f"https://audio.test/originals/tracks/{JOB_ID}/1.mp3")
    assert "-1.original.mp3" in found.url
    assert world.originals.restored == {f"tracks/{JOB_ID}/1.mp3"}


def test_a_song_that_was_stored_as_it_came_is_its_own_original() -> None:
    world = world_of(delivered())
    found = ask()
    assert isinstance(found, Link)
    assert found.url.startswith(f"https://audio.test/tracks/{JOB_ID}/1.mp3")
    assert world.originals.restored == set()


def test_an_open_job_and_an_unknown_track_have_no_original_yet() -> None:
    world = world_of(queued_job())
    assert isinstance(ask(), JobView)
    world.leave()
    with world_of(delivered(**MARKS)):
        assert isinstance(ask(2), JobView)


@pytest.mark.parametrize(
    ("changes", "last_day"),
    [({}, ORIGINAL_KEPT_FOR), ({"expires_at": NOON + timedelta(days=7)}, timedelta(days=7))],
    ids=["thirty_days", "no_longer_than_the_song"],
)
def test_an_original_is_kept_thirty_days_and_no_longer_than_its_song(
    changes: dict[str, object], last_day: timedelta
) -> None:
    world = world_of(delivered(**{**MARKS, **changes}))
    assert isinstance(ask(now=NOON + last_day - timedelta(seconds=1)), Link)
    world.originals.restored.clear()
    with pytest.raises(NotFoundError, match="was kept until 2026-1"):
        ask(now=NOON + last_day)
    assert world.originals.restored == set()


def test_another_tenant_gets_no_original_and_none_is_restored() -> None:
    world = world_of(delivered(**MARKS))
    with pytest.raises(NotFoundError):
        ask(tenant_id="other")
    assert world.originals.restored == set()


def test_a_deletion_removes_the_restored_file() -> None:
    world = world_of(delivered(**MARKS))
    ask()
    delete_job(JOB_ID, "acme", delete_ports(), NOON)
    assert world.originals.restored == set()
    with pytest.raises(NotFoundError):
        ask()


def test_a_job_that_is_deleted_while_its_file_is_restored_leaves_none() -> None:
    world = world_of(delivered(**MARKS))
    world.originals.during_restore = lambda: delete_job(JOB_ID, "acme", delete_ports(), NOON)
    with pytest.raises(NotFoundError, match="there is no such job"):
        ask()
    assert world.originals.restored == set()
