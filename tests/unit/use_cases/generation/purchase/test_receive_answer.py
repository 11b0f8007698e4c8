"""A song's bytes travel once: its paid answer is staged as the song and what rebuilds the answer, or as it was sent."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from fermata.adapters.audio.marking.marker import FileMarker
from fermata.adapters.audio.measurement import FileAudioMeter
from fermata.adapters.providers import load_provider
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.audio.marks import Mark, Marking
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.songs import Track
from fermata.domain.providers.calls import AudioInAnswer
from fermata.errors import AnswerLostError, BadAudioError, DiskFullError, FermataError, TransientError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.follow.parse_answer import decoded_song, understood_answer
from fermata.use_cases.generation.purchase.receive_answer import ReceivePorts, receive
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, start_ports, store_ports
from tests.fakes.audio.answer_store import InMemoryAnswerStore
from tests.fakes.audio.marker import HEAD, PrefixMarker
from tests.fakes.audio.meter import FixedAudioMeter
from tests.fakes.metrics import RecordingMetrics
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, hex_answer, queued_job, ready_job, submitting_job
from tests.support.audio_files import mp3
from tests.support.cloud import BUCKET, s3_with_bucket

AUDIO = b"ID3" + bytes(range(256)) * 20
HEX = AUDIO.hex()
KEY = f"tracks/{JOB_ID}/1.mp3"
AFTER = '"},"base_resp":{"status_code":0,"status_msg":"success"}}'


def answer_with(text: str, after: str = AFTER, **fields: int | str | None) -> ScriptedAnswer:
    return replace(ScriptedAnswer(f'{{"data":{{"audio":"{text}{after}'.encode()), **fields)  # type: ignore[arg-type]


def world_with(tmp_path: Path, answer: ScriptedAnswer, marking: str = "tags") -> World:
    world = World(scratch=tmp_path, settings={"MARKING": marking}, upstream=FakeUpstream(answer))
    world.marker = PrefixMarker()
    world.jobs.create(queued_job())
    return world


def start(world: World) -> StepKind:
    return start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind


def store(world: World) -> Track:
    assert store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    (track,) = world.stored(JOB_ID).tracks
    return track


def track_of_an_answer_as_sent(tmp_path: Path) -> Track:
    with World(scratch=tmp_path) as world:
        world.marker = PrefixMarker()
        world.jobs.create(ready_job())
        world.answers.keep(JOB_ID, 1, hex_answer(AUDIO))
        return store(world)


def ports_with(answers: InMemoryAnswerStore, scratch: Path, meter: FixedAudioMeter | None = None) -> ReceivePorts:
    return ReceivePorts(
        answers=answers,
        make_meter=lambda: meter or FixedAudioMeter(),
        make_marker=lambda: None,
        marking=Marking.OFF,
        metrics=RecordingMetrics(),
        scratch=scratch,
    )


def test_a_song_in_hex_becomes_a_track_without_being_read_again(tmp_path: Path) -> None:
    expected = track_of_an_answer_as_sent(tmp_path)
    answer = hex_answer(AUDIO)
    world = world_with(tmp_path, answer)
    assert start(world) is StepKind.READY
    song, stored = world.answers.songs[JOB_ID, 1]
    assert (stored, song.marking) == (HEAD + AUDIO, Marking.TAGS)
    assert world.answers.kept[JOB_ID, 1].body == answer.body
    world.answers.fail_next_open = TransientError("staging is read only after a crash")
    assert store(world) == expected
    assert (world.tracks.takes, world.tracks.puts) == (1, 0)
    assert world.tracks.files == {KEY: (HEAD + AUDIO, "audio/mpeg")}
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("method", "body_mb"), [("tags", 0), ("off", 0), ("tags", 6)], ids=["tags", "off", "more_than_a_part"]
)
def test_a_song_in_hex_takes_three_requests_and_none_of_its_bytes_come_back(
    tmp_path: Path, method: str, body_mb: int
) -> None:
    part = mp3(kbps=256, seconds=3)
    audio = part * max(1, body_mb * 1_000_000 // len(part))
    with mock_aws():
        s3 = s3_with_bucket()
        asked: list[str] = []
        s3.meta.events.register("before-call.s3.*", lambda model, **_: asked.append(model.name))
        world = world_with(tmp_path, replace(hex_answer(audio), chunk_bytes=65_536), method)
        world.answers, world.tracks = S3AnswerStore(s3, BUCKET, tmp_path), S3TrackStore(s3, BUCKET)  # type: ignore[assignment]
        world.marker, world.meter = FileMarker(), FileAudioMeter()  # type: ignore[assignment]
        assert start(world) is StepKind.READY
        track = store(world)
        assert asked == ["PutObject", "HeadObject", "CopyObject"]
        found = s3.get_object(Bucket=BUCKET, Key=track.object_key)
        assert (found["ContentType"], found["Metadata"]) == ("audio/mpeg", {})
        assert found["ContentLength"] == track.bytes
        assert track.marks == ((Mark.TAGS,) if method == "tags" else ())
        staged = world.answers.open(JOB_ID, 1)
        assert staged is not None
        assert b"".join(staged.chunks()) == hex_answer(audio).body


UNUSUAL = {
    "capitals and small letters": HEX[:90].upper() + HEX[90:],
    "white space": HEX[:90] + " " + HEX[90:],
    "an escape": HEX[:90] + "\\n" + HEX[90:],
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
def test_a_song_in_another_spelling_is_staged_as_it_was_sent_and_stored_all_the_same(tmp_path: Path, text: str) -> None:
    expected = track_of_an_answer_as_sent(tmp_path)
    answer = answer_with(text)
    world = world_with(tmp_path, answer)
    assert start(world) is StepKind.READY
    assert (world.answers.songs, world.answers.kept[JOB_ID, 1].body) == ({}, answer.body)
    assert store(world) == expected


NO_SONG = {
    "a failure": '{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}',
    "half a document": f'{{"data":{{"audio":"{HEX}"',
    "an odd digit": f'{{"data":{{"audio":"{HEX}4"}},"base_resp":{{"status_code":0}}}}',
    "hex of no audio": f'{{"data":{{"audio":"{"ab" * 900}"}},"base_resp":{{"status_code":0}}}}',
    "a failure with a song": f'{{"data":{{"audio":"{HEX}"}},"base_resp":{{"status_code":1002}}}}',
    "two documents": f'{{"data":{{"audio":"{HEX}"}}}}{{}}',
    "nothing": "",
    "a page": "<html>" + "x" * 70_000,
}


@pytest.mark.parametrize("body", NO_SONG.values(), ids=NO_SONG)
def test_any_other_answer_is_staged_as_it_was_sent_and_means_what_the_staged_one_means(
    tmp_path: Path, body: str
) -> None:
    answers, answer = InMemoryAnswerStore(), ScriptedAnswer(body.encode(), retry_after_s=7, trace_id="t")
    job = submitting_job()
    outcome = receive(answer, job, ports_with(answers, tmp_path), load_provider, lambda: 900)
    assert (answers.songs, answers.kept[job.id, 1]) == ({}, answer)
    assert outcome == understood_answer(job, job.attempts[-1], answers, load_provider)


@pytest.mark.parametrize("failure", [BadAudioError("no sound"), TransientError("trouble"), DiskFullError("full")])
def test_a_song_that_cannot_be_measured_is_staged_as_it_was_sent(tmp_path: Path, failure: FermataError) -> None:
    answers, answer = InMemoryAnswerStore(), hex_answer(AUDIO)
    ports = ports_with(answers, tmp_path, FixedAudioMeter(failure))
    outcome = receive(answer, submitting_job(), ports, load_provider, lambda: 900)
    assert (answers.songs, answers.kept[JOB_ID, 1].body) == ({}, answer.body)
    assert isinstance(outcome, AudioInAnswer)


def test_a_run_without_time_to_measure_stages_the_answer_as_it_was_sent(tmp_path: Path) -> None:
    for remaining_s, is_song in ((29.9, False), (30, True)):
        answers = InMemoryAnswerStore()
        ports = ports_with(answers, tmp_path)
        receive(hex_answer(AUDIO), submitting_job(), ports, load_provider, lambda left=remaining_s: left)  # type: ignore[misc]
        assert bool(answers.songs) is is_song
        assert answers.kept[JOB_ID, 1].body == hex_answer(AUDIO).body


def test_an_answer_that_no_reader_understands_is_staged_first(tmp_path: Path) -> None:
    def broken(_: str) -> object:
        raise ZeroDivisionError

    answers = InMemoryAnswerStore()
    answer = hex_answer(AUDIO)
    assert receive(answer, submitting_job(), ports_with(answers, tmp_path), broken, lambda: 900) is None  # type: ignore[arg-type]
    assert answers.kept[JOB_ID, 1].body == answer.body


def test_a_song_whose_marking_failed_is_marked_when_it_is_stored(tmp_path: Path) -> None:
    world = world_with(tmp_path, hex_answer(AUDIO))
    world.marker = PrefixMarker(DiskFullError("full"))
    assert start(world) is StepKind.READY
    assert world.answers.songs[JOB_ID, 1][1] == AUDIO
    world.marker = PrefixMarker()
    assert store(world).marks == (Mark.TAGS,)
    assert world.tracks.files == {KEY: (HEAD + AUDIO, "audio/mpeg")}


@pytest.mark.parametrize("later", ["c2pa", "off"])
def test_a_song_is_stored_as_songs_are_marked_when_it_is_stored(tmp_path: Path, later: str) -> None:
    world = world_with(tmp_path, hex_answer(AUDIO))
    assert start(world) is StepKind.READY
    world.set(MARKING=later)
    world.marker = PrefixMarker(signature="cd" * 32)
    assert store(world).marks == ((Mark.TAGS, Mark.C2PA) if later == "c2pa" else ())
    ((stored, _),) = world.tracks.files.values()
    assert stored == (HEAD + AUDIO if later == "c2pa" else AUDIO)


def test_a_song_that_is_to_be_signed_is_staged_without_marks(tmp_path: Path) -> None:
    world = world_with(tmp_path, hex_answer(AUDIO), "c2pa")
    start(world)
    song, stored = world.answers.songs[JOB_ID, 1]
    assert (stored, song.marking, song.marked.marks) == (AUDIO, Marking.OFF, ())


@pytest.mark.parametrize("gone_during", ["staging", "copying"])
def test_a_staged_song_that_is_gone_ends_as_an_answer_that_is_gone_does(tmp_path: Path, gone_during: str) -> None:
    world = world_with(tmp_path, hex_answer(AUDIO))
    start(world)
    if gone_during == "staging":
        world.answers.forget(JOB_ID)
    else:
        world.tracks.staged_songs = {}
    store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
    (missing,) = world.stored(JOB_ID).missing
    assert missing.reason.code == "result_expired"


def test_a_run_that_died_after_the_song_was_staged_is_resumed_with_it(tmp_path: Path) -> None:
    expected = track_of_an_answer_as_sent(tmp_path)
    world = world_with(tmp_path, hex_answer(AUDIO))
    world.answers.fail_next_keep = world.answers.fail_next_open = TransientError("killed")
    with pytest.raises(TransientError):
        start(world)
    assert resume_generation(JOB_ID, resume_ports(), world.clock()).kind is StepKind.READY
    assert (store(world), world.tracks.takes, world.upstream.posts) == (expected, 1, 1)


def test_an_answer_cut_at_any_offset_is_kept_up_to_there_and_is_no_answer(tmp_path: Path) -> None:
    body = hex_answer(AUDIO[:40]).body
    for at in range(len(body)):
        for chunk_bytes in (7, 1000):
            answers = InMemoryAnswerStore()
            cut = ScriptedAnswer(body[:at], ends_with=AnswerLostError("cut"), chunk_bytes=chunk_bytes)
            with pytest.raises(AnswerLostError, match=r"^cut$"):
                receive(cut, submitting_job(), ports_with(answers, tmp_path), load_provider, lambda: 900)
            assert (answers.kept, answers.songs) == ({}, {})
            assert answers.files.get((JOB_ID, 1, "cut"), b"") == body[:at]


def bodies() -> st.SearchStrategy[bytes]:
    """MiniMax's answer with its members in any order, beside decoys, and its song in any spelling."""
    text = st.sampled_from(
        [HEX, HEX.upper(), "0x" + HEX, *UNUSUAL.values(), HEX[:-1], HEX + "zz", "", "https://x.test/a", "ab" * 300]
    )
    decoy = st.sampled_from([{"x": HEX}, {"data": {"audio": HEX}}, [HEX], "49443", {"audio": None}, {"a": [{"b": 1}]}])
    status = st.sampled_from([0, 0, 0, 1002])

    def written(parts: tuple[str, object, int, list[int]]) -> bytes:
        song, other, code, order = parts
        members = [f'"data":{{"status":2,"audio":"{song}"}}', f'"n":{json.dumps(other)}']
        members.append(f'"base_resp":{{"status_code":{code}}}')
        return ("{" + ",".join(members[at] for at in order) + "}").encode()

    return st.tuples(text, decoy, status, st.permutations([0, 1, 2])).map(written)


@given(body=bodies(), chunk_bytes=st.sampled_from([1, 13, 1000, 65_536]), end=st.integers(0, 30_000))
def test_an_answer_means_the_same_and_has_the_same_song_whichever_way_it_is_staged(
    tmp_path_factory: pytest.TempPathFactory, body: bytes, chunk_bytes: int, end: int
) -> None:
    for whole in (body, body[: end % (len(body) + 1)]):
        job, received, as_sent = submitting_job(), InMemoryAnswerStore(), InMemoryAnswerStore()
        answer = ScriptedAnswer(whole, chunk_bytes=chunk_bytes)
        outcome = receive(answer, job, ports_with(received, tmp_path_factory.getbasetemp()), load_provider, lambda: 900)
        as_sent.keep(job.id, 1, answer)
        assert outcome == understood_answer(job, job.attempts[-1], as_sent, load_provider)
        assert received.kept[job.id, 1].body == whole
        if received.songs:
            assert received.songs[job.id, 1][1] == b"".join(decoded_song([whole]))
