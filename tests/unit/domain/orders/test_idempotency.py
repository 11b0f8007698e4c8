"""An order with an Idempotency-Key is made once, and answered the same way however often it is sent."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.orders.idempotency import fingerprint_of
from fermata.domain.orders.order_request import SongRequest
from fermata.errors import (
    IdempotencyKeyReusedError,
    InvalidRequestError,
    NotStartedError,
    OutOfCreditError,
    RequestRefusedError,
    TransientError,
)
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.submit_job import Submission, submit_job
from fermata.wiring.generation import settle_ports, start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.wallet_store import InMemoryWalletStore
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.songs import LYRICS, PROMPT, json_answer, order

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS, "metadata": {"a": "1", "b": "2"}}
NOT_STARTED = TransientError("the job's state machine could not be started: ThrottlingException")


def send(world: World, body: object = BODY, key: str | None = "order-42", *, tenant: str = "acme") -> Submission:
    randomness = bytes([len(world.jobs) + 1] * 10)
    return submit_job(order(body, key, tenant), submit_ports(), world.clock(), randomness)


def with_funds(amount: int) -> World:
    wallet = empty_wallet("acme", NOON).model_copy(update={"granted": amount, "balance": amount})
    return World(jobs=InMemoryJobStore(InMemoryWalletStore(wallet)))


def held(world: World) -> int:
    wallet = world.wallets.find("acme")
    assert wallet is not None
    return wallet.held


def test_the_same_order_again_is_the_same_job_with_the_same_answer() -> None:
    world = World()
    first = send(world)
    world.clock.pass_seconds(3600)
    second = send(world)
    assert (first.replayed, second.replayed) == (False, True)
    assert (second.job_id, second.answer) == (first.job_id, first.answer)
    assert (len(world.jobs), world.machine.started, held(world)) == (1, [first.job_id], 30)


def test_the_first_answer_stays_the_answer_when_the_job_has_gone_on() -> None:
    world = World(upstream=FakeUpstream(json_answer({"base_resp": {"status_code": 1026}})))
    first = send(world)
    start_generation(first.job_id, start_ports(world.remaining_ms), "run-1")
    settle_job(first.job_id, None, settle_ports(), NOON)
    world.machine.started.clear()
    assert send(world).answer == first.answer
    assert world.machine.started == []


@pytest.mark.parametrize(("key", "tenant"), [("order-43", "acme"), (None, "acme"), ("order-42", "other")])
def test_another_key_or_tenant_or_no_key_is_another_order(key: str | None, tenant: str) -> None:
    world = World()
    first = send(world)
    second = send(world, key=key, tenant=tenant)
    assert first.job_id != second.job_id
    assert not second.replayed


def test_orders_without_a_key_are_never_the_same() -> None:
    world = World()
    assert send(world, key=None).job_id != send(world, key=None).job_id


@pytest.mark.parametrize(
    "spelling",
    [
        json.dumps(BODY, indent=4).encode(),
        json.dumps(dict(reversed(BODY.items()))).encode(),
        json.dumps({**BODY, "metadata": {"b": "2", "a": "1"}}).encode(),
        json.dumps({**BODY, "instrumental": False, "title": None, "audio": {"format": "mp3"}}).encode(),
        json.dumps({**BODY, "prompt": PROMPT}).replace("indie", "\\u0069ndie").encode(),
    ],
    ids=["white space", "order of fields", "order of metadata", "defaults written out", "escapes"],
)
def test_another_spelling_of_the_same_request_is_the_same_request(spelling: bytes) -> None:
    world = World()
    assert send(world, spelling).job_id == send(world).job_id


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": PROMPT + "!"},
        {"lyrics": LYRICS + "\n"},
        {"metadata": {"a": "1"}},
        {"title": ""},
        {"fallbacks": []},
        {"audio": {"format": "wav"}},
        {"model": "minimax/music-2.0"},
        {"on_unknown": "fallback"},
    ],
)
def test_a_key_belongs_to_one_request(change: dict[str, object]) -> None:
    world = World()
    send(world)
    with pytest.raises(IdempotencyKeyReusedError):
        send(world, {**BODY, **change})
    assert (len(world.jobs), held(world)) == (1, 30)


def test_a_field_that_a_later_version_adds_does_not_change_the_request() -> None:
    class LaterRequest(SongRequest):
        tempo: int | None = None

    assert fingerprint_of(LaterRequest.model_validate(BODY)) == fingerprint_of(SongRequest.model_validate(BODY))


def test_a_key_is_free_again_after_a_day() -> None:
    world = World()
    first = send(world)
    world.clock.now += timedelta(hours=24)
    assert send(world).job_id == first.job_id
    world.clock.pass_seconds(1)
    assert not send(world, {**BODY, "title": "another request"}).replayed
    assert len(world.jobs) == 2


@pytest.mark.parametrize(("body", "error"), [(b"{", RequestRefusedError), ({**BODY, "tempo": 90}, InvalidRequestError)])
def test_a_refused_request_does_not_burn_its_key(body: object, error: type[RequestRefusedError]) -> None:
    world = World()
    with pytest.raises(error):
        send(world, body)
    assert not send(world).replayed


def test_an_order_that_was_not_paid_for_does_not_burn_its_key() -> None:
    world = with_funds(29)
    with pytest.raises(OutOfCreditError):
        send(world)
    assert (len(world.jobs), world.machine.started, held(world)) == (0, [], 0)
    world.wallets.grant(grant_of("acme", 1, "1-grant", NOON))
    assert not send(world).replayed


def test_of_two_orders_at_once_the_second_gets_the_firsts_answer() -> None:
    world = World()
    firsts: list[Submission] = []
    world.jobs.before_next_create = lambda: firsts.append(send(world))
    second = send(world)
    assert second.replayed
    assert (second.job_id, second.answer) == (firsts[0].job_id, firsts[0].answer)
    assert (len(world.jobs), held(world), world.machine.started) == (1, 30, [second.job_id])


def test_the_last_credits_that_went_to_the_same_order_are_no_reason_to_refuse_it() -> None:
    world = with_funds(30)

    def the_other_is_first_and_the_wallet_is_read_before_the_key() -> None:
        send(world)
        raise OutOfCreditError(0, 0, 30)

    world.jobs.before_next_create = the_other_is_first_and_the_wallet_is_read_before_the_key
    assert send(world).replayed
    assert (len(world.jobs), held(world)) == (1, 30)


# ---- a machine that did not start


def test_a_job_with_a_key_waits_for_the_replay_that_starts_it() -> None:
    world = World()
    world.machine.failure = NOT_STARTED
    with pytest.raises(NotStartedError, match="same Idempotency-Key to start it"):
        send(world)
    with pytest.raises(NotStartedError):
        send(world)
    assert (len(world.jobs), world.machine.started, held(world)) == (1, [], 30)
    world.machine.failure = None
    replayed = send(world)
    assert replayed.replayed
    assert world.machine.started == [replayed.job_id]
    assert world.stored(replayed.job_id).status is JobStatus.QUEUED


def test_a_replay_that_starts_a_job_long_after_its_time_ends_it_unpaid_and_refunded() -> None:
    world = World()
    world.machine.failure = NOT_STARTED
    with pytest.raises(NotStartedError):
        send(world)
    world.machine.failure = None
    world.clock.pass_seconds(3600)
    job_id = send(world).job_id
    start_generation(job_id, start_ports(world.remaining_ms), "run-1")
    settle_job(job_id, None, settle_ports(), world.clock())
    assert (world.upstream.posts, world.stored(job_id).charged, held(world)) == (0, Charged.REFUNDED, 0)


def test_a_job_without_a_key_is_closed_and_refunded_because_no_replay_can_reach_it() -> None:
    world = World()
    world.machine.failure = NOT_STARTED
    with pytest.raises(TransientError) as caught:
        send(world, key=None)
    assert not isinstance(caught.value, NotStartedError)
    assert held(world) == 0
    assert [entry.kind for entry in world.wallets.ledger("acme")] == ["hold", "refund"]


# ---- over HTTP


def post(world: World, body: object = BODY, key: str | None = "order-42") -> Event:
    event = http_event("POST", "/v1/jobs", json.dumps(body).encode())
    if key is not None:
        event["headers"]["idempotency-key"] = key
    answer: Event = wired_app("submit_job", world).lambda_handler(event, FakeContext())
    return answer


def test_a_replay_has_the_bytes_and_the_location_of_the_first_answer_and_says_so() -> None:
    world = World()
    first = post(world)
    world.clock.pass_seconds(60)
    second = post(world)
    assert second["statusCode"] == first["statusCode"] == 202
    assert second["body"] == first["body"]
    left = {
        "RateLimit": '"submit";r=60;t=60, "refused";r=119;t=60',
        "RateLimit-Policy": '"submit";q=60;w=60, "refused";q=120;w=60',
    }
    assert second["headers"] == {**first["headers"], "Idempotency-Replayed": "true", **left}
    assert "Idempotency-Replayed" not in first["headers"]
    assert json.loads(first["body"])["charged"] == "held"


@pytest.mark.parametrize(
    ("begin", "body", "key", "status", "slug", "charged"),
    [
        (World, BODY, "a b", 400, "malformed_header", "no"),
        (partial(with_funds, 29), BODY, "k", 402, "out_of_credit", "no"),
        (partial(with_funds, 29), BODY, None, 402, "out_of_credit", "no"),
        (World, {**BODY, "title": 7}, "k", 422, "invalid_request", "no"),
    ],
)
def test_an_order_that_is_refused_is_a_problem_and_leaves_nothing(
    begin: Callable[[], World], body: object, key: str | None, status: int, slug: str, charged: str
) -> None:
    world = begin()
    answer = post(world, body, key)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"], problem["charged"]) == (
        status,
        f"urn:fermata:problem:{slug}",
        charged,
    )
    assert (len(world.jobs), world.machine.started, held(world)) == (0, [], 0)


def test_a_reused_key_is_a_problem_that_says_what_to_do() -> None:
    world = World()
    post(world)
    answer = post(world, {**BODY, "title": "another"})
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (422, "urn:fermata:problem:idempotency_key_reused")
    assert "a new key for this one" in problem["detail"]


def test_a_job_that_waits_for_its_replay_is_said_to_hold_credits() -> None:
    world = World()
    world.machine.failure = NOT_STARTED
    answer = post(world)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["charged"], problem["retryable"]) == (503, "held", True)
