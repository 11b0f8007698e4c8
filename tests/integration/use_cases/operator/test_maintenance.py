"""What stops a tenant, or everything, on the whole cloud with its roles' rights; and dead letters sent again."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.integration.song import Cloud, request

AIML = "aimlapi/minimax/music-2.0"
EVERYTHING = ("account:manage", "account:read", "jobs:read", "jobs:write")
SUSPENDED = "urn:fermata:problem:tenant_suspended"


@contextmanager
def tenant_of(cloud: Cloud, name: str) -> Iterator[httpx.Client]:
    """A tenant with 1,000 credits and a key for everything."""
    cloud.admin("create-tenant", name).done()
    cloud.admin("grant", name, 1000).done()
    scopes = [word for scope in EVERYTHING for word in ("--scope", scope)]
    with cloud.http(cloud.admin("issue-key", name, *scopes).done()["api_key"]) as http:
        yield http


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"]


def test_a_suspended_tenant_orders_and_changes_nothing_at_once_with_a_key_that_the_gateway_remembers(
    cloud: Cloud,
) -> None:
    with tenant_of(cloud, "halted") as tenant:
        assert tenant.get("/v1/account").status_code == 200
        assert cloud.admin("suspend-tenant", "halted").done()["changed"] is True
        for answer in (
            tenant.post("/v1/jobs", json=request("never made")),
            tenant.post("/v1/keys", json={}),
            tenant.put("/v1/webhook", json={"url": "https://example.com/"}),
            tenant.post("/v1/webhook/test", json={}),
            tenant.post("/v1/references", json={"content_type": "audio/mpeg", "bytes": 1000}),
        ):
            assert refusal(answer) == (403, SUSPENDED)
        assert tenant.get("/v1/jobs").status_code == tenant.get("/v1/keys").status_code == 200
        assert cloud.admin("show-tenant", "halted").done()["suspended_at"]
        assert cloud.admin("resume-tenant", "halted").done()["suspended_at"] is None
        assert tenant.post("/v1/keys", json={}).status_code == 201


@pytest.fixture
def standing(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud that orders nothing from aimlapi, on which orders wait for as long as a slow machine needs."""
    cloud = start_cloud("--provider-latency", "0.1", "--param", "StartBySeconds=3600")
    cloud.admin("pause", "aimlapi").done()
    return cloud


def test_waiting_jobs_are_canceled_and_refunded_and_during_maintenance_no_order_is_taken(standing: Cloud) -> None:
    counts = {"canceled": 3, "followed": 0, "ended": 0, "failed": 0, "refunded_credits": 117}
    which = ("cancel-all", "--tenant", "waiter", "--provider", "aimlapi")
    with tenant_of(standing, "waiter") as tenant:
        orders = [tenant.post("/v1/jobs", json=request(f"waits for its turn {n}", model=AIML)) for n in range(3)]
        ids = [answer.raise_for_status().json()["id"] for answer in orders]
        assert standing.admin("drain").done()["open_jobs"] >= len(ids)
        answer = tenant.post("/v1/jobs", json=request("comes during maintenance", model=AIML))
        assert refusal(answer) == (503, "urn:fermata:problem:draining")
        assert answer.headers["Retry-After"] == "60"
        assert standing.admin("status").done()["draining_since"]
        assert standing.admin(*which, "--dry-run").done() == {**counts, "dry_run": True}
        assert standing.admin(*which).done() == {**counts, "dry_run": False}
        assert {tenant.get(f"/v1/jobs/{job_id}").json()["status"] for job_id in ids} == {"canceled"}
        assert tenant.get("/v1/account").json()["balance_credits"] == 1000
        assert standing.admin("drain", "--end").done()["draining_since"] is None


def test_dead_letters_are_taken_by_their_function_and_poison_stays(cloud: Cloud) -> None:
    job = cloud.made(request("settled twice"))
    execution = cloud.ended_execution(job["id"])
    url, function = json.loads(cloud.line["outputs"]["DeadLetterQueues"])["settle-job"]
    on_the_bus = {
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": execution, "name": job["id"], "status": "FAILED"},
    }
    arn = cloud.aws("lambda").get_function(FunctionName=function)["Configuration"]["FunctionArn"]
    (rule,) = cloud.aws("events").list_rule_names_by_target(TargetArn=f"{arn}:live")["RuleNames"]
    rule_arn = cloud.aws("events").describe_rule(Name=rule)["Arn"]
    sqs = cloud.aws("sqs")
    sqs.send_message(
        QueueUrl=url,
        MessageBody=json.dumps(on_the_bus),
        MessageAttributes={"RULE_ARN": {"DataType": "String", "StringValue": rule_arn}},
    )
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": job["id"]}))
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"job_id": "job_of_nobody"}))
    assert cloud.admin("redrive", "settle-job", "--dry-run").done()["stayed"] == 3
    told = cloud.admin("redrive", "settle-job").done()
    assert (told["redriven"], told["stayed"]) == (2, 1), told
    assert [each["refused_with"] for each in told["messages"] if each["refused_with"]] == ["NotFoundError"]
    (left,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(left["Body"]) == {"job_id": "job_of_nobody"}
    assert cloud.job(job["id"])["status"] == "succeeded"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=left["ReceiptHandle"])
