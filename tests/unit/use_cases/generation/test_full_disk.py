"""A full disk is trouble of one environment: nothing is lost, nothing is refused, nothing is paid again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.inbox_store import S3InboxStore
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.errors import AnswerLostError, DiskFullError
from fermata.use_cases.generation.finish.rescue_audio import RescueOutcome, rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.prepare_reference import prepare_reference
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, prepare_ports, rescue_ports, settle_ports, start_ports, store_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.references import AUDIO_URL, ScriptedTaker, catalogue, job_with
from tests.songs import JOB_ID, LINK, generating_job, hex_answer, queued_job, ready_job
from tests.support.cloud import BUCKET, s3_with_bucket
from tests.support.full_disk import fill

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SONG = b"ID3" + bytes(2_000_000)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(scratch=tmp_path, catalogue=catalogue(), takers=lambda _dialect: ScriptedTaker())


@pytest.fixture
def s3() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


def test_a_song_that_does_not_fit_on_the_disk_is_stored_whole_by_the_next_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK] = SONG
    make_room = fill(monkeypatch, room_bytes=1_000_000)
    with pytest.raises(DiskFullError):
        store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
    assert (world.stored(JOB_ID), world.tracks.files, world.answers.files) == (ready_job(LINK), {}, {})
    make_room()
    assert store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    assert [content for content, _ in world.tracks.files.values()] == [SONG]
    assert list(world.scratch.iterdir()) == []


def test_a_recording_that_finds_no_room_is_not_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.jobs.create(job_with())
    world.reference_links.files[AUDIO_URL] = b"ID3" + bytes(4000)
    make_room = fill(monkeypatch, room_bytes=1000)
    with pytest.raises(DiskFullError):
        prepare_reference(JOB_ID, 0, prepare_ports(), "run-1")
    assert world.stored(JOB_ID) == job_with()
    make_room()
    assert prepare_reference(JOB_ID, 0, prepare_ports(), "run-1").kind is StepKind.REFERENCE_READY


def test_a_poll_whose_answer_finds_no_room_is_repeated(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.jobs.create(generating_job())
    song = ScriptedAnswer(SONG, 200, "audio/mpeg")
    world.upstream = FakeUpstream(song, song)
    make_room = fill(monkeypatch, room_bytes=1000)
    poll_generation(JOB_ID, 1, poll_ports())
    job = world.stored(JOB_ID)
    assert (job.status, world.answers.files, world.upstream.posts) == (JobStatus.GENERATING, {}, 0)
    make_room()
    world.clock.pass_seconds(60)
    poll_generation(JOB_ID, 1, poll_ports())
    assert world.answers.files == {(JOB_ID, 1, "file.1"): SONG}
    assert world.stored(JOB_ID).status is JobStatus.STORING


def test_a_song_of_an_ended_job_that_finds_no_room_is_rescued_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK] = SONG
    settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())
    world.clock.pass_seconds(3600)
    make_room = fill(monkeypatch, room_bytes=1_000_000)
    assert rescue_audio(JOB_ID, rescue_ports(world.remaining_ms)) is RescueOutcome.FETCHED
    rescue = world.stored(JOB_ID).rescue
    assert rescue is not None
    assert (rescue.song(1, 1).fetches, rescue.lease, world.answers.files) == (1, None, {})
    make_room()
    world.clock.pass_seconds(3600)
    assert rescue_audio(JOB_ID, rescue_ports(world.remaining_ms)) is RescueOutcome.FETCHED
    assert world.answers.files == {(JOB_ID, 1, "file.1"): SONG}


@pytest.mark.parametrize("room_bytes", [0, 1_000_001, 3_999_999])
def test_a_paid_answer_is_staged_whole_without_any_room(
    world: World, s3: "S3Client", monkeypatch: pytest.MonkeyPatch, room_bytes: int
) -> None:
    fill(monkeypatch, room_bytes)
    answer = hex_answer(b"ID3" + bytes(4_000_000))
    world.answers = S3AnswerStore(s3, BUCKET, world.scratch)  # type: ignore[assignment]  # the real one
    world.upstream = FakeUpstream(answer)
    world.jobs.create(queued_job())
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.READY
    assert s3.get_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1")["Body"].read() == answer.body
    assert world.upstream.posts == 1
    assert list(world.scratch.iterdir()) == []


def test_a_cut_answer_that_found_no_room_is_reported_as_cut_and_as_nothing_else(
    s3: "S3Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(monkeypatch, room_bytes=1000)
    answer = ScriptedAnswer(bytes(6_000_000), ends_with=AnswerLostError("cut"), chunk_bytes=65_536)
    with pytest.raises(AnswerLostError, match=r"^cut$"):
        S3AnswerStore(s3, BUCKET, tmp_path).keep(JOB_ID, 1, answer)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_a_disk_that_cannot_be_written_at_all_does_not_lose_a_paid_answer(s3: "S3Client", tmp_path: Path) -> None:
    answer = ScriptedAnswer(bytes(6_000_000), chunk_bytes=65_536)
    S3AnswerStore(s3, BUCKET, tmp_path / "nowhere").keep(JOB_ID, 1, answer)
    assert s3.head_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1")["ContentLength"] == 6_000_000


def test_a_list_of_lines_that_finds_no_room_is_not_written(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, room_bytes=1000)
    with pytest.raises(DiskFullError), S3InboxStore(s3, BUCKET).spool("manifests/m.json") as spool:
        spool.write(bytes(3_000_000))
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
