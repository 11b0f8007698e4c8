"""From a paid result to a file of ours, as often as it takes and always the same file."""

import hashlib
from pathlib import Path

import pytest

from fermata.adapters.audio_measurement import FileAudioMeter
from fermata.domain.failures import FailureClass, ProviderCharged
from fermata.domain.jobs import AttemptState, Job, JobStatus
from fermata.errors import (
    BadAudioError,
    FermataError,
    LinkExpiredError,
    NotFoundError,
    ResultExpiredError,
    StaleRecordError,
    TransientError,
    UnsafeLinkError,
)
from fermata.use_cases.settle_job import settle_job
from fermata.use_cases.store_audio import StoreOutcome, store_audio
from tests.songs import (
    JOB_ID,
    LINK,
    claimed_attempt,
    generating_job,
    hex_answer,
    queued_job,
    rate_limited,
    ready_job,
    wav_file,
)
from tests.twins import ScriptedAnswer, World

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


def store(world: World) -> StoreOutcome:
    return store_audio(JOB_ID, 1, world.store_ports())


def test_hex_text_becomes_the_file_it_spells(world: World) -> None:
    assert store(staged(world, hex_answer(AUDIO))) is StoreOutcome.STORED
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
        pytest.param("00 01", id="white_space"),
        pytest.param("", id="empty"),
    ],
)
def test_text_that_is_not_hex_is_bad_audio_and_nothing_is_stored(world: World, text: str) -> None:
    staged(world, ScriptedAnswer(b'{"data": {"audio": "' + text.encode() + b'"}}'))
    with pytest.raises(BadAudioError):
        store(world)
    assert (world.tracks.files, world.stored(JOB_ID).tracks) == ({}, ())


def test_a_staged_answer_that_is_cut_is_bad_audio(world: World) -> None:
    staged(world, ScriptedAnswer(hex_answer(AUDIO).body[:-3]))
    with pytest.raises(BadAudioError):
        store(world)
    assert world.tracks.files == {}


def test_a_file_that_is_no_audio_is_bad_audio_and_the_provider_charged(world: World) -> None:
    staged(world, hex_answer(b"this is no song" * 500))
    world.meter = FileAudioMeter()  # type: ignore[assignment]  # the real one, to look at the bytes
    with pytest.raises(BadAudioError):
        store(world)
    settle_job(JOB_ID, "BadAudioError", world.settle_ports(), world.clock())
    failure = world.stored(JOB_ID).failure
    assert failure is not None
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.BAD_AUDIO, ProviderCharged.YES)


def test_a_staged_answer_that_is_gone_is_expired(world: World) -> None:
    world.jobs.create(ready_job())
    with pytest.raises(ResultExpiredError):
        store(world)


def test_a_dead_link_of_a_task_is_renewed_once(world: World) -> None:
    linked(world, LinkExpiredError("cdn answered 403"))
    assert store(world) is StoreOutcome.LINK_EXPIRED
    job = world.stored(JOB_ID)
    (attempt,) = job.attempts
    assert job.status is JobStatus.GENERATING
    assert (attempt.state, attempt.audio, attempt.link_renewals, attempt.upstream_id, attempt.finished_at) == (
        AttemptState.GENERATING,
        None,
        1,
        "task:1",
        None,
    )


def test_a_link_that_is_dead_again_is_not_renewed_again(world: World) -> None:
    linked(world, LinkExpiredError("cdn answered 403"), link_renewals=1)
    with pytest.raises(ResultExpiredError):
        store(world)
    assert world.stored(JOB_ID).status is JobStatus.STORING


def test_a_dead_link_of_a_blocking_provider_cannot_be_renewed(world: World) -> None:
    linked(world, LinkExpiredError("cdn answered 403"), provider="minimax", upstream_id=None)
    with pytest.raises(ResultExpiredError):
        store(world)


def test_a_repeated_run_after_a_lost_renewal_asks_for_the_poll_again(world: World) -> None:
    linked(world, LinkExpiredError("cdn answered 403"))
    store(world)
    before = world.stored(JOB_ID)
    assert store(world) is StoreOutcome.LINK_EXPIRED
    assert (world.stored(JOB_ID), len(world.links.fetched)) == (before, 1)


def test_two_runs_that_find_the_link_dead_at_once_agree(world: World) -> None:
    linked(world, LinkExpiredError("cdn answered 403"))
    outcomes = []
    world.jobs.before_next_save = lambda: outcomes.append(store(world))
    outcomes.append(store(world))
    assert outcomes == [StoreOutcome.LINK_EXPIRED, StoreOutcome.LINK_EXPIRED]
    assert world.stored(JOB_ID).attempts[0].link_renewals == 1


def test_a_run_that_stored_a_song_while_another_gave_its_link_up_is_repeated(world: World) -> None:
    linked(world, AUDIO)

    def the_other_run_finds_the_link_dead() -> None:
        world.links.files[LINK] = LinkExpiredError("cdn answered 403")
        assert store(world) is StoreOutcome.LINK_EXPIRED

    world.jobs.before_next_save = the_other_run_finds_the_link_dead
    with pytest.raises(StaleRecordError):
        store(world)
    assert store(world) is StoreOutcome.LINK_EXPIRED


@pytest.mark.parametrize("error", [UnsafeLinkError("host not listed"), TransientError("cut")])
def test_other_trouble_of_a_link_is_told_and_changes_nothing(world: World, error: FermataError) -> None:
    linked(world, error)
    before = world.stored(JOB_ID)
    with pytest.raises(type(error)):
        store(world)
    assert (world.stored(JOB_ID), world.tracks.files) == (before, {})


def test_a_song_that_could_not_be_put_away_is_tried_again(world: World) -> None:
    staged(world, hex_answer(AUDIO))
    world.tracks.fail_next_put = TransientError("the song could not be stored")
    with pytest.raises(TransientError):
        store(world)
    assert store(world) is StoreOutcome.STORED


@pytest.mark.parametrize("audio", [AUDIO, LinkExpiredError("gone"), TransientError("cut")])
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
    assert store_audio(JOB_ID, 2, world.store_ports()) is StoreOutcome.STORED
    assert world.stored(JOB_ID) == generating_job()


def test_a_job_that_was_settled_while_its_song_was_stored_stays_settled(world: World) -> None:
    staged(world, hex_answer(AUDIO))
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, "Execution.ABORTED", world.settle_ports(), world.clock())
    assert store(world) is StoreOutcome.STORED
    job = world.stored(JOB_ID)
    assert (job.status, job.tracks) == (JobStatus.FAILED, ())


def test_an_unknown_job_is_refused(world: World) -> None:
    with pytest.raises(NotFoundError):
        store(world)
