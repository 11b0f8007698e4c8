"""Webhooks from a job's end to a receiver on this machine, verified with the published library."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fermata.domain.webhooks.delivery import SCHEDULE_S
from tests.documents import named_scripts
from tests.integration.song import Cloud, request
from tests.integration.webhook_receiver import Received, Receiver, receiving
from tests.support.loopback import closed_port

SCALE = 1_000_000
"""Three days of tries take less than a second."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def own_port() -> int:
    """Where the receiver of the documents will listen."""
    return closed_port()


@pytest.fixture(scope="module")
def cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("--provider-latency", "0.1", "--time-scale", str(SCALE))


@pytest.fixture(scope="module")
def secret(cloud: Cloud, receiver: Receiver) -> str:
    """The secret of the tenant, who listens at /hook, as the operator's command shows it."""
    return str(cloud.admin("set-webhook", cloud.line["tenant"], f"{receiver.origin}/hook").done()["secret"])


def listen(cloud: Cloud, url: str | None) -> dict[str, Any]:
    return cloud.manage(action="set_webhook", tenant_id=cloud.line["tenant"], url=url)


def tries(cloud: Cloud, job_id: str) -> list[dict[str, Any]]:
    with cloud.http() as http:
        return list(http.get(f"/v1/jobs/{job_id}/webhooks").raise_for_status().json()["data"])


def told(cloud: Cloud, job_id: str, outcome: str) -> list[dict[str, Any]]:
    """The tries of a delivery that has ended like this."""
    cloud.until(lambda: [each["outcome"] for each in tries(cloud, job_id)][-1:] == [outcome])
    return tries(cloud, job_id)


def posts_about(receiver: Receiver, job_id: str) -> list[Received]:
    return [post for post in receiver.posts if post.id.startswith(job_id)]


def replay(cloud: Cloud, job_id: str) -> tuple[int, dict[str, Any]]:
    with cloud.http() as http:
        answer = http.post(f"/v1/jobs/{job_id}/webhooks/replay")
    return answer.status_code, dict(answer.json())


