"""The subtitles of a speech are copied beside its audio, and never cost the speech."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fermata.api.responses.job import Job as ShownJob
from fermata.domain.audio.marks import Part
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.view import Link, WantedAudio
from fermata.errors import AudioTooLargeError, FermataError, LinkTroubleError, TransientError, UnsafeLinkError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.finish.store_subtitles import MOST_BYTES
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.orders.read_jobs import link_to_audio, read_job
from fermata.wiring.generation import settle_ports, start_ports, store_ports
from fermata.wiring.orders import delete_ports, original_ports, read_ports
from tests.fakes.audio.links import FakeAudioLinks
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import JOB_ID, wav_file
from tests.speech import SUBTITLES, speech_job, spoken_answer

AUDIO = wav_file(2)
ENTRIES = json.dumps([{"text": "A canary.", "time_begin": 0.0, "time_end": 900.5}]).encode()
KEY = f"tracks/{JOB_ID}/1.subtitles.json"


def stored(
    tmp_path: Path, file: bytes | FermataError = ENTRIES, *, asked: bool = True, told: str | None = SUBTITLES
) -> World:
    """A world in which a speech was bought and stored."""
    upstream = FakeUpstream(spoken_answer(AUDIO, 20, told))
    world = World(scratch=tmp_path, upstream=upstream, links=FakeAudioLinks({SUBTITLES: file}))
    world.jobs.create(speech_job(subtitles=asked))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    return world


def delivered(world: World) -> Job:
    settle_job(JOB_ID, None, settle_ports(), NOON)
    return world.stored(JOB_ID)


def test_ordered_subtitles_are_copied_at_once_and_shown_with_a_fresh_link(tmp_path: Path) -> None:
    world = stored(tmp_path)
    assert world.tracks.files[KEY] == (ENTRIES, "application/json")
    job = delivered(world)
    assert (job.status, job.tracks[0].subtitles_key) == (JobStatus.SUCCEEDED, KEY)
    shown: Any = ShownJob.of(read_job(JOB_ID, "acme", read_ports(), NOON), "https://api.test").as_json()
    url = shown["tracks"][0]["subtitles_url"]
    assert url.startswith(f"https://audio.test/{KEY}?")
    assert f"{JOB_ID}-1.subtitles.json" in url
    link = link_to_audio(JOB_ID, WantedAudio("acme"), original_ports(), NOON)
    assert isinstance(link, Link)
    assert (link.subtitles_url, link.expires_at) == (url, NOON + timedelta(seconds=read_ports().link_ttl_s))


def test_subtitles_are_copied_as_webvtt_as_well_and_shown_with_a_link_of_their_own(tmp_path: Path) -> None:
    world = stored(tmp_path)
    cues = b"WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nA canary.\n"
    assert world.tracks.files[f"tracks/{JOB_ID}/1.subtitles.vtt"] == (cues, "text/vtt")
    delivered(world)
    shown: Any = ShownJob.of(read_job(JOB_ID, "acme", read_ports(), NOON), "https://api.test").as_json()
    url = shown["tracks"][0]["subtitles_vtt_url"]
    assert url.startswith(f"https://audio.test/tracks/{JOB_ID}/1.subtitles.vtt?")
    assert f"{JOB_ID}-1.subtitles.vtt" in url


@pytest.mark.parametrize("entry", [{}, {"text": "x"}, {"text": "x", "time_begin": 2, "time_end": 1}, "x", None])
def test_subtitles_that_make_no_cues_are_copied_without_webvtt(tmp_path: Path, entry: object) -> None:
    track = delivered(stored(tmp_path, json.dumps([entry]).encode())).tracks[0]
    assert (track.subtitles_key, track.webvtt_key) == (KEY, None)


def test_the_provider_is_asked_for_subtitles_only_where_the_order_asks(tmp_path: Path) -> None:
    world = stored(tmp_path, asked=False)
    assert "subtitle_enable" not in (world.upstream.sent[0].call.body or {})
    assert (world.links.fetched, world.stored(JOB_ID).tracks[0].subtitles_key) == ([], None)


def test_an_answer_without_subtitles_is_delivered_without_them(tmp_path: Path) -> None:
    world = stored(tmp_path, told=None)
    assert (world.upstream.sent[0].call.body or {})["subtitle_enable"] is True
    assert delivered(world).tracks[0].subtitles_key is None


@pytest.mark.parametrize(
    "file",
    [
        LinkTroubleError("cdn answered 403", 403),
        UnsafeLinkError("a private address"),
        AudioTooLargeError("far too large"),
        TransientError("no answer"),
        b"<html></html>",
        b"",
        b'{"text": "no list"}',
        b"[" * 100_000,
        b"[" + b'"x",' * (MOST_BYTES // 4) + b'"x"]',
    ],
)
def test_subtitles_that_cannot_be_copied_never_fail_the_job(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, file: bytes | FermataError
) -> None:
    with caplog.at_level(logging.WARNING):
        world = stored(tmp_path, file)
    job = delivered(world)
    assert (job.status, job.tracks[0].subtitles_key, job.charged.value) == (JobStatus.SUCCEEDED, None, "yes")
    assert KEY not in world.tracks.files
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("failing", "kept"), [("application/json", (None, None)), ("text/vtt", (KEY, None))])
def test_a_song_store_that_fails_for_the_subtitles_costs_only_them(
    tmp_path: Path, failing: str, kept: tuple[str | None, str | None]
) -> None:
    upstream = FakeUpstream(spoken_answer(AUDIO, 20, SUBTITLES))
    world = World(scratch=tmp_path, upstream=upstream, links=FakeAudioLinks({SUBTITLES: ENTRIES}))
    world.jobs.create(speech_job(subtitles=True))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    put = world.tracks.put

    def put_audio(object_key: str, path: Path, content_type: str, sha256: str, parts: Sequence[Part] = ()) -> None:
        if content_type == failing:
            raise TransientError("the store does not answer")
        put(object_key, path, content_type, sha256, parts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.tracks, "put", put_audio)
        store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
    track = delivered(world).tracks[0]
    assert (track.subtitles_key, track.webvtt_key) == kept


def test_a_deleted_job_leaves_no_subtitles(tmp_path: Path) -> None:
    world = stored(tmp_path)
    delivered(world)
    delete_job(JOB_ID, "acme", delete_ports(), NOON)
    assert world.tracks.files == {}
