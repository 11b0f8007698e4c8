"""A delivered job's songs are measured beside it: the job never changes, and a deleted one leaves nothing."""

import logging
from pathlib import Path
from typing import Any

import pytest

from fermata.api.responses.job import Job as ShownJob
from fermata.domain.audio.sound import Unmeasured, peaks_key
from fermata.domain.jobs.view import JobView
from fermata.domain.lists.job_list import JobList
from fermata.domain.lists.page import PageRequest
from fermata.domain.web.entity_tag import entity_tag
from fermata.errors import TransientError
from fermata.ports.sound import Sound
from fermata.use_cases.generation.finish.measure_tracks import STORING_TAKES_S, measure_tracks
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.orders.list_jobs import list_jobs
from fermata.use_cases.orders.read_jobs import read_job
from fermata.wiring.generation import measure_ports
from fermata.wiring.orders import delete_ports, list_ports, read_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.records import advanced_to
from tests.fakes.world import World
from tests.songs import JOB_ID, delivered_job, queued_job, stored_track

TRACKS = (stored_track(1), stored_track(2))
PEAKS = peaks_key(TRACKS[0].object_key)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A world with a delivered job of two songs."""
    world = World(scratch=tmp_path)
    advanced_to(delivered_job().model_copy(update={"tracks": TRACKS}), world.jobs)
    for track in TRACKS:
        world.tracks.files[track.object_key] = (b"ID3", track.content_type)
    return world


def measure(world: World) -> list[tuple[int, float | None, Unmeasured | None]]:
    sounds = measure_tracks(JOB_ID, measure_ports(world.remaining_ms))
    return [(sound.number, sound.loudness_lufs, sound.unmeasured) for sound in sounds]


def delete() -> None:
    delete_job(JOB_ID, "acme", delete_ports(), NOON)


def shown(view: JobView) -> Any:  # noqa: ANN401 - an answer
    return ShownJob.of(view, "https://api.test").as_json()


def test_measured_tracks_are_shown_with_a_fresh_link_and_the_job_stays_as_it_is(world: World) -> None:
    before, row = shown(read_job(JOB_ID, "acme", read_ports(), NOON)), world.jobs.rows[JOB_ID]
    assert [before["tracks"][0][name] for name in ("peaks_url", "loudness_lufs", "true_peak_dbtp")] == [None] * 3
    assert measure(world) == [(1, -14.02, None), (2, -14.02, None)]
    assert world.tracks.files[PEAKS] == (b"{}", "application/json")
    assert world.jobs.rows[JOB_ID] == row
    after = shown(read_job(JOB_ID, "acme", read_ports(), NOON))
    for track in after["tracks"]:
        assert track["peaks_url"].startswith(f"https://audio.test/{peaks_key(TRACKS[track['number'] - 1].object_key)}?")
        assert f"{JOB_ID}-{track['number']}.peaks.json" in track["peaks_url"]
        assert (track["loudness_lufs"], track["true_peak_dbtp"]) == (-14.02, -1.5)
    assert entity_tag(before, 900, NOON) != entity_tag(after, 900, NOON)
    listed = list_jobs(PageRequest(JobList("acme"), 10), list_ports(), NOON).jobs
    assert shown(listed[0])["tracks"] == after["tracks"]


def test_what_was_measured_is_not_measured_again(world: World) -> None:
    first = measure(world)
    assert measure(world) == first
    assert len(world.sound_meter.given_s) == len(TRACKS)


def test_the_time_of_a_run_is_shared_by_its_tracks(world: World) -> None:
    world.remaining_s = 330
    measure(world)
    assert world.sound_meter.given_s == [(330 - STORING_TAKES_S) / 2, 330 - STORING_TAKES_S]


def test_a_song_that_cannot_be_measured_stays_null_and_is_counted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.sound_meter.found = Unmeasured.CUT
    del world.tracks.files[TRACKS[1].object_key]
    with caplog.at_level(logging.WARNING):
        assert measure(world) == [(1, None, Unmeasured.CUT), (2, None, Unmeasured.GONE)]
    assert [getattr(record, "reason", None) for record in caplog.records] == ["cut", "gone"]
    assert world.metrics.counted == [("TracksNotMeasured", None)] * 2
    track = shown(read_job(JOB_ID, "acme", read_ports(), NOON))["tracks"][0]
    assert [track[name] for name in ("peaks_url", "loudness_lufs", "true_peak_dbtp")] == [None] * 3
    assert PEAKS not in world.tracks.files


def test_silence_has_a_waveform_and_no_loudness(world: World) -> None:
    world.sound_meter.found = Sound(b"{}", None, None)
    assert measure(world) == [(1, None, None), (2, None, None)]
    assert shown(read_job(JOB_ID, "acme", read_ports(), NOON))["tracks"][0]["peaks_url"] is not None


def test_a_job_without_a_delivered_song_has_nothing_to_measure() -> None:
    world = World()
    world.jobs.create(queued_job())
    assert measure(world) == []
    assert world.jobs.sounds == {}


@pytest.mark.parametrize("when", ["before", "while a waveform is stored", "while the loudness is stored", "after"])
def test_a_job_that_is_deleted_at_any_moment_leaves_nothing(world: World, when: str) -> None:
    if when == "before":
        delete()
    world.sound_files.before_next_put = delete if when == "while a waveform is stored" else None
    world.jobs.before_next_sounds = delete if when == "while the loudness is stored" else None
    assert bool(measure(world)) == (when == "after")
    if when == "after":
        delete()
    assert world.tracks.files == {}
    assert world.jobs.sounds == {}


def test_a_run_that_ends_between_a_deletion_and_its_check_leaves_nothing_once_it_runs_again(world: World) -> None:
    world.sound_files.before_next_put = delete
    world.sound_files.fail_next_put = TransientError("the answer was lost")
    with pytest.raises(TransientError):
        measure(world)
    assert list(world.tracks.files) == [PEAKS]
    assert measure(world) == []
    assert world.tracks.files == {}


def test_a_run_that_ends_in_between_runs_again_whole(world: World) -> None:
    world.sound_files.fail_next_put = TransientError("the answer was lost")
    with pytest.raises(TransientError):
        measure(world)
    assert [number for number, _, _ in measure(world)] == [1, 2]
