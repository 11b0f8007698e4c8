"""Every answer of a limited route reports what the plan leaves; one beyond it is a 429 that says when to come back."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import TransientError
from tests.fakes.clock import NOON
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.providers.voice_store import ASKED, InMemoryVoiceStore
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.songs import JOB_ID, LYRICS, PROMPT, delivered_job
from tests.unit.api.test_routes_of_tenants import ROUTES, event_for

CANCEL: Final = f"/v1/jobs/{JOB_ID}/cancel"
CHANGES: Final = tuple(
    (name, method, path)
    for name, method, path in ROUTES
    if method == "DELETE" or path in {"/v1/references", "/v1/jobs/{id}/webhooks/replay"}
)
READS: Final = tuple((name, method, path) for name, method, path in ROUTES if method == "GET" or path == "/v1/quote")
ORDER: Final = json.dumps({"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}).encode()


@pytest.fixture
def world() -> World:
    world = World(voices=InMemoryVoiceStore(minimax=ASKED))
    world.jobs.create(delivered_job())
    # What the job of the fixture counted is no longer of this minute.
    world.clock.pass_seconds(78)
    return world


def allow(world: World, **limits: Any) -> None:  # noqa: ANN401 - fields of the limits
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(**limits))


def call(name: str, event: Event, world: World) -> Event:
    answer: Event = wired_app(name, world).lambda_handler(event, FakeContext())
    return answer


def told(answer: Event) -> tuple[str | None, str | None]:
    return answer["headers"].get("RateLimit-Policy"), answer["headers"].get("RateLimit")


def submit(world: World, body: bytes = ORDER, key: str | None = None) -> Event:
    event = http_event("POST", "/v1/jobs", body)
    if key is not None:
        event["headers"]["idempotency-key"] = key
    return call("submit_job", event, world)


@pytest.mark.parametrize(("name", "method", "path"), READS)
def test_every_read_reports_what_is_left_and_is_refused_beyond_it(
    name: str, method: str, path: str, world: World
) -> None:
    allow(world, reads_per_minute=2)
    first, second = (call(name, event_for(method, path), world) for _ in range(2))
    assert told(first) == ('"read";q=2;w=60', '"read";r=1;t=42')
    assert told(second) == ('"read";q=2;w=60', '"read";r=0;t=42')
    refused = call(name, event_for(method, path), world)
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["type"]) == (429, "urn:fermata:problem:rate_limited")
    assert (problem["retryable"], refused["headers"]["Retry-After"]) == (True, "42")
    assert told(refused) == ('"read";q=2;w=60', '"read";r=0;t=42')
    world.clock.pass_seconds(42)
    assert call(name, event_for(method, path), world)["statusCode"] == first["statusCode"]


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_a_key_without_the_scope_gets_what_is_left_as_well(name: str, method: str, path: str, world: World) -> None:
    answer = call(name, event_for(method, path, scopes=""), world)
    assert (answer["statusCode"], None in told(answer)) == (403, False)


def test_reads_of_all_routes_count_together(world: World) -> None:
    allow(world, reads_per_minute=len(READS))
    left = [told(call(name, event_for(method, path), world))[1] for name, method, path in READS]
    assert left == [f'"read";r={n};t=42' for n in reversed(range(len(READS)))]
    other = call("list_jobs", http_event("GET", "/v1/jobs", tenant_id="other"), world)
    assert told(other) == ('"read";q=600;w=60', '"read";r=599;t=42')


def test_an_error_of_a_read_reports_what_is_left_too(world: World) -> None:
    missing = call("read_jobs", http_event("GET", "/v1/jobs/job_1"), world)
    wrong = call("list_jobs", http_event("GET", "/v1/jobs", query="limit=0"), world)
    nobody = call("read_account", http_event("GET", "/v1/account", tenant_id="nobody"), world)
    assert [answer["statusCode"] for answer in (missing, wrong, nobody)] == [404, 422, 500]
    assert all(told(answer)[0] == '"read";q=600;w=60' for answer in (missing, wrong, nobody))


@pytest.mark.parametrize(("name", "method", "path"), ROUTES)
def test_every_route_is_limited(name: str, method: str, path: str, world: World) -> None:
    answer = call(name, event_for(method, path), world)
    assert None not in told(answer)


def test_health_is_not_counted(world: World) -> None:
    event = http_event("GET", "/healthz")
    del event["requestContext"]["authorizer"]
    assert told(call("read_jobs", event, world)) == (None, None)
    assert world.wallets.calls.writes == 0


def test_every_answer_to_an_order_reports_what_is_left(world: World) -> None:
    allow(world, submits_per_minute=2)
    first = submit(world, key="k")
    wrong = submit(world, b"{")
    replayed = submit(world, key="k")
    assert [answer["statusCode"] for answer in (first, wrong, replayed)] == [202, 400, 202]
    assert told(first) == ('"submit";q=2;w=60', '"submit";r=1;t=42')
    for answer, left in ((wrong, 119), (replayed, 118)):
        told_twice = ('"submit";q=2;w=60, "refused";q=120;w=60', f'"submit";r=1;t=42, "refused";r={left};t=42')
        assert told(answer) == told_twice
    submit(world)
    refused = submit(world)
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["type"]) == (429, "urn:fermata:problem:rate_limited")
    assert (problem["charged"], problem["retryable"], refused["headers"]["Retry-After"]) == ("no", True, "42")
    assert told(refused)[1] == '"submit";r=0;t=42, "refused";r=117;t=42'
    # The order that was taken is there for its caller, limit or not.
    assert submit(world, key="k")["headers"]["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("limits", "slug", "retry_after"),
    [
        ({"concurrent_jobs": 1}, "too_many_jobs", "10"),
        ({"monthly_credits": 29}, "monthly_limit_reached", str(9 * 86_400 + 12 * 3600 - 78 + 1)),
    ],
)
def test_other_limits_of_a_plan_return_429_with_their_own_reason(
    limits: dict[str, int], slug: str, retry_after: str, world: World
) -> None:
    allow(world, **limits)
    # The job of the fixture was stored with its end and so counts as open.
    answer = submit(world)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (429, f"urn:fermata:problem:{slug}")
    assert (answer["headers"]["Retry-After"], problem["charged"]) == (retry_after, "no")
    assert told(answer)[1] == '"submit";r=60;t=42, "refused";r=119;t=42'


def test_limits_that_cannot_be_read_cause_no_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_: InMemoryWalletStore, tenant_id: str) -> Wallet | None:
        raise TransientError(f"the table of {tenant_id} could not be read")

    monkeypatch.setattr(InMemoryWalletStore, "find", find)
    answer = submit(world, b"{")
    assert (answer["statusCode"], told(answer)[0]) == (400, '"refused";q=120;w=60')


def test_a_job_of_another_minute_is_read_from_a_fresh_limit(world: World) -> None:
    allow(world, reads_per_minute=1)
    event = http_event("GET", f"/v1/jobs/{JOB_ID}")
    statuses = []
    for second in (0, 1, 60, 61):
        world.clock.now = NOON + timedelta(seconds=second)
        statuses.append(call("read_jobs", event, world)["statusCode"])
    assert statuses == [200, 429, 200, 429]


# ---- calls without a charge


@pytest.mark.parametrize(("name", "method", "path"), CHANGES)
def test_every_change_reports_what_is_left_and_is_refused_beyond_it(
    name: str, method: str, path: str, world: World
) -> None:
    allow(world, changes_per_minute=2)
    first, _, refused = (call(name, event_for(method, path), world) for _ in range(3))
    assert (told(first)[0] or "").startswith('"change";q=2;w=60')
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["type"]) == (429, "urn:fermata:problem:rate_limited")
    assert (problem["retryable"], refused["headers"]["Retry-After"]) == (True, "42")
    assert "2 deletions, webhook replays, uploads and changes of the account a minute" in problem["detail"]
    world.clock.pass_seconds(42)
    assert call(name, event_for(method, path), world)["statusCode"] == first["statusCode"]


WRONG: Final = {
    "no JSON": (b"{", 400),
    "a wrong field": (b'{"model": "minimax/music-2.5"}', 422),
    "too large": (b" " * 200_000, 413),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_beyond_the_bound_of_refused_orders_nothing_is_read_or_written(
    wrong: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, status = WRONG[wrong]
    allow(world, refused_orders_per_minute=3)
    statuses = [submit(world, body)["statusCode"] for _ in range(3)]
    writes = world.wallets.calls.writes

    def find(_: InMemoryWalletStore, tenant_id: str) -> Wallet | None:
        raise AssertionError(f"the wallet of {tenant_id} was read for a request that is refused at the door")

    with monkeypatch.context() as patch:
        patch.setattr(InMemoryWalletStore, "find", find)
        refused = submit(world, body)
    assert (statuses, refused["statusCode"]) == ([status] * 3, 429)
    assert told(refused) == ('"refused";q=3;w=60', '"refused";r=0;t=42')
    assert (refused["headers"]["Retry-After"], json.loads(refused["body"])["charged"]) == ("42", "no")
    assert world.wallets.calls.writes == writes
    other = http_event("POST", "/v1/jobs", body, tenant_id="other")
    assert call("submit_job", other, world)["statusCode"] == status
    assert call("read_jobs", http_event("GET", "/v1/models"), world)["statusCode"] == 200
    world.clock.pass_seconds(42)
    assert submit(world)["statusCode"] == 202


def test_orders_that_cannot_be_paid_have_the_same_bound(world: World) -> None:
    world.wallets.set_plan("acme", Plan.POSTPAID, 1, PlanLimits(refused_orders_per_minute=2))
    assert [submit(world)["statusCode"] for _ in range(3)] == [402, 402, 429]


def test_accepted_orders_read_and_write_no_counter_of_refused_orders(world: World) -> None:
    allow(world, refused_orders_per_minute=1)
    world.wallets.calls.failure = TransientError("nobody is to be asked")
    assert [submit(world)["statusCode"] for _ in range(4)] == [202] * 4
    assert world.wallets.calls.writes == 0


def test_a_refused_quote_is_a_read_and_no_refused_order(world: World) -> None:
    allow(world, refused_orders_per_minute=1)
    quotes = [call("submit_job", http_event("POST", "/v1/quote", b"{"), world) for _ in range(3)]
    assert [(quote["statusCode"], told(quote)[0]) for quote in quotes] == [(400, '"read";q=600;w=60')] * 3
    assert submit(world)["statusCode"] == 202


AT_THE_DOOR: Final = (
    ("submit_job", "POST", "/v1/jobs", '"refused";q=2;w=60'),
    ("submit_job", "POST", "/v1/quote", '"read";q=2;w=60'),
    ("cancel_job", "POST", CANCEL, '"cancel";q=2;w=60'),
    ("replay_webhook", "POST", f"/v1/jobs/{JOB_ID}/webhooks/replay", '"change";q=2;w=60'),
    ("replay_webhook", "GET", f"/v1/jobs/{JOB_ID}/webhooks", '"read";q=2;w=60'),
)


@pytest.mark.parametrize(("wrong", "status"), [("scope", 403), ("parameter", 422)])
@pytest.mark.parametrize(("name", "method", "path", "policy"), AT_THE_DOOR)
def test_a_request_refused_before_its_route_counts_once_like_one_that_the_route_refuses(
    name: str,
    method: str,
    path: str,
    policy: str,
    wrong: str,
    status: int,
    world: World,
) -> None:
    allow(world, refused_orders_per_minute=2, changes_per_minute=2, reads_per_minute=2)
    event = http_event(method, path, ORDER)
    if wrong == "scope":
        event["requestContext"]["authorizer"]["lambda"]["scopes"] = "account:read"
    else:
        event["queryStringParameters"], event["rawQueryString"] = {"x": "1"}, "x=1"
    answers = [call(name, event, world) for _ in range(3)]
    assert [answer["statusCode"] for answer in answers] == [status, status, 429]
    assert policy in (told(answers[1])[0] or "")
    assert world.wallets.calls.minutes["acme"][1].total() == 2


def test_replays_of_one_key_are_refused_beyond_the_limit(world: World) -> None:
    allow(world, refused_orders_per_minute=2)
    assert [submit(world, key="k")["statusCode"] for _ in range(4)] == [202, 202, 202, 429]


def test_only_a_cancel_without_effect_counts(world: World) -> None:
    allow(world, changes_per_minute=2)
    made = [json.loads(submit(world)["body"])["id"] for _ in range(4)]

    def cancel(job_id: str) -> Event:
        return call("cancel_job", http_event("POST", f"/v1/jobs/{job_id}/cancel"), world)

    assert [cancel(job_id)["statusCode"] for job_id in made[:3]] == [200] * 3
    in_vain = [cancel(JOB_ID) for _ in range(3)]
    assert [answer["statusCode"] for answer in in_vain] == [409, 409, 429]
    assert told(in_vain[1]) == ('"cancel";q=2;w=60', '"cancel";r=0;t=42')
    assert cancel(made[3])["headers"]["Retry-After"] == "42"
    world.clock.pass_seconds(42)
    assert cancel(made[3])["statusCode"] == 200


def test_deletions_and_refused_orders_do_not_block_a_cancel(world: World) -> None:
    allow(world, changes_per_minute=1, refused_orders_per_minute=1)
    job_id = json.loads(submit(world)["body"])["id"]
    refused: Event = {}
    for _ in range(2):
        submit(world, b"{")
        refused = call("delete_job", http_event("DELETE", f"/v1/jobs/{JOB_ID}"), world)
    assert (refused["statusCode"], submit(world)["statusCode"]) == (429, 429)
    answer = call("cancel_job", http_event("POST", f"/v1/jobs/{job_id}/cancel"), world)
    assert answer["statusCode"] == 200


UPLOAD: Final = json.dumps({"content_type": "audio/wav", "bytes": 1000}).encode()


def test_uploads_of_a_day_have_a_bound_of_their_own(world: World) -> None:
    allow(world, references_per_day=2)

    def offer(body: bytes = UPLOAD) -> Event:
        return call("create_reference", http_event("POST", "/v1/references", body), world)

    left = 86_400 - (12 * 3600 + 78)
    assert offer(b"{")["statusCode"] == 400
    first = offer()
    assert told(first) == (
        '"change";q=120;w=60, "reference";q=2;w=86400',
        f'"change";r=118;t=42, "reference";r=1;t={left}',
    )
    assert offer()["statusCode"] == 201
    refused = offer()
    assert (refused["statusCode"], refused["headers"]["Retry-After"]) == (429, str(left))
    assert "allows 2 uploads a day" in json.loads(refused["body"])["detail"]
    world.clock.pass_seconds(left)
    assert offer()["statusCode"] == 201
    world.wallets.calls.failure = TransientError("calls could not be counted: ReadTimeoutError")
    assert [offer()["statusCode"] for _ in range(3)] == [201] * 3


def test_a_repeated_order_that_waits_is_a_read(world: World) -> None:
    allow(world, reads_per_minute=1)

    def wait() -> Event:
        event = http_event("POST", "/v1/jobs", ORDER)
        event["headers"] |= {"idempotency-key": "k", "prefer": "wait=5"}
        return call("submit_job", event, world)

    began = world.clock.now
    first, second, third = wait(), wait(), wait()
    assert [answer["statusCode"] for answer in (first, second, third)] == [202] * 3
    waited = [answer["headers"].get("Preference-Applied") for answer in (first, second, third)]
    assert waited == ["wait=5", "wait=5", None]
    assert world.clock.now == began + timedelta(seconds=10)
    assert '"read";r=0' in (told(second)[1] or "")
    assert third["body"] == first["body"]