def delivery_input(cloud: Cloud, name: str) -> str:
    """Everything that the delivery's execution received and passed on."""
    machine = cloud.line["outputs"]["WebhookDeliveryMachineArn"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
    pages = cloud.aws("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=arn)
    return str([event for page in pages for event in page["events"]])


def test_a_finished_job_is_delivered_once_with_a_valid_signature(cloud: Cloud, receiver: Receiver, secret: str) -> None:
    job = cloud.made(request("told by webhook"))
    (attempt,) = told(cloud, job["id"], "delivered")
    (post,) = posts_about(receiver, job["id"])
    content = post.verified(secret)
    assert (post.path, content["type"], content["timestamp"]) == ("/hook", "job.succeeded", job["finished_at"])
    assert content["data"]["job_id"] == job["id"]
    assert (attempt["origin"], attempt["status_code"], attempt["next_try_at"]) == (receiver.origin, 204, None)


def test_a_receiver_that_never_takes_it_is_tried_ten_times_under_one_id(
    cloud: Cloud, receiver: Receiver, secret: str
) -> None:
    job = cloud.made(request("told in vain", callback_url=f"{receiver.origin}/busy?token=canary"))
    listed = told(cloud, job["id"], "given_up")
    received = posts_about(receiver, job["id"])
    assert len(received) == len(SCHEDULE_S) == len(listed)
    assert {post.id for post in received} == {f"{job['id']}_succeeded"}
    assert len({post.body for post in received}) == 1
    assert {post.verified(secret)["type"] for post in received} == {"job.succeeded"}
    times = [int(post.headers["webhook-timestamp"]) for post in received]
    assert times == sorted(times)
    assert [each["number"] for each in listed] == list(range(1, 11))
    assert {each["status_code"] for each in listed} == {503}
    assert "canary" not in str(listed) + delivery_input(cloud, f"{job['id']}.succeeded")
    assert cloud.job(job["id"])["status"] == "succeeded"


def test_a_redirect_is_a_failed_try_and_leads_nowhere(cloud: Cloud, receiver: Receiver, secret: str) -> None:
    assert secret
    job = cloud.made(request("told elsewhere", callback_url=f"{receiver.origin}/redirect"))
    listed = told(cloud, job["id"], "given_up")
    assert {each["status_code"] for each in listed} == {302}
    assert receiver.at("/elsewhere") == []


def test_an_endpoint_that_is_gone_receives_no_more_until_it_is_set_again(
    cloud: Cloud, receiver: Receiver, secret: str
) -> None:
    assert secret
    listen(cloud, f"{receiver.origin}/gone")
    job = cloud.made(request("told nobody"))
    assert [each["status_code"] for each in told(cloud, job["id"], "gone")] == [410]
    assert replay(cloud, job["id"])[1]["type"] == "urn:fermata:problem:no_webhook"
    assert "secret" not in listen(cloud, f"{receiver.origin}/hook")
    status, answer = replay(cloud, job["id"])
    assert (status, answer["replay"], answer["webhook_id"]) == (202, 1, f"{job['id']}_succeeded")
    assert [each["replay"] for each in told(cloud, job["id"], "delivered")] == [0, 1]
    gone, arrived = posts_about(receiver, job["id"])
    assert (gone.id, gone.body) == (arrived.id, arrived.body)
    assert (gone.path, arrived.path) == ("/gone", "/hook")


def test_while_a_secret_is_replaced_both_hold(cloud: Cloud, receiver: Receiver, secret: str) -> None:
    changed = cloud.manage(action="rotate_webhook_secret", tenant_id=cloud.line["tenant"])
    job = cloud.made(request("told under two secrets"))
    told(cloud, job["id"], "delivered")
    (post,) = posts_about(receiver, job["id"])
    assert len(post.signatures) == 2
    assert post.verified(secret) == post.verified(changed["secret"])


def test_nothing_of_a_secret_or_an_address_is_in_logs_or_beside_its_place(
    cloud: Cloud, receiver: Receiver, secret: str
) -> None:
    job = cloud.made(request("delivered and logged", callback_url=f"{receiver.origin}/hook?token=canary"))
    told(cloud, job["id"], "delivered")
    log = Path(cloud.line["logs_dir"]) / "DeliverWebhookFunction.jsonl"
    cloud.until(lambda: b"webhook tried" in log.read_bytes())
    logs = {path.name: path.read_bytes() for path in log.parent.iterdir()}
    assert [name for name, text in logs.items() if secret.encode() in text or b"token=canary" in text] == []
    items = cloud.aws("dynamodb").scan(TableName=cloud.line["outputs"]["TableName"])["Items"]
    assert {item["pk"]["S"].partition("#")[0] for item in items if secret in str(item)} == {"WEBHOOK_SECRET"}


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def test_the_receiver_of_the_documents_verifies_a_job(cloud: Cloud, secret: str, own_port: int, tmp_path: Path) -> None:
    code = named_scripts()["receive.py"]
    file = tmp_path / "receive.py"
    file.write_text(code.replace("9000", str(own_port)), "utf-8")
    current = cloud.manage(action="rotate_webhook_secret", tenant_id=cloud.line["tenant"])["secret"]
    assert current != secret
    with subprocess.Popen([sys.executable, str(file), current], stdout=subprocess.PIPE, text=True) as receiving:
        try:
            cloud.until(lambda: is_listening(own_port))
            job = cloud.made(request("told to the documents", callback_url=f"http://127.0.0.1:{own_port}/hook"))
            told(cloud, job["id"], "delivered")
        finally:
            receiving.terminate()
        said = receiving.stdout.read() if receiving.stdout else ""
    assert said == f"{job['id']}_succeeded job.succeeded {job['id']}\n"


def test_a_tenant_sets_tests_rotates_and_removes_its_webhook_over_http_alone(cloud: Cloud, receiver: Receiver) -> None:
    cloud.manage(action="create_tenant", tenant_id="listener")
    scopes = ["account:manage", "jobs:write", "jobs:read"]
    key = cloud.manage(action="issue_key", tenant_id="listener", scopes=scopes)["api_key"]
    cloud.manage(action="grant", tenant_id="listener", credits=100)
    with cloud.http(key) as http:
        assert http.post("/v1/webhook/test").status_code == 409
        assert http.put("/v1/webhook", json={"url": "https://10.0.0.1/"}).status_code == 422
        first = http.put("/v1/webhook", json={"url": f"{receiver.origin}/own"}).json()["secret"]
        tested = http.post("/v1/webhook/test").json()
        assert (tested["delivered"], tested["status_code"], tested["origin"]) == (True, 204, receiver.origin)
        (post,) = posts_about(receiver, tested["webhook_id"])
        assert (post.path, post.verified(first)["type"]) == ("/own", "webhook.test")

        second = http.post("/v1/webhook/rotate", json={"overlap_s": 0}).json()["secret"]
        job = http.post("/v1/jobs", json=request("told to a tenant that set its webhook itself")).json()
        cloud.until(lambda: bool(posts_about(receiver, job["id"])))
        (post,) = posts_about(receiver, job["id"])
        assert post.verified(second)["data"]["job_id"] == job["id"]

        assert http.put("/v1/webhook", json={"url": f"{receiver.origin}/gone"}).json()["secret"] is None
        refused = http.post("/v1/webhook/test").json()
        assert (refused["delivered"], refused["status_code"]) == (False, 410)
        assert http.get("/v1/webhook").json()["disabled_at"] is None
        assert http.delete("/v1/webhook").status_code == 204
        shown = http.get("/v1/webhook").json()
        assert (shown["url"], shown["has_secret"]) == (None, True)


def test_this_machine_gets_webhooks_and_is_no_place_for_a_recording(cloud: Cloud, receiver: Receiver) -> None:
    order = request(
        "no recording here", model="minimax/music-cover", reference={"audio_url": f"{receiver.origin}/a.mp3"}
    )
    with cloud.http() as http:
        refused = http.post("/v1/jobs", json={**order, "callback_url": f"{receiver.origin}/hook"})
    assert refused.status_code == 422, refused.text
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/reference/audio_url"]
