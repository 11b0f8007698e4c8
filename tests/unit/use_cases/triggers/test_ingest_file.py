"""A file in the inbox is one job, or is reported beside it; nothing is stored for what is refused."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from fermata.domain.money.wallet import Plan
from fermata.domain.orders.idempotency import KEPT_FOR
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.tenants.plan_limits import TRIGGER_CALLS, PlanLimits
from fermata.domain.tenants.tenant import Tenant
from fermata.domain.triggers.inbox import InboxFile, LineOfFile, read_created
from fermata.domain.triggers.senders import Change
from fermata.errors import InvalidRequestError, NotStartedError, TransientError
from fermata.use_cases.operator.set_triggers import set_triggers
from fermata.use_cases.orders.delete_job import delete_job
from fermata.use_cases.triggers.ingest_file import ingest_file
from fermata.use_cases.triggers.submit_line import submit_line
from fermata.wiring.accounts import call_meter
from fermata.wiring.orders import delete_ports
from fermata.wiring.triggers import file_ports, line_ports
from tests.fakes.clock import NOON
from tests.fakes.triggers.inbox_store import PUT_AT
from tests.fakes.world import World
from tests.functions import FakeContext, wired_app
from tests.songs import LYRICS, PROMPT

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
GOOD = json.dumps(BODY).encode()
KEY = "requests/acme/2026/song.json"


@pytest.fixture
def world() -> World:
    world = World()
    for tenant_id in ("acme", "off"):
        world.tenants.create_tenant(Tenant(tenant_id=tenant_id, created_at=NOON))
    set_triggers("acme", Change(inbox=True), world.triggers)
    return world


def created(file: InboxFile) -> dict[str, Any]:
    """S3's notification of a file, as EventBridge hands it over."""
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2026-11-21T12:00:00Z",
        "region": "eu-west-1",
        "resources": [f"arn:aws:s3:::{file.bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": file.bucket},
            "object": {
                "key": file.key,
                "size": file.size_bytes,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": file.version_id,
                "sequencer": "617f08299329d189",
            },
            "request-id": "N4N7GDK58NMKJ12R",
            "requester": "111122223333",
            "reason": "PutObject",
        },
    }


def put_in(world: World, body: bytes, key: str = KEY, version_id: str = "v1") -> InboxFile:
    """A file that was put in, with its notification sent."""
    file = world.inbox.put_in(key, body, version_id)
    tell_of(file)
    return file


def tell_of(file: InboxFile, now: datetime = NOON) -> None:
    ingest_file(created(file), file_ports(), now)


def result_of(world: World, file: InboxFile) -> dict[str, Any]:
    return world.inbox.document(f"{file.results}result.json")


def refused(world: World, file: InboxFile) -> str:
    """The problem of a file for which nothing was stored or started."""
    assert (len(world.jobs), world.machine.started, world.batches.started) == (0, [], {})
    result = result_of(world, file)
    assert (result["status"], result["job_id"], result["problem"]["charged"]) == ("refused", None, "no")
    return str(result["problem"]["type"]).rpartition(":")[2]


def test_a_file_becomes_a_job_of_the_tenant_under_whose_prefix_it_lies(world: World) -> None:
    file = put_in(world, GOOD)
    job = world.stored(world.machine.started[0])
    assert (job.tenant_id, job.request.prompt) == ("acme", PROMPT)
    assert result_of(world, file) == {
        "object": "inbox_result",
        "file": {"key": KEY, "version_id": "v1"},
        "line": None,
        "status": "accepted",
        "job_id": job.id,
        "problem": None,
    }
    (name,) = world.inbox.written
    assert name == f"results/acme/2026/song.json/{file.run}/result.json"


def test_a_file_and_a_line_of_a_file_may_leave_the_choice_of_their_model_to_fermata(world: World) -> None:
    auto = json.dumps({**BODY, "model": "auto"}).encode()
    put_in(world, auto)
    file = put_in(world, auto, "requests/acme/songs.jsonl")
    line = LineOfFile(file=file, line=1, start=0, length=len(auto))
    assert submit_line(line, line_ports(), NOON) == "accepted"
    jobs = [world.stored(job_id) for job_id in world.machine.started]
    assert [job.ordered_model for job in jobs] == ["minimax/music-1.5"] * 2


def test_a_notification_that_comes_twice_makes_no_second_job(world: World) -> None:
    file = put_in(world, GOOD)
    tell_of(file)
    assert len(world.jobs) == 1


