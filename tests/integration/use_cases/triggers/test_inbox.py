"""Files in the inbox of a running cloud, by the shipped rule, reader, state machine and functions."""

import json
from collections.abc import Callable

import pytest

from tests.integration.song import Cloud, request
from tests.integration.use_cases.triggers.inbox import Inbox, batch, invocations

GOOD, BAD, REFUSED = 50, 6, 4
LINES = GOOD + BAD + REFUSED


@pytest.fixture(scope="module")
def still(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud of its own in which jobs are submitted and wait for the operator, so that they cost no time."""
    cloud = start_cloud("--provider-latency", "0", "--param", "RetryLaterSeconds=600", "--param", "StartBySeconds=3600")
    cloud.manage(action="pause", provider="all")
    return cloud


def test_a_file_of_60_lines_with_10_bad_ones_makes_50_jobs_once(still: Cloud) -> None:
    inbox, ran = Inbox.on(still), invocations(still, "IngestRequestFunction")
    body, bad_numbers = batch(GOOD, BAD, REFUSED)
    version = inbox.put_in("orders.jsonl", body)
    inbox.tell_again("orders.jsonl", version, len(body))
    told = inbox.told("orders.jsonl", "completed.json")

    assert (told["lines"], told["accepted"], told["bad"], told["refused"]) == (LINES, GOOD, BAD, REFUSED)
    assert (told["failed"], told["stopped_by"]) == (0, None)
    reported = [json.loads(line) for line in inbox.read(told["bad_lines"]).splitlines()]
    assert [each["line"] for each in reported] == bad_numbers
    accepted = [name for name in inbox.names("orders.jsonl/") if name.endswith(".accepted.json")]
    assert len(inbox.jobs_of(accepted)) == len(accepted) == GOOD

    inbox.tell_again("orders.jsonl", version, len(body))
    # Twice as a notification and once as what the bucket itself sent; none for results and manifests.
    still.until(lambda: invocations(still, "IngestRequestFunction") == ran + 3)
    assert invocations(still, "SubmitLineFunction") == GOOD + REFUSED
    assert still.count("queued") == GOOD


def test_versions_that_are_announced_in_the_wrong_order_are_one_job_each(still: Cloud) -> None:
    inbox, before = Inbox.on(still), still.count("queued")
    bodies = [json.dumps(request(f"version {number}")).encode() for number in (1, 2)]
    versions = [inbox.put_in("song.json", body) for body in bodies]
    for number in (1, 0):
        inbox.tell_again("song.json", versions[number], len(bodies[number]))
    still.until(lambda: len(inbox.names("song.json/")) == 2)
    assert len(inbox.jobs_of(inbox.names("song.json/"))) == 2
    still.until(lambda: still.count("queued") == before + 2)


ODD_NAMES = (
    *("two words", "a+b", "100%", "a%20b%2Bc", "Lied für Mäx ♫"),
    *("e\u0301 and \u00e9", "q?x=1&y#z", "'\"<>\\"),
)
"""Names that S3's older notifications encode for URLs; EventBridge has every key as it was put."""


def test_a_file_is_found_under_the_very_name_that_it_was_put_in_with(still: Cloud) -> None:
    inbox = Inbox.on(still)
    body = json.dumps(request("a name as a person writes it")).encode()
    for name in ODD_NAMES:
        # One after the other, because a tenant may run few batches at once.
        inbox.put_in(f"{name}.json", body)
        inbox.put_in(f"{name}.jsonl", body)
        assert inbox.told(f"{name}.json", "result.json")["status"] == "accepted", name
        told = inbox.told(f"{name}.jsonl", "completed.json")
        assert (told["lines"], told["accepted"]) == (1, 1), name
        assert told["file"]["key"] == f"requests/{inbox.tenant_id}/{name}.jsonl"


def test_a_file_of_a_tenant_whose_inbox_is_off_is_only_reported(still: Cloud) -> None:
    inbox, before = Inbox.on(still), still.count("queued")
    still.manage(action="set_triggers", tenant_id=inbox.tenant_id, inbox=False)
    inbox.put_in("song.json", json.dumps(request("not taken")).encode())
    told = inbox.told("song.json", "result.json")
    assert told["problem"]["type"] == "urn:fermata:problem:trigger_off"
    assert still.count("queued") == before


def test_a_batch_that_is_stopped_is_reported_and_its_jobs_stay(still: Cloud) -> None:
    inbox = Inbox.on(still)
    limits = {"submits_per_minute": 1, "concurrent_jobs": 100}
    still.manage(action="set_plan", tenant_id=inbox.tenant_id, plan="prepaid", **limits)
    inbox.put_in("slow.jsonl", batch(8, 1, 1)[0])
    still.until(lambda: [name for name in inbox.names("slow.jsonl/") if name.endswith(".accepted.json")])
    machines = still.aws("stepfunctions")
    running = machines.list_executions(
        stateMachineArn=still.line["outputs"]["BatchMachineArn"], statusFilter="RUNNING"
    )["executions"]
    for execution in running:
        machines.stop_execution(executionArn=execution["executionArn"])
    told = inbox.told("slow.jsonl", "completed.json")
    assert told["stopped_by"] == "Execution.ABORTED"
    assert told["accepted"] + told["failed"] + told["refused"] == 9
    assert told["accepted"] >= 1
    assert told["failed"] >= 1
