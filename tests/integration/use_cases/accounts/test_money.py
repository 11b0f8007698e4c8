"""Credits over HTTP on the whole cloud: what an order holds, what its end costs, and that repeating it is free."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from fermata.api.responses.job import Job
from fermata.domain.jobs.view import JobView
from fermata.domain.orders.idempotency import FirstAnswer, receipt_for
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import SongRequest
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains, ledger_in_dynamodb
from tests.integration.song import Cloud, request
from tests.songs import queued_job

PRICE = 30
FALLBACK = "aimlapi/minimax/music-2.0"


@dataclass(frozen=True)
class Customer:
    """A tenant of its own, so that no other tenant's orders count."""

    cloud: Cloud
    tenant_id: str
    api_key: str

    def post(self, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        with self.cloud.http(self.api_key) as http:
            return http.post("/v1/jobs", json=body, headers=headers)

    def insist(self, body: dict[str, Any], key: str) -> httpx.Response:
        """The answer to an order that is sent again where a busy machine did not answer it, as its key allows."""
        answers = (self.post(body, key) for _ in range(20))
        return next(answer for answer in answers if answer.status_code < 500)

    def order(self, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """The job of an order that is accepted."""
        answer = self.post(body, key)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def get(self, path: str) -> dict[str, Any]:
        with self.cloud.http(self.api_key) as http:
            return dict(http.get(path).raise_for_status().json())

    def account(self) -> tuple[int, int, int]:
        """Balance, held and spent."""
        account = self.get("/v1/account")
        assert account["tenant_id"] == self.tenant_id
        return account["balance_credits"], account["held_credits"], account["spent_credits"]

    def finished(self, job_id: str) -> dict[str, Any]:
        self.cloud.until(
            lambda: self.get(f"/v1/jobs/{job_id}")["status"] in ("succeeded", "failed"),
        )
        return self.get(f"/v1/jobs/{job_id}")

    def ledger(self) -> Ledger:
        return ledger_in_dynamodb(self.cloud.aws("dynamodb"), self.cloud.line["outputs"]["TableName"])

    def kinds(self) -> list[str]:
        """The kinds of its ledger's entries, which must explain its wallet."""
        ledger = self.ledger()
        entries = ledger.entries(self.tenant_id)
        assert_the_ledger_explains(ledger.wallet(self.tenant_id), entries)
        return [entry.kind.value for entry in entries]


def customer(cloud: Cloud, amount: int = 300) -> Customer:
    tenant_id = f"customer-{uuid4().hex[:12]}"
    cloud.manage(action="create_tenant", tenant_id=tenant_id)
    if amount:
        cloud.manage(action="grant", tenant_id=tenant_id, credits=amount)
    return Customer(cloud, tenant_id, cloud.manage(action="issue_key", tenant_id=tenant_id)["api_key"])


def test_a_delivered_song_costs_its_price_and_a_failed_one_nothing(cloud: Cloud) -> None:
    tenant = customer(cloud)
    delivered = tenant.order(request("a song that is paid for"))
    assert (delivered["charged"], delivered["price_credits"]) == ("held", PRICE)
    assert tenant.finished(delivered["id"])["charged"] == "yes"
    assert tenant.account() == (270, 0, 30)
    failed = tenant.order(request("a song that fails [[fault:code:1026]]"))
    assert tenant.finished(failed["id"])["charged"] == "refunded"
    assert tenant.account() == (270, 0, 30)
    assert tenant.kinds() == ["grant", "hold", "settle", "hold", "refund"]


def test_the_dearest_of_a_chain_is_held_and_only_the_delivered_model_is_paid(cloud: Cloud) -> None:
    tenant = customer(cloud, 39)
    job = tenant.order(request("the first of the chain sings", fallbacks=[FALLBACK]))
    assert job["price_credits"] == 39
    assert tenant.finished(job["id"])["price_credits"] == PRICE
    assert tenant.account() == (9, 0, 30)
    assert tenant.kinds() == ["grant", "hold", "settle", "refund"]


def test_a_killed_execution_gives_the_hold_back_once(cloud: Cloud) -> None:
    tenant = customer(cloud)
    job = tenant.order(request("killed while the provider is at it [[fault:hang:30]]"))
    machines = cloud.aws("stepfunctions")
    machines.stop_execution(executionArn=cloud.execution(job["id"]))
    assert tenant.finished(job["id"])["charged"] == "refunded"
    assert tenant.account() == (300, 0, 0)
    assert tenant.kinds() == ["grant", "hold", "refund"]


def test_an_order_that_the_wallet_cannot_cover_is_402_and_leaves_nothing(cloud: Cloud) -> None:
    tenant = customer(cloud, 29)
    before = cloud.stored_and_started()
    answer = tenant.post(request("too dear"), key="too-dear")
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (402, "application/problem+json")
    assert (problem["type"], problem["charged"], problem["retryable"]) == (
        "urn:fermata:problem:out_of_credit",
        "no",
        False,
    )
    assert (problem["balance_credits"], problem["price_credits"]) == (29, PRICE)
    assert "30 credits" in problem["detail"]
    assert "29 credits" in problem["detail"]
    assert cloud.left_since(before) == set()
    cloud.manage(action="grant", tenant_id=tenant.tenant_id, credits=1)
    assert tenant.post(request("too dear"), key="too-dear").status_code == 202


def test_a_postpaid_tenant_orders_up_to_its_cap(cloud: Cloud) -> None:
    tenant = customer(cloud, 0)
    cloud.manage(action="set_plan", tenant_id=tenant.tenant_id, plan="postpaid", cap_credits=59)
    first = tenant.order(request("on the bill"))
    problem = tenant.post(request("over the cap")).json()
    assert (problem["status"], problem["balance_credits"], problem["available_credits"]) == (402, -30, 29)
    tenant.finished(first["id"])
    assert tenant.account() == (-30, 0, 30)


def test_a_replay_is_the_first_answer_byte_for_byte_and_orders_nothing(cloud: Cloud) -> None:
    tenant = customer(cloud)
    body = request("sent twice")
    first = tenant.post(body, key="order-42")
    job = tenant.finished(first.json()["id"])
    again = tenant.post(dict(reversed(body.items())), key="order-42")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert (job["charged"], tenant.account()) == ("yes", (270, 0, 30))


def test_a_key_that_belongs_to_another_body_is_422(cloud: Cloud) -> None:
    tenant = customer(cloud)
    first = tenant.order(request("the first body"), key="order-42")
    problem = tenant.post(request("the second body"), key="order-42").json()
    assert (problem["status"], problem["type"]) == (422, "urn:fermata:problem:idempotency_key_reused")
    tenant.finished(first["id"])
    assert tenant.kinds() == ["grant", "hold", "settle"]


@pytest.mark.parametrize("key", ["", "k" * 256, "a b", "schlüssel"])
def test_a_malformed_key_is_400_and_leaves_nothing(cloud: Cloud, key: str) -> None:
    before = cloud.stored_and_started()
    with cloud.http() as http:
        headers = [(b"Idempotency-Key", key.encode())]
        answer = http.post("/v1/jobs", json=request("bad input"), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fermata:problem:malformed_header")
    assert cloud.left_since(before) == set()


def test_a_replay_starts_the_machine_that_was_never_started(cloud: Cloud) -> None:
    tenant = customer(cloud)
    body = request("its machine was never started")
    now = datetime.now(UTC)
    job = queued_job(
        now=now,
        id=new_job_id(now, uuid4().bytes),
        tenant_id=tenant.tenant_id,
        request=SongRequest.model_validate(body),
    )
    body_of_first = Job.of(JobView(job), "https://first.example.com").text()
    told = FirstAnswer(headers={"Location": "/first"}, body=body_of_first)
    receipt = receipt_for(tenant.tenant_id, "never-started", job.request, job.id, told, now)
    tenant.ledger().jobs.create(job, receipt)

    answer = tenant.post(body, key="never-started")
    assert (answer.status_code, answer.text, answer.headers["location"]) == (202, told.body, "/first")
    assert tenant.finished(job.id)["charged"] == "yes"


def test_fifty_parallel_orders_with_one_key_are_one_job_and_fifty_equal_answers(cloud: Cloud) -> None:
    tenant = customer(cloud, 3000)
    body = request("fifty at once, one key")
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda _: tenant.insist(body, "fifty"), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) <= 1
    tenant.finished(answers[0].json()["id"])
    assert len(tenant.kinds()) == len(["grant", "hold", "settle or refund"])


def test_fifty_parallel_orders_against_a_wallet_for_ten_songs_are_exactly_ten_jobs(cloud: Cloud) -> None:
    tenant = customer(cloud, 10 * PRICE)
    with ThreadPoolExecutor(50) as clients:
        one = [(request(f"one of fifty, {number}"), f"order-{number}") for number in range(50)]
        answers = list(clients.map(lambda order: tenant.insist(*order), one))
    accepted = [answer.json()["id"] for answer in answers if answer.status_code == 202]
    assert sorted(answer.status_code for answer in answers) == [202] * 10 + [402] * 40
    ends = [tenant.finished(job_id)["charged"] for job_id in accepted]
    assert tenant.account() == (ends.count("refunded") * PRICE, 0, ends.count("yes") * PRICE)
    assert tenant.kinds().count("hold") == 10


def test_the_daily_audit_finds_every_tenant_and_no_drift(cloud: Cloud) -> None:
    tenant = customer(cloud)
    tenant.finished(tenant.order(request("audited"))["id"])
    tenants = {tenant.tenant_id, cloud.line["tenant"]}
    found = cloud.run_schedule("audit_wallets")
    assert found["tenants"] >= len(tenants)
    assert (found["drifting"], found["drift_credits"]) == (0, 0)