def test_a_notification_that_comes_after_the_receipt_has_gone_makes_no_second_job(world: World) -> None:
    file = put_in(world, GOOD)
    tell_of(file, NOON + 2 * KEPT_FOR)
    assert len(world.jobs) == 1


def test_a_run_that_died_before_it_wrote_the_result_makes_no_second_job(world: World) -> None:
    file = world.inbox.put_in(KEY, GOOD)
    world.inbox.failure = TransientError("no bucket")
    with pytest.raises(TransientError):
        tell_of(file)
    world.inbox.failure = None
    tell_of(file)
    assert result_of(world, file)["job_id"] == world.machine.started[0]
    assert len(world.jobs) == 1


@pytest.mark.parametrize("later", [timedelta(hours=25), timedelta(days=14)], ids=["a day", "two weeks"])
def test_a_notification_that_is_sent_again_long_after_its_result_was_lost_makes_no_second_job(
    world: World, later: timedelta
) -> None:
    file = world.inbox.put_in(KEY, GOOD)
    world.inbox.failure = TransientError("no bucket")
    with pytest.raises(TransientError):
        tell_of(file)
    world.inbox.failure = None
    job = world.stored(world.machine.started[0])
    world.jobs.settle(job.canceled(NOON))
    delete_job(job.id, "acme", delete_ports(), NOON)
    tell_of(file, NOON + later)
    assert (result_of(world, file)["job_id"], len(world.jobs), world.machine.started) == (job.id, 1, [job.id])
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "refund"]


def test_each_version_of_a_file_is_a_job_whose_id_sorts_by_upload_time(world: World) -> None:
    first, second = (put_in(world, GOOD, version_id=version) for version in ("v1", "v2"))
    ids = [result_of(world, file)["job_id"] for file in (first, second)]
    assert len(set(ids)) == 2
    assert all(job_id.startswith(new_job_id(PUT_AT, bytes(10))[:14]) for job_id in ids)


def test_a_job_that_could_not_be_started_is_started_when_the_notification_comes_again(world: World) -> None:
    file = world.inbox.put_in(KEY, GOOD)
    world.machine.failure = TransientError("no machine")
    with pytest.raises(NotStartedError):
        tell_of(file)
    world.machine.failure = None
    tell_of(file)
    assert len(world.jobs) == len(world.machine.started) == 1


def test_notifications_in_the_wrong_order_are_one_job_for_each_version(world: World) -> None:
    first = world.inbox.put_in(KEY, GOOD, "v1")
    second = world.inbox.put_in(KEY, json.dumps({**BODY, "prompt": "second"}).encode(), "v2")
    for file in (second, first, second, first):
        tell_of(file)
    prompts = [world.stored(job_id).request.prompt for job_id in world.machine.started]
    assert prompts == ["second", PROMPT]
    assert result_of(world, first)["job_id"] == world.machine.started[1]


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        pytest.param(b"", "malformed_body", id="empty"),
        pytest.param(b"nonsense", "malformed_body", id="not JSON"),
        pytest.param(b'{"model":"\xff"}', "malformed_body", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, "malformed_body", id="byte order mark"),
        pytest.param(b'{"model":"a",' + GOOD[1:], "malformed_body", id="a name twice"),
        pytest.param(GOOD + b"\n" + GOOD, "malformed_body", id="two documents"),
        pytest.param(b"[]", "invalid_request", id="an array"),
        pytest.param(b"{}", "invalid_request", id="no model"),
        pytest.param(b'{"tenant_id":"other",' + GOOD[1:], "invalid_request", id="a tenant of its own"),
        pytest.param(b'{"idempotency_key":"k",' + GOOD[1:], "invalid_request", id="a key of its own"),
        pytest.param(GOOD + b" " * 140_000, "body_too_large", id="huge"),
    ],
)
def test_a_bad_file_is_reported_with_its_problem(world: World, body: bytes, slug: str) -> None:
    assert refused(world, put_in(world, body)) == slug


def test_a_file_that_is_longer_than_its_notification_says_is_refused_and_not_read_whole(world: World) -> None:
    file = world.inbox.put_in(KEY, GOOD + b" " * 140_000).model_copy(update={"size_bytes": 9})
    tell_of(file)
    assert refused(world, file) == "body_too_large"


