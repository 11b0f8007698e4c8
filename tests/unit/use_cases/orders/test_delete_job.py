"""Deleting a finished job: texts and files go, what was paid stays, and a crash in between loses nothing."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.due_jobs import DynamoDueJobs
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.s3.answer_store import S3AnswerStore
from fermata.adapters.s3.reference_store import S3ReferenceStore
from fermata.adapters.s3.track_store import S3TrackStore
from fermata.domain.finish.tombstone import (
    ERASED_WITHIN,
    SWEPT_AGAIN_AFTER,
    TOMBSTONE_KEPT_FOR,
    erased,
    tombstone_of,
)
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.rescue_record import Rescue, RescueLease
from fermata.domain.jobs.status import JobStatus
from fermata.domain.live.stream import LiveStream
from fermata.domain.webhooks.delivery import Answered, Try, attempt_after
from fermata.errors import NotFinishedError, NotFoundError, StaleRecordError, TransientError, UnreadableRecordError
from fermata.ports.jobs import JobStore
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.delete_job import DeletePorts, delete_job
from fermata.use_cases.orders.read_jobs import find_job, read_job
from fermata.wiring.generation import reap_ports, settle_ports, start_ports
from fermata.wiring.orders import delete_ports, read_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger import items
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    LINK,
    candidate,
    delivered_job,
    failed_job,
    generating_job,
    hex_answer,
    newer,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
    submitting_job,
)
from tests.support.cloud import BUCKET, TABLE, AnswersInstead, aws_error, dynamodb_with_table, s3_with_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OTHER = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"


def world_of(job: Job, tmp_path: Path) -> World:
    world = World(scratch=tmp_path)
    world.jobs.create(job)
    song = tmp_path / "song"
    song.write_bytes(b"ID3 the canary itself")
    for job_id in (JOB_ID, OTHER):
        world.tracks.put(f"tracks/{job_id}/1.mp3", song, "audio/mpeg", "ab" * 32)
        world.answers.keep(job_id, 1, hex_answer(b"ID3"))
        world.references.put(f"references/acme/{job_id}", song, "audio/mpeg")
        world.live_pieces.put(job_id, 1, 1, b"a piece")
        world.live_streams.save(LiveStream.new(f"hash of {job_id}", job_id, 1, NOON).with_piece(3997))
    return world


def delete(world: World, tenant_id: str = "acme") -> None:
    delete_job(JOB_ID, tenant_id, delete_ports(), world.clock())


def test_texts_and_files_are_deleted_and_the_payment_stays(tmp_path: Path) -> None:
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
    assert (set(world.live_pieces.files), set(world.live_streams.rows)) == ({(OTHER, 1, 1)}, {f"hash of {OTHER}"})
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold"]


def test_the_deliveries_of_a_jobs_webhook_are_deleted_with_it(tmp_path: Path) -> None:
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
        delete_job("job_01JD0ABCDEFGHJKMNPQRSTVWX9", "acme", delete_ports(), NOON)
    assert (world.stored(JOB_ID), len(world.tracks.files)) == (delivered_job(), 2)


def test_deleting_again_finishes_what_was_interrupted(tmp_path: Path) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    world.tracks.fail_next_forget = TransientError("the job's files could not be deleted: SlowDown; try again")
    with pytest.raises(TransientError):
        delete(world)
    assert files_of(world) == 5
    delete(world)
    tombstone = world.stored(JOB_ID)
    assert (files_of(world), tombstone.deleted_at, tombstone.erasing_until, tombstone.check_at) == (0, NOON, None, None)


class Killed(BaseException):
    """The end of a run, wherever it was."""


class Deadly:
    """A port whose calls are counted with those of others; the run dies before or after the one with this number."""

    def __init__(self, port: Any, calls: list[str], dies_at: int, when: str) -> None:  # noqa: ANN401 - any port
        self._port, self._calls, self._dies_at, self._when = port, calls, dies_at, when

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401 - any call
            self._calls.append(name)
            dies = len(self._calls) == self._dies_at
            if dies and self._when == "before":
                raise Killed
            answer = getattr(self._port, name)(*arguments)
            if dies:
                raise Killed
            return answer

        return call


def killed(world: World, dies_at: int, when: str) -> list[str]:
    """The calls of a deletion that dies at one of them."""
    calls: list[str] = []
    ports = {name: Deadly(port, calls, dies_at, when) for name, port in vars(delete_ports()).items()}
    with suppress(Killed):
        delete_job(JOB_ID, "acme", DeletePorts(**ports), world.clock())
    return calls


def files_of(world: World) -> int:
    """How many objects of the job there are."""
    stored = (key for files in (world.tracks.files, world.references.files) for key in files if JOB_ID in key)
    pieces = (key for key in world.live_pieces.files if key[0] == JOB_ID)
    live = [*pieces, *(key for key in world.live_streams.rows if JOB_ID in key)]
    return len([*stored, *live, *(key for key in world.answers.kept if key[0] == JOB_ID)])


MOMENTS = [(number, when) for number in range(1, 11) for when in ("before", "after")]


def test_a_deletion_makes_exactly_the_listed_calls(tmp_path: Path) -> None:
    calls = killed(world_of(delivered_job().published(), tmp_path), 99, "before")
    assert calls == ["load", *["forget"] * 8, "save"]


@pytest.mark.parametrize(("dies_at", "when"), MOMENTS)
def test_no_caller_sees_a_job_whose_files_are_gone(tmp_path: Path, dies_at: int, when: str) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    killed(world, dies_at, when)
    try:
        shown = read_job(JOB_ID, "acme", read_ports(), world.clock())
    except NotFoundError:
        assert world.stored(JOB_ID).deleted_at is not None
    else:
        assert (len(shown.links), files_of(world)) == (1, 5)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("dies_at", "when"), MOMENTS)
def test_a_deletion_that_dies_is_finished_by_the_reaper_once_it_has_begun(
    tmp_path: Path, dies_at: int, when: str, told: bool
) -> None:
    job = delivered_job()
    world = world_of(job.published() if told else job, tmp_path)
    killed(world, dies_at, when)
    for _ in range(3):
        world.clock.pass_seconds(60)
        reap_jobs(reap_ports(world.lose), world.clock())
    found = world.stored(JOB_ID)
    if found.deleted_at is None:
        assert files_of(world) == 5
        assert (dies_at, when) in ((1, "before"), (1, "after"), (2, "before"))
    else:
        assert (files_of(world), found.erasing_until, found.check_at, found.publish_pending) == (0, None, None, False)
    assert world.lost == []


@pytest.mark.parametrize(("dies_at", "when"), MOMENTS)
def test_a_deletion_that_dies_is_finished_by_deleting_again(tmp_path: Path, dies_at: int, when: str) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    killed(world, dies_at, when)
    delete(world)
    found = world.stored(JOB_ID)
    assert (files_of(world), found.deleted_at, found.erasing_until, found.check_at) == (0, NOON, None, None)


def test_the_reaper_leaves_a_deletion_alone_that_has_just_begun(tmp_path: Path) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    killed(world, 3, "before")
    world.clock.pass_seconds(59)
    assert reap_jobs(reap_ports(world.lose), world.clock())["due"] == 0
    world.clock.pass_seconds(1)
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts(due=1, erased=1)


def test_files_that_the_reaper_cannot_delete_are_deleted_at_its_next_run(tmp_path: Path) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    killed(world, 3, "before")
    world.clock.pass_seconds(60)
    world.tracks.fail_next_forget = TransientError("the job's files could not be deleted: SlowDown; try again")
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts(due=1, lost=1)
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts(due=1, erased=1)
    assert files_of(world) == 0


def test_two_deletions_at_once_leave_nothing(tmp_path: Path) -> None:
    world = world_of(delivered_job().published(), tmp_path)
    world.jobs.before_next_save = lambda: delete(world)
    delete(world)
    found = world.stored(JOB_ID)
    assert (files_of(world), found.deleted_at, found.erasing_until) == (0, NOON, None)


def test_a_write_while_the_files_go_does_not_keep_the_deletion_from_being_noted(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    tell = partial(settle_job, JOB_ID, None, settle_ports(), NOON)
    world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", tell)
    delete(world)
    found = world.stored(JOB_ID)
    assert (found.publish_pending, found.erasing_until, found.check_at) == (False, None, None)


def live_job() -> Job:
    return delivered_job(candidates=(candidate().model_copy(update={"live": True}),)).published()


def late_piece(world: World) -> None:
    """What a run of the paid request writes that knows nothing of the deletion."""
    world.live_pieces.put(JOB_ID, 1, 2, b"a late piece")
    world.live_streams.save(LiveStream.new(f"hash of {JOB_ID}", JOB_ID, 1, NOON).with_piece(3997))


def test_pieces_of_a_live_song_that_come_after_its_deletion_are_deleted_when_no_run_is_left(tmp_path: Path) -> None:
    world = world_of(live_job(), tmp_path)
    delete(world)
    found = world.stored(JOB_ID)
    assert (files_of(world), found.erasing_until, found.check_at) == (0, *[NOON + SWEPT_AGAIN_AFTER] * 2)
    late_piece(world)
    world.clock.pass_seconds(SWEPT_AGAIN_AFTER.total_seconds() - 1)
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts()
    world.clock.pass_seconds(1)
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts(due=1, erased=1)
    found = world.stored(JOB_ID)
    assert (files_of(world), found.erasing_until, found.check_at) == (0, None, None)
    assert world.lost == []


@pytest.mark.parametrize(("dies_at", "when"), MOMENTS[4:])
def test_a_deletion_of_a_live_song_that_dies_is_swept_again_too(tmp_path: Path, dies_at: int, when: str) -> None:
    world = world_of(live_job(), tmp_path)
    killed(world, dies_at, when)
    world.clock.pass_seconds(60)
    reap_jobs(reap_ports(world.lose), world.clock())
    assert world.stored(JOB_ID).check_at == NOON + SWEPT_AGAIN_AFTER
    late_piece(world)
    world.clock.now = NOON + SWEPT_AGAIN_AFTER
    reap_jobs(reap_ports(world.lose), world.clock())
    found = world.stored(JOB_ID)
    assert (files_of(world), found.erasing_until, found.check_at) == (0, None, None)


def test_deleting_a_live_song_again_changes_nothing_about_its_sweep(tmp_path: Path) -> None:
    world = world_of(live_job(), tmp_path)
    delete(world)
    first = world.stored(JOB_ID)
    late_piece(world)
    delete(world)
    assert (files_of(world), world.stored(JOB_ID)) == (0, first)


def test_a_rescue_of_a_deleted_live_song_goes_on_before_the_sweep(tmp_path: Path) -> None:
    lease = RescueLease(holder="run-1", until=NOON + timedelta(seconds=90))
    world = world_of(live_job().model_copy(update={"rescue": Rescue(starts=1, lease=lease)}), tmp_path)
    delete(world)
    assert world.stored(JOB_ID).check_at == lease.until
    world.clock.now = lease.until
    assert reap_jobs(reap_ports(world.lose), world.clock()) == counts(due=1, rescued=1)


def counts(**what: int) -> dict[str, int]:
    """What a run of the reaper did, where it did nothing else."""
    nothing = dict.fromkeys(("due", "started", "settled", "put_off", "rescued", "erased", "skipped", "lost"), 0)
    return {**nothing, **what}


def test_deleting_a_deleted_job_deletes_what_a_late_run_left(tmp_path: Path) -> None:
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
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-2").kind is StepKind.FAILED
    assert settle_job(JOB_ID, None, settle_ports(), NOON) is JobStatus.FAILED
    assert (world.stored(JOB_ID), world.upstream.posts, world.events.published) == (tombstone, 0, [])


def test_an_unpublished_end_is_published_although_the_job_was_deleted(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    delete(world)
    settle_job(JOB_ID, None, settle_ports(), NOON)
    assert [event.detail_type for event in world.events.published] == ["Music Job Succeeded"]
    assert world.stored(JOB_ID).check_at is None


def test_a_write_in_between_is_kept(tmp_path: Path) -> None:
    world = world_of(delivered_job(), tmp_path)
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), NOON)
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
    tombstone = tombstone_of(ended(store), NOON)
    store.forget(tombstone)
    assert store.load(JOB_ID) == tombstone


def test_a_tombstone_stays_in_the_index_until_its_files_are_gone() -> None:
    with mock_aws():
        transactions = DynamoTransactions(dynamodb_with_table(*FUNDED_WALLETS), TABLE)
        store, due = DynamoJobStore(transactions), DynamoDueJobs(transactions)
        told = ended(store).published()
        store.save(told)
        tombstone = tombstone_of(told, NOON)
        store.forget(tombstone)
        assert list(due.find(NOON + ERASED_WITHIN - timedelta(milliseconds=1))) == []
        assert list(due.find(NOON + ERASED_WITHIN)) == [JOB_ID]
        store.save(erased(tombstone, NOON))
        assert (store.load(JOB_ID), list(due.find(NOON + ERASED_WITHIN))) == (erased(tombstone, NOON), [])


@pytest.mark.parametrize("first", ["JOB", "REQUEST", "ATTEMPT#0001"])
def test_a_tombstone_with_an_expired_item_is_not_found_and_breaks_nothing(first: str) -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        world = World()
        world.jobs = store = cast("Any", DynamoJobStore(DynamoTransactions(client, TABLE)))
        store.forget(tombstone_of(ended(store), NOON))
        key = {"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": first}}
        assert "Attributes" in client.delete_item(TableName=TABLE, Key=key, ReturnValues="ALL_OLD")
        with pytest.raises(NotFoundError):
            find_job(JOB_ID, "acme", store)
        if first == "ATTEMPT#0001":
            delete_job(JOB_ID, "acme", delete_ports(), NOON)
        else:
            with pytest.raises(NotFoundError):
                delete_job(JOB_ID, "acme", delete_ports(), NOON)


def test_a_job_that_is_no_tombstone_and_has_no_request_is_not_taken_for_an_unknown_one() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        store = DynamoJobStore(DynamoTransactions(client, TABLE))
        ended(store)
        client.delete_item(TableName=TABLE, Key={"pk": {"S": f"JOB#{JOB_ID}"}, "sk": {"S": "REQUEST"}})
        with pytest.raises(UnreadableRecordError, match=f"JOB#{JOB_ID} cannot be read: KeyError"):
            store.load(JOB_ID)


def test_a_tombstone_that_another_run_wrote_meanwhile_is_not_noted_as_erased(store: JobStore) -> None:
    tombstone = tombstone_of(ended(store), NOON)
    store.forget(tombstone)
    store.save(newer(tombstone))
    with pytest.raises(StaleRecordError):
        store.save(erased(tombstone, NOON))
    assert store.load(JOB_ID) == newer(tombstone)


def test_a_job_that_another_run_wrote_meanwhile_is_not_forgotten(store: JobStore) -> None:
    job = ended(store)
    store.save(job.published())
    with pytest.raises(StaleRecordError):
        store.forget(tombstone_of(job, NOON))
    assert store.load(JOB_ID) == job.published()


def test_every_item_of_a_tombstone_expires_after_fourteen_days_and_holds_no_content() -> None:
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        store = DynamoJobStore(DynamoTransactions(client, TABLE))
        tombstone = tombstone_of(ended(store), NOON)
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


def test_the_files_of_one_job_are_deleted_with_the_parts_of_a_cut_upload(bucket: "S3Client") -> None:
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
def test_files_that_cannot_be_deleted_are_a_retryable_error(bucket: "S3Client", operation: str) -> None:
    bucket.put_object(Bucket=BUCKET, Key=f"staging/{JOB_ID}/1", Body=b"x")
    AnswersInstead(bucket, operation, aws_error("SlowDown", "canary"))
    with pytest.raises(TransientError, match="try again") as caught:
        S3AnswerStore(bucket, BUCKET).forget(JOB_ID)
    assert "canary" not in str(caught.value)
