"""A hundred connections that wait for a slow job take no place of others: every other tenant is served as before."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.integration.song import Cloud, request

CONNECTIONS = 100
PLACES = 6
"""Of sixteen environments five are reserved; of the eleven others at most six are ever held."""
ACCOUNT = {
    "WaitingEnvironments": PLACES,
    "ReservedAuthorizers": 2,
    "ReservedStarts": 2,
    "ReservedSettlements": 1,
    "AuthorizerTtlSeconds": 3600,
    "StartBySeconds": 3600,
}
_NEVER = threading.Event()
_AGAIN_AFTER_S = 0.1


@pytest.fixture(scope="module")
def cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    parameters = [part for name, value in ACCOUNT.items() for part in ("--param", f"{name}={value}")]
    return start_cloud("--environments", "16", "--provider-latency", "0.1", *parameters)


def tenant(cloud: Cloud, name: str) -> str:
    """The key of a new tenant on the usual plan."""
    cloud.manage(action="create_tenant", tenant_id=name)
    cloud.manage(action="grant", tenant_id=name, credits=10_000)
    return str(cloud.manage(action="issue_key", tenant_id=name)["api_key"])


@dataclass
class Crowd:
    """Connections that send one order each again and again until it is answered, and their answers."""

    cloud: Cloud
    keys: list[str]
    answers: Counter[int] = field(default_factory=Counter)
    held: int = 0

    def order(self, number: int) -> None:
        """Wait for the slow job of a tenant on a connection of its own."""
        key = self.keys[number % len(self.keys)]
        headers = {"Idempotency-Key": "slow", "Prefer": "wait=25"}
        with self.cloud.http(key) as http:
            answer = http.post("/v1/jobs", json=request("slow"), headers=headers)
            while answer.status_code == 503:
                _NEVER.wait(_AGAIN_AFTER_S)
                answer = http.post("/v1/jobs", json=request("slow"), headers=headers)
        self.answers[answer.status_code] += 1
        self.held += "preference-applied" in answer.headers

    @property
    def answered(self) -> int:
        return self.answers.total()


@contextmanager
def attacked(cloud: Cloud, tenants: int) -> Iterator[Crowd]:
    """A hundred connections, of which as many are held as ever may be; all others have been answered."""
    crowd = Crowd(cloud, [tenant(cloud, f"waiter-{tenants}-{number}") for number in range(tenants)])
    cloud.manage(action="pause", provider="minimax")
    for key in crowd.keys:
        with cloud.http(key) as http:
            http.post("/v1/jobs", json=request("slow"), headers={"Idempotency-Key": "slow"}).raise_for_status()
    with ThreadPoolExecutor(CONNECTIONS) as connections:
        sent = [connections.submit(crowd.order, number) for number in range(CONNECTIONS)]
        try:
            cloud.until(lambda: crowd.answered + places_taken(cloud) == CONNECTIONS)
            yield crowd
        finally:
            cloud.manage(action="resume", provider="minimax")
        for connection in sent:
            connection.result()


def places_taken(cloud: Cloud) -> int:
    found = cloud.aws("dynamodb").scan(
        TableName=cloud.line["outputs"]["TableName"],
        FilterExpression="begins_with(pk, :waiting)",
        ExpressionAttributeValues={":waiting": {"S": "WAITING#"}},
        Select="COUNT",
    )
    return int(found["Count"])


def served(http: httpx.Client, number: int) -> list[int]:
    """What another tenant receives that orders, reads its account and the service's health."""
    body = request(f"of another {number}", model="aimlapi/minimax/music-2.0")
    order = http.post("/v1/jobs", json=body, headers={"Idempotency-Key": f"of-another-{number}"})
    return [order.status_code, *(http.get(path).status_code for path in ("/v1/account", "/healthz"))]


@pytest.mark.parametrize(("tenants", "held"), [(1, 5), (20, PLACES)], ids=["one tenant", "twenty tenants"])
def test_a_hundred_waiting_connections_refuse_nothing_to_other_tenants(cloud: Cloud, tenants: int, held: int) -> None:
    bystander = tenant(cloud, f"bystander-{tenants}")
    with cloud.http(bystander) as http:
        http.get("/v1/account").raise_for_status()
        with attacked(cloud, tenants) as crowd:
            assert crowd.answered >= CONNECTIONS - held
            assert [served(http, number) for number in range(10)] == [[202, 200, 200]] * 10
            newest = http.get("/v1/jobs", params={"limit": 1}).json()["data"][0]
            cloud.until(lambda: http.get(f"/v1/jobs/{newest['id']}").json()["status"] == "succeeded")
    assert set(crowd.answers) <= {200, 202, 429}
    # A place that is given back may be taken again, so a slow crowd is held more often; how many at once is above.
    assert crowd.held > 0
    assert places_taken(cloud) == 0
