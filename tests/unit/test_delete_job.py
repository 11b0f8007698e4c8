"""Forgetting a finished job: words and files go, what was paid stays, and a crash in between loses nothing."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamo_job_store import DynamoJobStore
from fermata.adapters.dynamo_transactions import DynamoTransactions
from fermata.adapters.s3_answer_store import S3AnswerStore
from fermata.adapters.s3_reference_store import S3ReferenceStore
from fermata.adapters.s3_track_store import S3TrackStore
from fermata.domain.jobs import TOMBSTONE_KEPT_FOR, Job, JobStatus
from fermata.domain.verdicts import Word
from fermata.domain.webhook_deliveries import Answered, Try, attempt_after
from fermata.errors import NotFinishedError, NotFoundError, StaleRecordError, TransientError
from fermata.ports import JobStore
from fermata.use_cases.delete_job import delete_job
from fermata.use_cases.settle_job import settle_job
from fermata.use_cases.start_generation import start_generation
from tests.books import items
from tests.cloud import BUCKET, TABLE, AnswersInstead, aws_error, dynamodb_with_table, s3_with_bucket
from tests.songs import (
    JOB_ID,
    LINK,
    delivered_job,
    failed_job,
    generating_job,
    hex_answer,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
    submitting_job,
)
from tests.twins import FUNDED_WALLETS, NOON, InMemoryJobStore, World

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OTHER = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"


def world_of(job: Job, tmp_path: Path) -> World:
    world = World(scratch=tmp_path)
    world.jobs.create(job)
    song = tmp_path / "song"
    song.write_bytes(b"ID3 the canary itself")
    for job_id in (JOB_ID, OTHER):
        world.tracks.put(f"tracks/{job_id}/1.mp3", song, "audio/mpeg")
        world.answers.keep(job_id, 1, hex_answer(b"ID3"))
        world.references.put(f"references/acme/{job_id}", song, "audio/mpeg")
    return world


def delete(world: World, tenant_id: str = "acme") -> None:
    delete_job(JOB_ID, tenant_id, world.delete_ports(), world.clock())


def test_words_and_files_go_and_what_was_paid_stays(tmp_path: Path) -> None:
    request = song_request(title="a canary", metadata={"who": "a canary"})
    world = world_of(delivered_job(request=request).published(), tmp_path)
    world.clock.pass_seconds(7)
    delete(world)
    tombstone = world.stored(JOB_ID)
    assert "canary" not in tombstone.model_dump_json()
    assert (tombstone.status, tombstone.deleted_at) == (JobStatus.SUCCEEDED, world.clock())
    (attempt,) = tombstone.attempts
    assert (attempt.provider, attempt.key_alias, attempt.provider_charged.value) == ("minimax", "default", "yes")
    assert (set(world.tracks.files), set(world.answers.kept)) == ({f"tracks/{OTHER}/1.mp3"}, {(OTHER, 1)})
    assert set(world.references.files) == {f"references/acme/{OTHER}"}
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold"]


def test_how_a_jobs_webhook_was_delivered_is_forgotten_with_it(tmp_path: Path) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    tried = attempt_after(Answered(503), Try(0, 1), "https://hooks.example.com", NOON, 0.0)
    for job_id in (JOB_ID, OTHER):
        world.deliveries.add(job_id, tried)
    delete(world)
    assert (world.deliveries.of(JOB_ID), world.deliveries.of(OTHER)) == ((), (tried,))


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job(), ready_job()])
def test_an_open_job_stays_whole(job: Job, tmp_path: Path) -> None:
    world = world_of(job, tmp_path)
    with pytest.raises(NotFinishedError, match=f"is {job.status}"):
        delete(world)
    assert (world.stored(JOB_ID), len(world.tracks.files), len(world.answers.kept)) == (job, 2, 2)


def test_another_tenants_job_and_an_unknown_one_are_not_found(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    with pytest.raises(NotFoundError):
        delete(world, "other")
    with pytest.raises(NotFoundError):
        delete_job("job_01JD0ABCDEFGHJKMNPQRSTVWX9", "acme", world.delete_ports(), NOON)
    assert (world.stored(JOB_ID), len(world.tracks.files)) == (delivered_job(), 2)


def test_deleting_again_finishes_what_was_interrupted(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    world.tracks.fail_next_forget = TransientError("the job's files could not be deleted: SlowDown; try again")
    with pytest.raises(TransientError):
        delete(world)
    assert world.stored(JOB_ID) == delivered_job()
    delete(world)
    assert world.stored(JOB_ID).deleted_at == NOON


def test_deleting_a_deleted_job_takes_what_a_straggler_left(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    delete(world)
    tombstone = world.stored(JOB_ID)
    world.answers.keep(JOB_ID, 1, hex_answer(b"ID3"))
    world.clock.pass_seconds(60)
    delete(world)
    assert (JOB_ID, 1) not in world.answers.kept
    assert world.stored(JOB_ID) == tombstone


def test_a_redrive_of_a_deleted_job_buys_nothing(tmp_path: Path) -> None:
    world = world_of(failed_job(rate_limited()).settled(rate_limited(), NOON).published(), tmp_path)
    delete(world)
    tombstone = world.stored(JOB_ID)
    assert start_generation(JOB_ID, world.start_ports(), "run-2").verdict is Word.FAILED
    assert settle_job(JOB_ID, None, world.settle_ports(), NOON) is JobStatus.FAILED
    assert (world.stored(JOB_ID), world.upstream.posts, world.events.published) == (tombstone, 0, [])


def test_an_end_that_nobody_was_told_of_is_told_although_the_job_was_deleted(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    delete(world)
    settle_job(JOB_ID, None, world.settle_ports(), NOON)
    assert [event.detail_type for event in world.events.published] == ["Music Job Succeeded"]
    assert world.stored(JOB_ID).check_at is None


def test_a_write_in_between_is_kept(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, world.settle_ports(), NOON)
    delete(world)
    job = world.stored(JOB_ID)
    assert (job.publish_pending, job.deleted_at) == (False, NOON)


# ---- the stores


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[JobStore]:
    if request.param == "in_memory":
        yield InMemoryJobStore()
        return
    with mock_aws():
        yield DynamoJobStore(DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE))


def ended(store: JobStore) -> Job:
    """A delivered job whose link had a signature, as the store has it."""
    store.create(queued_job())
    store.save(submitting_job())
    ready = ready_job(LINK)
    store.save(ready)
    stored = ready.with_tracks((stored_track(),), NOON)
    store.save(stored)
    store.settle(stored.settled(None, NOON))
    return stored.settled(None, NOON)


def test_a_tombstone_is_read_back_equal_and_nothing_else_is_left(store: JobStore) -> None:
    tombstone = ended(store).forgotten(NOON)
    store.forget(tombstone)
    assert store.load(JOB_ID) == tombstone


def test_a_job_that_somebody_wrote_meanwhile_is_not_forgotten(store: JobStore) -> None:
    job = ended(store)
    store.save(job.published())
    with pytest.raises(StaleRecordError):
        store.forget(job.forgotten(NOON))
    assert store.load(JOB_ID) == job.published()


def test_every_item_of_a_tombstone_goes_after_fourteen_days_and_holds_no_content() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        store = DynamoJobStore(DynamoTransactions(client, TABLE))
        tombstone = ended(store).forgotten(NOON)
        store.forget(tombstone)
        store.save(tombstone.with_late_answer(1, NOON))
        found = [item for kind in ("ATTEMPT#", "JOB", "REQUEST") for item in items(client, f"JOB#{JOB_ID}", kind)]
    gone = int((NOON + timedelta(days=14)).timestamp())
    assert timedelta(days=14) == TOMBSTONE_KEPT_FOR
    assert [(item["sk"], item["ttl"]) for item in found] == [("ATTEMPT#0001", gone), ("JOB", gone), ("REQUEST", gone)]
    assert not any(secret in json.dumps(found, default=str) for secret in ("canary", "Signature", "tracks/"))


@pytest.fixture
def bucket() -> Iterator["S3Client"]:
    with mock_aws():
        yield s3_with_bucket()


def test_the_files_of_one_job_go_with_what_is_left_of_a_cut_upload(bucket: "S3Client") -> None:
    for job_id in (JOB_ID, OTHER):
        for key in (f"tracks/{job_id}/1.mp3", f"staging/{job_id}/1", f"staging/{job_id}/2"):
            bucket.put_object(Bucket=BUCKET, Key=key, Body=b"x")
        bucket.put_object(Bucket=BUCKET, Key=f"references/acme/{job_id}", Body=b"x")
        bucket.create_multipart_upload(Bucket=BUCKET, Key=f"staging/{job_id}/3")
    for _ in range(2):
        S3TrackStore(bucket, BUCKET).forget(JOB_ID)
        S3AnswerStore(bucket, BUCKET).forget(JOB_ID)
        S3ReferenceStore(bucket, BUCKET).forget(f"references/acme/{JOB_ID}")
    left = [stored["Key"] for stored in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
    uploads = [upload["Key"] for upload in bucket.list_multipart_uploads(Bucket=BUCKET)["Uploads"]]
    assert left == [f"references/acme/{OTHER}", f"staging/{OTHER}/1", f"staging/{OTHER}/2", f"tracks/{OTHER}/1.mp3"]
    assert uploads == [f"staging/{OTHER}/3"]


@pytest.mark.parametrize("operation", ["ListObjectsV2", "DeleteObject", "ListMultipartUploads"])
def test_files_that_cannot_be_deleted_are_worth_another_try(bucket: "S3Client", operation: str) -> None:
    bucket.put_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1", Body=b"x")
    AnswersInstead(bucket, operation, aws_error("SlowDown", "canary"))
    with pytest.raises(TransientError, match="try again") as caught:
        S3AnswerStore(bucket, BUCKET).forget(JOB_ID)
    assert "canary" not in str(caught.value)
