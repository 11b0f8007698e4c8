"""From a paid result to a file of ours, as often as it takes and always the same file."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.domain.finish.fetch_failure import BUSY_FETCHES
from fermata.domain.finish.rescue import recoverables
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.calls import AudioAt
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.providers.patience import FETCHES_OF_A_BAD_FILE, MOST_FETCHES, MOST_POLLS
from fermata.errors import (
    AudioTooComplexError,
    AudioTooLargeError,
    BadAudioError,
    CutAudioError,
    FermataError,
    LinkTroubleError,
    NotFoundError,
    TransientError,
    UnsafeLinkError,
)
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, StoreStep, store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.wiring.generation import poll_ports, settle_ports, store_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    LINK,
    claimed_attempt,
    generating_job,
    hex_answer,
    json_answer,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stream_answer,
    wav_file,
)

AUDIO = b"ID3" + bytes(range(256)) * 20
KEY = f"tracks/{JOB_ID}/1.mp3"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(scratch=tmp_path)


def staged(world: World, answer: ScriptedAnswer) -> World:
    world.jobs.create(ready_job())
    world.answers.keep(JOB_ID, 1, answer)
    return world


def linked(world: World, file: bytes | FermataError, provider: str = "aimlapi", **changes: object) -> World:
    world.jobs.create(ready_job(LINK, provider, **{"upstream_id": "task:1", **changes}))
    world.links.files[LINK] = file
    return world


def step(world: World) -> StoreStep:
    return store_audio(JOB_ID, 1, store_ports(world.remaining_ms))


def store(world: World) -> StoreOutcome:
    return step(world).outcome


def given_up(world: World) -> Failure:
    """Why the only song of the job is given up, once it is."""
    assert store(world) is StoreOutcome.STORED
    (missing,) = world.stored(JOB_ID).missing
    assert missing.number == 1
    return missing.reason


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"0x{AUDIO.hex().upper()}", id="0x"),
        pytest.param(AUDIO.hex(" "), id="white_space"),
        pytest.param(base64.b64encode(AUDIO).decode(), id="base64"),
        pytest.param(base64.urlsafe_b64encode(AUDIO).decode().rstrip("="), id="base64_url_safe"),
        pytest.param("data:audio/mpeg;base64," + base64.b64encode(AUDIO).decode(), id="data_uri"),
    ],
)
def test_text_in_any_encoding_becomes_the_file_that_it_encodes(world: World, text: str) -> None:
    body = json.dumps({"data": [{"audio": text, "status": 2}]}).encode()
    assert store(staged(world, ScriptedAnswer(body, chunk_bytes=1000))) is StoreOutcome.STORED
    assert world.tracks.files[KEY][0] == AUDIO


def test_hex_text_becomes_the_file_that_it_encodes(world: World) -> None:
    assert store(staged(world, hex_answer(AUDIO))) is StoreOutcome.STORED
    assert world.tracks.files == {KEY: (AUDIO, "audio/mpeg")}


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1024, 1_000_000])
@pytest.mark.parametrize(
    ("events", "whole_event"),
    [
        ([(AUDIO[:2000], 1), (AUDIO[2000:4000], 1), (AUDIO[4000:], 2)], None),
        ([(AUDIO[:2000], 1), (AUDIO[2000:], 1), (AUDIO, 2)], 2),
        ([(AUDIO[:2000], 1), (AUDIO[2100:], 1), (AUDIO, 2)], 2),
        ([(AUDIO[:2000], 1), (AUDIO[2000:], 1), (b"", 2)], None),
    ],
    ids=["last_is_a_part", "last_repeats", "last_is_longer", "last_is_empty"],
)
def test_a_staged_stream_becomes_the_file_whatever_its_last_event_has(
    world: World, events: list[tuple[bytes, int]], whole_event: int | None, chunk_bytes: int
) -> None:
    audio = Audio(source=AudioSource.EVENTS, whole_event=whole_event)
    world.jobs.create(ready_job(audio=audio))
    world.answers.kept[JOB_ID, 1] = replace(stream_answer(*events), chunk_bytes=chunk_bytes)
    assert store(world) is StoreOutcome.STORED
    assert world.tracks.files == {KEY: (AUDIO, "audio/mpeg")}


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1024, 1_000_000])
def test_the_file_does_not_depend_on_how_the_answer_arrives(world: World, chunk_bytes: int) -> None:
    answer = hex_answer(AUDIO)
    world.jobs.create(ready_job())
    world.answers.kept[JOB_ID, 1] = ScriptedAnswer(answer.body, chunk_bytes=chunk_bytes)
    store(world)
    assert world.tracks.files[KEY][0] == AUDIO


def test_a_link_is_fetched_for_its_provider_and_becomes_the_file(world: World) -> None:
    assert store(linked(world, AUDIO)) is StoreOutcome.STORED
    assert world.links.fetched == [("aimlapi", LINK)]
    assert world.tracks.files == {KEY: (AUDIO, "audio/mpeg")}


def test_the_record_says_what_was_measured_and_not_what_the_provider_claims(world: World) -> None:
    world.jobs.create(ready_job())
    audio = wav_file(1.5)
    lies = {"music_duration": 999_999, "music_size": 1, "bitrate": 8, "music_sample_rate": 8000, "music_channel": 1}
    world.answers.keep(JOB_ID, 1, hex_answer(audio, extra_info=lies))
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to be lied to
    store(world)
    job = world.stored(JOB_ID)
    (track,) = job.tracks
    assert job.status is JobStatus.STORING
    assert (track.object_key, track.bytes, track.sha256) == (
        f"tracks/{JOB_ID}/1.wav",
        len(audio),
        hashlib.sha256(audio).hexdigest(),
    )
    assert (track.duration_ms, track.sample_rate_hz, track.channels, track.bitrate_bps) == (1500, 44100, 2, 1_411_200)


def test_a_track_says_until_when_it_is_kept(world: World) -> None:
    store(staged(world, hex_answer(AUDIO)))
    assert world.stored(JOB_ID).tracks[0].expires_at.isoformat() == "2027-11-21T12:00:00+00:00"


def test_storing_twice_is_one_record_under_one_key(world: World) -> None:
    store(staged(world, hex_answer(AUDIO)))
    before = world.stored(JOB_ID)
    assert store(world) is StoreOutcome.STORED
    assert (world.stored(JOB_ID), set(world.tracks.files)) == (before, {KEY})


def test_two_runs_that_store_at_once_agree(world: World) -> None:
    staged(world, hex_answer(AUDIO))
    outcomes = []
    world.jobs.before_next_save = lambda: outcomes.append(store(world))
    outcomes.append(store(world))
    assert outcomes == [StoreOutcome.STORED, StoreOutcome.STORED]
    assert (len(world.stored(JOB_ID).tracks), set(world.tracks.files), world.jobs.saves) == (1, {KEY}, 1)


def test_a_song_that_was_stored_before_its_record_is_stored_again(world: World) -> None:
    staged(world, hex_answer(AUDIO))

    def lose_the_table() -> None:
        raise TransientError("the job table could not be written")

    world.jobs.before_next_save = lose_the_table
    with pytest.raises(TransientError):
        store(world)
    assert store(world) is StoreOutcome.STORED
    assert (world.tracks.puts, set(world.tracks.files), len(world.stored(JOB_ID).tracks)) == (2, {KEY}, 1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("abc", id="odd"),
        pytest.param("zz" * 2000, id="not_hex"),
        pytest.param("00 01", id="no_audio"),
        pytest.param(AUDIO.hex() + "zz", id="changed_on_its_way"),
        pytest.param("", id="empty"),
    ],
)
def test_text_that_is_not_hex_is_bad_audio_and_given_up_at_once(world: World, text: str) -> None:
    staged(world, ScriptedAnswer(b'{"data": {"audio": "' + text.encode() + b'"}}'))
    assert given_up(world).failure_class is FailureClass.BAD_AUDIO
    assert (world.tracks.files, world.stored(JOB_ID).tracks) == ({}, ())


def test_a_staged_answer_that_is_cut_is_bad_audio(world: World) -> None:
    staged(world, ScriptedAnswer(hex_answer(AUDIO).body[:-3]))
    assert given_up(world).failure_class is FailureClass.BAD_AUDIO
    assert world.tracks.files == {}


def test_a_staged_file_that_is_no_audio_ends_the_job_as_bad_audio_that_was_charged(world: World) -> None:
    staged(world, hex_answer(b"this is no song" * 500))
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    given_up(world)
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    failure = world.stored(JOB_ID).failure
    assert failure is not None
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.BAD_AUDIO, ProviderCharged.YES)


def test_a_staged_answer_that_is_gone_is_expired(world: World) -> None:
    world.jobs.create(ready_job())
    assert given_up(world).failure_class is FailureClass.RESULT_EXPIRED


# ---- links that bring no song yet


NO_SONG = BadAudioError("no known container")
NOT_THERE = (None, 200, 206, 300, 302, 400, 401, 402, 403, 404, 405, 410, 416, 451)
BUSY = (408, 409, 425, 429, 500, 502, 503, 504, 520)


@pytest.mark.parametrize(
    "error",
    [*(LinkTroubleError("cdn answered", status) for status in NOT_THERE), NO_SONG, CutAudioError("half")],
    ids=str,
)
def test_a_tasks_link_that_brings_no_song_is_kept_and_requested_anew_after_a_pause(
    world: World, error: FermataError
) -> None:
    linked(world, error)
    assert step(world) == StoreStep(StoreOutcome.LINK_EXPIRED, 1)
    job = world.stored(JOB_ID)
    (attempt,) = job.attempts
    assert job.status is JobStatus.GENERATING
    assert (attempt.state, attempt.has_links, attempt.link_renewals, attempt.upstream_id, attempt.finished_at) == (
        AttemptState.GENERATING,
        True,
        1,
        "task:1",
        None,
    )


@pytest.mark.parametrize("status", BUSY)
def test_a_new_link_is_requested_only_once_a_busy_host_stays_busy(world: World, status: int) -> None:
    linked(world, LinkTroubleError("cdn answered", status))
    for wait_s in (1, 2, 4, 8)[:BUSY_FETCHES]:
        assert step(world) == StoreStep(StoreOutcome.WAIT, wait_s)
        world.clock.pass_seconds(wait_s)
    job = world.stored(JOB_ID)
    assert (job.status, job.attempts[0].song_numbers) == (JobStatus.STORING, (1,))
    assert step(world) == StoreStep(StoreOutcome.LINK_EXPIRED, 16)


@pytest.mark.parametrize("status", [403, 404, 503, None])
def test_the_link_of_a_blocking_provider_is_fetched_again(world: World, status: int | None) -> None:
    linked(world, LinkTroubleError("cdn answered", status), provider="minimax", upstream_id=None)
    assert step(world) == StoreStep(StoreOutcome.WAIT, 1)


def test_pauses_double_from_one_second_to_five_minutes(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 503), upstream_id=None)
    pauses = []
    for _ in range(12):
        pauses.append(step(world).wait_seconds)
        world.clock.pass_seconds(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_pause_that_a_host_requests_may_exceed_the_longest_and_never_the_patience_that_is_left(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 503, retry_after_s=1000))
    assert step(world).wait_seconds == 1000
    world.clock.pass_seconds(3000)
    assert step(world).wait_seconds == 600


def test_trouble_changes_nothing_that_callers_see(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 503))
    before = world.stored(JOB_ID)
    world.clock.pass_seconds(5)
    store(world)
    after = world.stored(JOB_ID)
    assert (after.status, after.updated_at, after.tracks, after.missing) == (
        before.status,
        before.updated_at,
        before.tracks,
        before.missing,
    )


TASK_BUSY = json_answer({"message": "not now", "statusCode": 503}, 503)


def task_with(link: str) -> ScriptedAnswer:
    return json_answer({"id": "task:1", "status": "completed", "audio_file": {"url": link}})


def until_given_up(world: World, most: int = 100, task: ScriptedAnswer = TASK_BUSY) -> tuple[int, float]:
    """How often links were fetched, and how many seconds it took, until the song was stored or given up; the task
    always says the same.
    """
    began = world.clock.now
    for _ in range(most):
        found = step(world)
        if found.outcome is StoreOutcome.STORED:
            break
        world.clock.pass_seconds(found.wait_seconds)
        if found.outcome is StoreOutcome.LINK_EXPIRED:
            world.upstream.script = [task]
            if poll_generation(JOB_ID, 1, poll_ports()).kind is not StepKind.READY:
                break
    return len(world.links.fetched), (world.clock.now - began).total_seconds()


def test_a_link_that_never_works_is_given_up_after_the_patience_with_what_was_found_last(world: World) -> None:
    linked(world, LinkTroubleError("cdn.test answered 503", 503))
    fetches, took_s = until_given_up(world)
    assert took_s == 3600
    assert fetches <= MOST_FETCHES
    reason = world.stored(JOB_ID).missing[0].reason
    assert (reason.failure_class, reason.code, reason.http_status) == (FailureClass.TRANSIENT, "http_503", 503)
    assert "cdn.test answered 503" in reason.message


def test_a_link_that_works_after_twenty_minutes_brings_the_song(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 404), provider="minimax", upstream_id=None)
    while world.clock.now < NOON + timedelta(minutes=20):
        world.clock.pass_seconds(step(world).wait_seconds)
    world.links.files[LINK] = AUDIO
    assert store(world) is StoreOutcome.STORED
    assert world.tracks.files == {KEY: (AUDIO, "audio/mpeg")}


def test_a_host_that_requests_an_immediate_retry_is_not_fetched_more_often(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 429, retry_after_s=1))
    fetches, _ = until_given_up(world)
    assert fetches <= MOST_FETCHES


def test_a_file_that_is_no_song_is_fetched_again_for_some_minutes_and_kept(world: World) -> None:
    junk = b"this is no song" * 500
    linked(world, junk)
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    fetches, took_s = until_given_up(world)
    assert (fetches, took_s) == (FETCHES_OF_A_BAD_FILE, 511)
    assert world.stored(JOB_ID).missing[0].reason.failure_class is FailureClass.BAD_AUDIO
    assert world.answers.files == {(JOB_ID, 1, "file.1"): junk}


def test_a_partial_file_that_becomes_whole_is_the_song(world: World) -> None:
    whole = wav_file(1.5)
    linked(world, whole[: len(whole) // 2], upstream_id=None)
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    assert store(world) is StoreOutcome.WAIT
    world.links.files[LINK] = whole
    world.clock.pass_seconds(1)
    assert store(world) is StoreOutcome.STORED
    assert world.stored(JOB_ID).tracks[0].duration_ms == 1500


def test_the_part_that_arrived_of_an_incomplete_file_is_kept(world: World) -> None:
    linked(world, LinkTroubleError("cut", 200))
    until_given_up(world)
    assert world.answers.files == {(JOB_ID, 1, "file.1"): b"the beginning"}


NOT_TAKEN = [
    UnsafeLinkError("10.0.0.1 is not public"),
    AudioTooLargeError("300 MB"),
    AudioTooComplexError("a million parts"),
]


@pytest.mark.parametrize("error", NOT_TAKEN)
def test_a_link_to_what_fermata_does_not_accept_is_requested_anew_once(world: World, error: FermataError) -> None:
    linked(world, error)
    assert store(world) is StoreOutcome.LINK_EXPIRED
    job = world.stored(JOB_ID)
    world.clock.pass_seconds(1)
    again = job.attempts[0].after(AudioAt(LINK), world.clock())
    world.jobs.save(job.with_outcome(again, world.clock()))
    assert given_up(world).code in ("unsafe_link", "too_large", "too_complex")


@pytest.mark.parametrize("error", NOT_TAKEN)
def test_a_link_to_what_fermata_does_not_accept_is_given_up_at_once_without_a_task(
    world: World, error: FermataError
) -> None:
    linked(world, error, provider="minimax", upstream_id=None)
    assert given_up(world).code in ("unsafe_link", "too_large", "too_complex")


@pytest.mark.parametrize("source", ["staged", "linked"])
def test_a_song_that_does_not_fit_into_the_memory_is_no_audio_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, which meets the error
    monkeypatch.setattr("fermata.adapters.audio.measurement.find_start", without_memory)
    if source == "staged":
        staged(world, hex_answer(AUDIO))
    else:
        linked(world, AUDIO, provider="minimax", upstream_id=None)
    reason = given_up(world)
    assert (reason.failure_class, reason.code) == (FailureClass.BAD_AUDIO, "too_complex")
    assert world.upstream.sent == []


def test_a_staged_answer_that_cannot_be_decoded_in_this_memory_is_no_audio_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_: object) -> bytes:
        raise MemoryError

    staged(world, hex_answer(AUDIO))
    monkeypatch.setattr("fermata.domain.audio.text_decoder.AudioTextDecoder.feed", without_memory)
    assert given_up(world).code == "too_complex"


def test_nothing_is_fetched_past_the_callers_own_deadline(world: World) -> None:
    finish_by = NOON + timedelta(seconds=30)
    job = ready_job(LINK, "aimlapi", upstream_id="task:1")
    world.jobs.create(job.model_copy(update={"request": song_request(finish_by=finish_by)}))
    world.links.files[LINK] = LinkTroubleError("cdn answered", 503)
    fetches, took_s = until_given_up(world)
    assert 30 <= took_s < 60
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    assert (world.stored(JOB_ID).status, fetches) == (JobStatus.EXPIRED, 5)


def test_a_new_link_does_not_renew_the_patience(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 403))
    assert until_given_up(world, task=task_with(LINK))[1] == 3600
    assert len(world.links.fetched) + len(world.upstream.sent) <= MOST_FETCHES + MOST_POLLS


def test_a_repeated_run_after_a_lost_renewal_requests_the_poll_again(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 403))
    store(world)
    before = world.stored(JOB_ID)
    assert store(world) is StoreOutcome.LINK_EXPIRED
    assert (world.stored(JOB_ID), len(world.links.fetched)) == (before, 1)


def test_two_runs_that_find_the_link_dead_at_once_request_one_new_link(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 403))
    outcomes = []
    world.jobs.before_next_save = lambda: outcomes.append(store(world))
    outcomes.append(store(world))
    assert outcomes == [StoreOutcome.LINK_EXPIRED, StoreOutcome.LINK_EXPIRED]
    assert world.stored(JOB_ID).attempts[0].link_renewals == 1


def test_a_run_that_stored_a_song_while_another_requested_a_new_link_follows_the_other(world: World) -> None:
    linked(world, AUDIO)

    def the_other_run_finds_the_link_dead() -> None:
        world.links.files[LINK] = LinkTroubleError("cdn answered", 403)
        assert store(world) is StoreOutcome.LINK_EXPIRED

    world.jobs.before_next_save = the_other_run_finds_the_link_dead
    assert store(world) is StoreOutcome.LINK_EXPIRED


def test_trouble_of_our_own_stores_is_reported_and_changes_nothing(world: World) -> None:
    linked(world, TransientError("the answer could not be read"))
    before = world.stored(JOB_ID)
    with pytest.raises(TransientError):
        store(world)
    assert (world.stored(JOB_ID), world.tracks.files) == (before, {})


def test_a_song_that_could_not_be_stored_is_tried_again(world: World) -> None:
    staged(world, hex_answer(AUDIO))
    world.tracks.fail_next_put = TransientError("the song could not be stored")
    with pytest.raises(TransientError):
        store(world)
    assert store(world) is StoreOutcome.STORED


@pytest.mark.parametrize("audio", [AUDIO, LinkTroubleError("gone", 404), TransientError("cut")])
def test_no_run_leaves_a_file_behind_on_disk(world: World, audio: bytes | FermataError) -> None:
    linked(world, audio)
    try:
        store(world)
    except TransientError:
        assert isinstance(audio, TransientError)
    assert list(world.scratch.iterdir()) == []


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(queued_job(), id="queued"),
        pytest.param(queued_job().claimed(claimed_attempt(), queued_job().created_at), id="claimed"),
        pytest.param(ready_job().settled(rate_limited(), queued_job().created_at), id="settled"),
    ],
)
def test_a_job_without_a_song_to_store_goes_on_to_its_settlement(world: World, job: Job) -> None:
    world.jobs.create(job)
    assert store(world) is StoreOutcome.STORED
    assert (world.stored(JOB_ID), world.tracks.files) == (job, {})


def test_a_run_for_another_attempt_stores_nothing(world: World) -> None:
    world.jobs.create(generating_job())
    assert store_audio(JOB_ID, 2, store_ports(world.remaining_ms)) == StoreStep(StoreOutcome.STORED)
    assert world.stored(JOB_ID) == generating_job()


def test_a_job_that_was_settled_while_its_song_was_stored_stays_settled(world: World) -> None:
    staged(world, hex_answer(AUDIO))
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), world.clock())
    assert store(world) is StoreOutcome.STORED
    job = world.stored(JOB_ID)
    assert (job.status, job.tracks) == (JobStatus.FAILED, ())


def test_an_unknown_job_is_refused(world: World) -> None:
    with pytest.raises(NotFoundError):
        store(world)


@pytest.mark.parametrize("status", [200, 206])
def test_text_in_place_of_a_file_is_requested_again_for_the_whole_patience_and_is_no_song(
    world: World, status: int
) -> None:
    linked(world, LinkTroubleError("cdn answered 200 with a text instead of audio", status))
    _, took_s = until_given_up(world)
    reason = world.stored(JOB_ID).missing[0].reason
    assert (took_s, reason.failure_class, reason.code) == (3600, FailureClass.BAD_AUDIO, "no_whole_file")


# ---- asking for a new link throws nothing away

OTHER_LINK = "https://cdn.test/another.mp3"


def test_a_link_that_was_dead_for_a_second_is_fetched_again_while_its_task_reports_nothing(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 404))
    assert store(world) is StoreOutcome.LINK_EXPIRED
    world.links.files[LINK] = AUDIO
    world.clock.pass_seconds(1)
    world.upstream.script = [TASK_BUSY]
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.READY
    assert store(world) is StoreOutcome.STORED
    assert world.tracks.files[KEY][0] == AUDIO


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(json_answer({"message": "no", "statusCode": 401}, 401), id="401"),
        pytest.param(json_answer({"message": "no", "statusCode": 404}, 404), id="404"),
        pytest.param(TASK_BUSY, id="503"),
        pytest.param(ScriptedAnswer(b"<html>"), id="html"),
        pytest.param(json_answer({"id": "task:1", "status": "generating"}), id="running again"),
        pytest.param(json_answer({"id": "task:1", "status": "completed"}), id="without a link"),
        pytest.param(json_answer({"id": "task:1", "status": "error", "error": {"message": "gone"}}), id="failed"),
    ],
)
def test_the_known_link_is_fetched_for_the_whole_patience_while_its_task_gives_no_new_one(
    world: World, answer: ScriptedAnswer
) -> None:
    linked(world, LinkTroubleError("cdn answered", 404))
    fetches, took_s = until_given_up(world, task=answer)
    assert (took_s, 15 < fetches <= MOST_FETCHES) == (3600, True)
    assert len(world.upstream.sent) <= 2 * MOST_POLLS
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    (found,) = recoverables(world.stored(JOB_ID))
    assert (found.left, found.attempt.has_links) == ((1,), True)


def test_a_task_that_failed_is_not_polled_again(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 404))
    until_given_up(world, task=json_answer({"id": "task:1", "status": "error", "error": {"message": "gone"}}))
    assert len(world.upstream.sent) == 1


def test_a_provider_that_requests_a_pause_is_not_polled_meanwhile_and_the_link_is_fetched(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 404))
    busy = ScriptedAnswer(b"{}", 429, retry_after_s=3000)
    fetches, took_s = until_given_up(world, task=busy)
    # At once, after the 3,000 s, and once more when the patience ends.
    assert (len(world.upstream.sent), took_s, fetches > 15) == (3, 3600, True)


def test_a_new_link_replaces_the_known_one(world: World) -> None:
    linked(world, LinkTroubleError("cdn answered", 404))
    world.links.files[OTHER_LINK] = AUDIO
    fetches, took_s = until_given_up(world, task=task_with(OTHER_LINK))
    assert (fetches, took_s, world.tracks.files[KEY][0]) == (2, 1, AUDIO)


def test_an_unsafe_link_is_given_up_only_once_its_task_gave_another_unsafe_one(world: World) -> None:
    linked(world, UnsafeLinkError("10.0.0.1 is not public"))
    assert store(world) is StoreOutcome.LINK_EXPIRED
    for answer in (TASK_BUSY, TASK_BUSY):
        world.clock.pass_seconds(60)
        world.upstream.script = [answer]
        poll_generation(JOB_ID, 1, poll_ports())
        assert store(world) is StoreOutcome.LINK_EXPIRED
    world.clock.pass_seconds(60)
    world.upstream.script = [task_with(LINK)]
    poll_generation(JOB_ID, 1, poll_ports())
    assert given_up(world).code == "unsafe_link"


# ---- bounds count troubles of one kind


def test_bad_files_are_counted_separately(world: World) -> None:
    linked(world, LinkTroubleError("busy", 503), upstream_id=None)
    for _ in range(12):
        world.clock.pass_seconds(step(world).wait_seconds)
    world.links.files[LINK] = NO_SONG
    pauses = []
    while (found := step(world)).outcome is StoreOutcome.WAIT:
        pauses.append(found.wait_seconds)
        world.clock.pass_seconds(found.wait_seconds)
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256]
    assert len(world.links.fetched) == 12 + FETCHES_OF_A_BAD_FILE


def test_troubles_of_all_kinds_together_stay_within_the_bound(world: World) -> None:
    linked(world, NO_SONG, upstream_id=None)
    troubles = (NO_SONG, LinkTroubleError("busy", 503))
    for turn in range(100):
        world.links.files[LINK] = troubles[turn % 2]
        found = step(world)
        if found.outcome is StoreOutcome.STORED:
            break
        world.clock.pass_seconds(found.wait_seconds)
    assert len(world.links.fetched) <= MOST_FETCHES


def test_a_run_fetches_the_first_song_that_is_due_whatever_the_machines_clock_says(world: World) -> None:
    linked(world, LinkTroubleError("busy", 503, retry_after_s=100))
    assert step(world) == StoreStep(StoreOutcome.WAIT, 100)
    world.clock.pass_seconds(2)
    assert step(world) == StoreStep(StoreOutcome.WAIT, 100)
    assert len(world.links.fetched) == 2


# ---- the longest that ever came is kept


class Files:
    """A host that hands over one thing after the other: so many bytes, and then what ends them."""

    def __init__(self, *outcomes: tuple[int, FermataError]) -> None:
        self.outcomes = list(outcomes)

    def fetch(self, _provider: str, _url: str) -> Iterator[bytes]:
        count, error = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        yield bytes(count)
        raise error


GONE = LinkTroubleError("gone", 404)
CUT = LinkTroubleError("cut", 200)


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        pytest.param([(20_000, CUT), (0, GONE)], 20_000, id="then nothing"),
        pytest.param([(20_000, CUT), (300, CUT), (0, GONE)], 20_000, id="then less"),
        pytest.param([(300, GONE), (20_000, CUT), (0, GONE)], 20_000, id="then more"),
        pytest.param([(20_000, CUT), (9, NO_SONG), (0, GONE)], 20_000, id="then a short bad file"),
        pytest.param([(0, GONE), (9, NO_SONG), (0, GONE)], 9, id="a bad file between"),
    ],
)
def test_the_longest_file_that_ever_came_is_kept(
    world: World, outcomes: list[tuple[int, FermataError]], kept: int
) -> None:
    linked(world, GONE, upstream_id=None)
    world.links = Files(*outcomes)  # type: ignore[assignment]  # a host that changes its mind
    assert store(world) is StoreOutcome.WAIT
    while (found := step(world)).outcome is StoreOutcome.WAIT:
        world.clock.pass_seconds(found.wait_seconds)
    assert world.answers.files == {(JOB_ID, 1, "file.1"): bytes(kept)}


def test_a_file_that_could_not_be_kept_once_is_kept_the_next_time(world: World) -> None:
    linked(world, NO_SONG, upstream_id=None)
    world.answers.fail_next_keep_file = TransientError("S3 is away")
    store(world)
    assert world.answers.files == {}
    world.clock.pass_seconds(1)
    store(world)
    assert world.answers.files == {(JOB_ID, 1, "file.1"): b"the beginning"}
