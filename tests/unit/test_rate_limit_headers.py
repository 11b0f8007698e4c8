"""Every answer of a limited route tells what the plan leaves; one beyond it is a 429 that says when to come back."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from fermata.domain.plan_limits import PlanLimits
from fermata.domain.wallet import Plan, Wallet
from fermata.errors import TransientError
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.songs import JOB_ID, LYRICS, PROMPT, delivered_job
from tests.twins import NOON, InMemoryWalletStore, World
from tests.unit.test_routes_of_tenants import ROUTES, event_for

UNLIMITED: Final = {
    "POST /v1/references",
    "POST /v1/jobs/{id}/cancel",
    "POST /v1/jobs/{id}/webhooks/replay",
    "DELETE /v1/jobs/{id}",
}
"""What a plan does not count: nobody shall be kept from taking an order back."""
READS: Final = tuple((name, method, path) for name, method, path in ROUTES if method == "GET" or path == "/v1/quote")
ORDER: Final = json.dumps({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}).encode()


@pytest.fixture
def world() -> World:
    world = World()
    world.jobs.create(delivered_job())
    # What the job of the fixture counted is no longer of this minute.
    world.clock.pass_seconds(78)
    return world


def allow(world: World, **limits: Any) -> None:  # noqa: ANN401 - fields of the limits
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(**limits))


def call(name: str, event: Event, world: World, monkeypatch: pytest.MonkeyPatch) -> Event:
    answer: Event = wired_app(name, world, monkeypatch).lambda_handler(event, FakeContext())
    return answer


def told(answer: Event) -> tuple[str | None, str | None]:
    return answer["headers"].get("RateLimit-Policy"), answer["headers"].get("RateLimit")


def submit(world: World, monkeypatch: pytest.MonkeyPatch, body: bytes = ORDER, key: str | None = None) -> Event:
    event = http_event("POST", "/v1/jobs", body)
    if key is not None:
        event["headers"]["idempotency-key"] = key
    return call("submit_job", event, world, monkeypatch)


@pytest.mark.parametrize(("name", "method", "path"), READS)
def test_every_read_tells_what_is_left_and_is_refused_beyond_it(
    name: str, method: str, path: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(world, reads_per_minute=2)
    first, second = (call(name, event_for(method, path), world, monkeypatch) for _ in range(2))
    assert told(first) == ('"read";q=2;w=60', '"read";r=1;t=42')
    assert told(second) == ('"read";q=2;w=60', '"read";r=0;t=42')
    refused = call(name, event_for(method, path), world, monkeypatch)
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["type"]) == (429, "urn:fermata:problem:rate_limited")
    assert (problem["retryable"], refused["headers"]["Retry-After"]) == (True, "42")
    assert told(refused) == ('"read";q=2;w=60', '"read";r=0;t=42')
    world.clock.pass_seconds(42)
    assert call(name, event_for(method, path), world, monkeypatch)["statusCode"] == first["statusCode"]


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_a_key_without_the_scope_is_told_what_is_left_as_well(
    name: str, method: str, path: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(name, event_for(method, path, scopes=""), world, monkeypatch)
    assert (answer["statusCode"], told(answer) == (None, None)) == (403, f"{method} {path}" in UNLIMITED)


def test_reads_of_all_routes_count_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(world, reads_per_minute=len(READS))
    left = [told(call(name, event_for(method, path), world, monkeypatch))[1] for name, method, path in READS]
    assert left == [f'"read";r={n};t=42' for n in reversed(range(len(READS)))]
    other = call("list_jobs", http_event("GET", "/v1/jobs", tenant_id="other"), world, monkeypatch)
    assert told(other) == ('"read";q=600;w=60', '"read";r=599;t=42')


def test_an_error_of_a_read_tells_what_is_left_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = call("read_jobs", http_event("GET", "/v1/jobs/job_1"), world, monkeypatch)
    wrong = call("list_jobs", http_event("GET", "/v1/jobs", query="limit=0"), world, monkeypatch)
    nobody = call("read_account", http_event("GET", "/v1/account", tenant_id="nobody"), world, monkeypatch)
    assert [answer["statusCode"] for answer in (missing, wrong, nobody)] == [404, 422, 500]
    assert all(told(answer)[0] == '"read";q=600;w=60' for answer in (missing, wrong, nobody))


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_a_route_is_limited_or_listed_as_unlimited(
    name: str, method: str, path: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = call(name, event_for(method, path), world, monkeypatch)
    assert (told(answer) == (None, None)) is (f"{method} {path}" in UNLIMITED)


def test_health_is_not_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    event = http_event("GET", "/healthz")
    del event["requestContext"]["authorizer"]
    assert told(call("read_jobs", event, world, monkeypatch)) == (None, None)
    assert world.wallets.reads.writes == 0


def test_every_answer_to_an_order_tells_what_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(world, submits_per_minute=2)
    first = submit(world, monkeypatch, key="k")
    wrong = submit(world, monkeypatch, b"{")
    replayed = submit(world, monkeypatch, key="k")
    assert [answer["statusCode"] for answer in (first, wrong, replayed)] == [202, 400, 202]
    for answer in (first, wrong, replayed):
        assert told(answer) == ('"submit";q=2;w=60', '"submit";r=1;t=42')
    submit(world, monkeypatch)
    refused = submit(world, monkeypatch)
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["type"]) == (429, "urn:fermata:problem:rate_limited")
    assert (problem["charged"], problem["retryable"], refused["headers"]["Retry-After"]) == ("no", True, "42")
    assert told(refused) == ('"submit";q=2;w=60', '"submit";r=0;t=42')
    # The order that was taken is there for its caller, limit or not.
    assert submit(world, monkeypatch, key="k")["headers"]["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("limits", "slug", "retry_after"),
    [
        ({"concurrent_jobs": 1}, "too_many_jobs", "10"),
        ({"monthly_credits": 29}, "monthly_limit_reached", str(9 * 86_400 + 12 * 3600 - 78 + 1)),
    ],
)
def test_other_limits_of_a_plan_are_429_with_a_reason_of_their_own(
    limits: dict[str, int], slug: str, retry_after: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(world, **limits)
    # The job of the fixture was stored with its end and so counts as open.
    answer = submit(world, monkeypatch)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (429, f"urn:fermata:problem:{slug}")
    assert (answer["headers"]["Retry-After"], problem["charged"]) == (retry_after, "no")
    assert told(answer)[1] == '"submit";r=60;t=42'


def test_what_is_left_is_not_worth_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_: InMemoryWalletStore, tenant_id: str) -> Wallet | None:
        raise TransientError(f"the table of {tenant_id} could not be read")

    monkeypatch.setattr(InMemoryWalletStore, "find", find)
    answer = submit(world, monkeypatch, b"{")
    assert (answer["statusCode"], told(answer)) == (400, (None, None))


def test_a_job_of_another_minute_is_read_from_a_fresh_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    allow(world, reads_per_minute=1)
    event = http_event("GET", f"/v1/jobs/{JOB_ID}")
    statuses = []
    for second in (0, 1, 60, 61):
        world.clock.now = NOON + timedelta(seconds=second)
        statuses.append(call("read_jobs", event, world, monkeypatch)["statusCode"])
    assert statuses == [200, 429, 200, 429]