def test_a_file_without_a_known_ending_is_reported(world: World) -> None:
    assert refused(world, put_in(world, GOOD, "requests/acme/song.txt")) == "invalid_request"


def test_a_version_that_was_deleted_meanwhile_is_reported(world: World) -> None:
    file = world.inbox.put_in(KEY, GOOD)
    world.inbox.versions.clear()
    tell_of(file)
    assert refused(world, file) == "not_found"


@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_a_file_of_a_tenant_whose_inbox_is_off_is_reported_and_stays_refused(world: World, ending: str) -> None:
    file = put_in(world, GOOD, f"requests/off/song.{ending}")
    assert refused(world, file) == "trigger_off"
    set_triggers("off", Change(inbox=True), world.triggers)
    tell_of(file)
    assert refused(world, file) == "trigger_off"


@pytest.mark.parametrize(
    "key",
    [
        "requests/nobody/song.json",
        "requests/song.json",
        "requests/",
        "requests/acme/",
        "requests/acme/folder/",
        "requests//song.json",
        "requests/ACME/song.json",
        "requests/acme.json",
        "results/acme/song.json",
        "manifests/acme/song.json",
        "requests/../acme/song.json",
    ],
)
def test_a_file_of_no_tenant_leaves_nothing_behind(world: World, key: str) -> None:
    put_in(world, GOOD, key)
    assert (world.inbox.written, len(world.jobs), world.inbox.opened) == ({}, 0, 0)


@pytest.mark.parametrize("missing", ["detail", "bucket", "object", "key", "version-id"])
def test_a_notification_without_a_field_is_reported_and_stores_nothing(world: World, missing: str) -> None:
    event = created(world.inbox.put_in(KEY, GOOD))
    for owner in (event, event["detail"], event["detail"]["object"]):
        owner.pop(missing, None)
    ingest_file(event, file_ports(), NOON)
    (told,) = world.events.published
    assert (told.detail_type, told.detail["request_source"]) == ("Music Job Refused", "aws.s3")
    assert (world.inbox.written, len(world.jobs)) == ({}, 0)


def test_a_versionless_bucket_is_a_missing_field() -> None:
    event = created(InboxFile(bucket="inbox", key=KEY, version_id="", size_bytes=1))
    with pytest.raises(InvalidRequestError) as refusal:
        read_created(event)
    assert [field.pointer for field in refusal.value.fields] == ["/detail/object/version-id"]


def test_the_result_of_a_file_with_a_very_long_name_fits_into_an_s3_key(world: World) -> None:
    key = f"requests/acme/{'ü' * 500}.json"
    file = put_in(world, GOOD, key[:506] + ".json")
    assert all(len(name.encode()) <= 1024 for name in world.inbox.written)
    assert result_of(world, file)["status"] == "accepted"


def test_the_function_takes_files_and_events(world: World) -> None:
    app = wired_app("ingest_request", world)
    file = world.inbox.put_in(KEY, GOOD)
    assert app.lambda_handler(created(file), FakeContext()) == {"job_id": None}
    assert result_of(world, file)["status"] == "accepted"


def test_refused_files_are_counted_and_beyond_the_bound_refused_as_retryable(world: World) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(trigger_calls_per_minute=2))
    good = put_in(world, GOOD)
    for version in ("v2", "v3"):
        assert result_of(world, put_in(world, b"{", version_id=version))["status"] == "refused"
    late = put_in(world, GOOD, version_id="v4")
    problem = result_of(world, late)["problem"]
    assert (problem["type"], problem["retryable"]) == ("urn:fermata:problem:rate_limited", True)
    assert (result_of(world, good)["status"], len(world.jobs)) == ("accepted", 1)
    world.clock.pass_seconds(60)
    again = world.inbox.put_in(KEY, GOOD, "v5")
    tell_of(again)
    assert result_of(world, again)["status"] == "accepted"


def test_a_notification_that_comes_again_is_counted_and_a_file_of_lines_always(world: World) -> None:
    file = put_in(world, GOOD)
    assert "acme" not in world.wallets.calls.minutes
    tell_of(file)
    put_in(world, GOOD + b"\n", "requests/acme/batch.jsonl")
    left = call_meter(TRIGGER_CALLS).known("acme", NOON)
    assert left is not None
    assert left.remaining == 598


def test_a_file_of_no_tenant_leaves_no_counter(world: World) -> None:
    put_in(world, GOOD, "requests/nobody/song.json")
    assert world.wallets.calls.writes == 0
