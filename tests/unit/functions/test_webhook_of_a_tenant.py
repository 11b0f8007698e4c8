"""A tenant's own webhook over HTTP: its endpoint, its secret, and a test of both."""

import json
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered, Reply
from fermata.errors import TransientError
from tests.fakes.clock import NOON
from tests.fakes.webhooks.sender import ScriptedWebhookSender
from tests.fakes.webhooks.webhook_store import InMemoryWebhookStore
from tests.fakes.world import World
from tests.functions import Event, FakeContext, http_event, wired_app
from tests.unit.use_cases.operator.test_manage_webhooks import PRIVATE
from tests.webhooks import ORIGIN, URL


class Account:
    """A tenant that asks about its webhook."""

    def __init__(self) -> None:
        self.world = World()

    def ask(self, method: str, path: str = "", body: object = None, tenant_id: str = "acme") -> tuple[int, Event]:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        event = http_event(method, f"/v1/webhook{path}", raw, tenant_id=tenant_id)
        event["requestContext"]["authorizer"]["lambda"]["scopes"] = "account:manage"
        function = "try_webhook" if path == "/test" else "manage_webhook"
        answer = wired_app(function, self.world).lambda_handler(event, FakeContext())
        return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else {}

    def signing(self, after_s: int = 0) -> tuple[str, ...]:
        return self.world.webhooks.secrets("acme").signing(NOON + timedelta(seconds=after_s))


@pytest.fixture
def account() -> Account:
    return Account()


def test_a_tenant_without_a_webhook_has_neither_url_nor_secret(account: Account) -> None:
    nothing = {"object": "webhook", "url": None, "disabled_at": None, "has_secret": False}
    assert account.ask("GET") == (200, nothing)


def test_the_first_address_shows_the_secret_and_no_other_answer_does(account: Account) -> None:
    status, first = account.ask("PUT", body={"url": URL})
    assert (status, first["url"], (first["secret"],)) == (200, URL, account.signing())
    _, moved = account.ask("PUT", body={"url": "https://moved.example.com/"})
    assert (moved["url"], moved["secret"]) == ("https://moved.example.com/", None)
    shown = account.ask("GET")[1]
    assert shown == {
        "object": "webhook",
        "url": "https://moved.example.com/",
        "disabled_at": None,
        "has_secret": True,
    }
    assert account.signing() == (first["secret"],)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(({"url": url}, 422) for url in PRIVATE),
        ({"url": "http://shop.example.com/"}, 422),
        ({"url": "https://shop.example.com:8443/"}, 422),
        ({"url": "https://user:password@shop.example.com/"}, 422),
        ({"url": "https://shop.example.com/\x00"}, 422),
        ({"url": "https://shop.example.com/\ud800"}, 422),
        ({"url": ""}, 422),
        ({"url": None}, 422),
        ({"url": 1}, 422),
        ({"url": f"https://shop.example.com/{'a' * 3000}"}, 422),
        ({}, 422),
        ({"url": URL, "secret": "whsec_mine"}, 422),
        (b"{", 400),
        (b"", 400),
    ],
)
def test_an_address_that_no_webhook_may_go_to_is_not_stored(account: Account, body: object, status: int) -> None:
    assert account.ask("PUT", body=body)[0] == status
    assert account.world.webhooks.find("acme") is None


def test_an_origin_of_this_machine_is_taken_where_the_deployment_trusts_it(account: Account) -> None:
    assert account.ask("PUT", body={"url": "http://127.0.0.1:9000/hook"})[0] == 200
    assert account.ask("PUT", body={"url": "http://127.0.0.1:9001/hook"})[0] == 422


def test_a_webhook_that_is_removed_comes_back_with_the_same_secret(account: Account) -> None:
    secret = account.ask("PUT", body={"url": URL})[1]["secret"]
    for _ in range(2):
        assert account.ask("DELETE") == (204, {})
    shown = account.ask("GET")[1]
    assert (shown["url"], shown["has_secret"]) == (None, True)
    assert account.ask("PUT", body={"url": URL})[1]["secret"] is None
    assert account.signing() == (secret,)


def test_an_endpoint_that_is_off_is_switched_on_again_by_setting_it(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    account.world.webhooks.disable("acme", URL, NOON)
    assert account.ask("GET")[1]["disabled_at"] == "2026-11-21T12:00:00.000Z"
    assert account.ask("PUT", body={"url": URL})[1]["disabled_at"] is None


def test_a_replaced_secret_signs_for_another_day_or_as_long_as_asked(account: Account) -> None:
    old = account.ask("PUT", body={"url": URL})[1]["secret"]
    status, new = account.ask("POST", "/rotate")
    assert (status, new["previous_until"]) == (200, "2026-11-22T12:00:00.000Z")
    assert account.signing(86_399) == (new["secret"], old)
    newest = account.ask("POST", "/rotate", {"overlap_s": 0})[1]
    assert account.signing() == (newest["secret"],)


def test_a_first_secret_serves_callback_urls(account: Account) -> None:
    made = account.ask("POST", "/rotate")[1]
    assert (made["previous_until"], account.signing()) == (None, (made["secret"],))


@pytest.mark.parametrize("body", [{"overlap_s": -1}, {"overlap_s": 2_592_001}, {"overlap_s": "1"}, {"secret": "x"}])
def test_a_senseless_rotation_changes_no_secret(account: Account, body: dict[str, object]) -> None:
    account.ask("PUT", body={"url": URL})
    before = account.signing()
    assert account.ask("POST", "/rotate", body)[0] == 422
    assert account.signing() == before


def test_tenants_have_webhooks_of_their_own(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    assert account.ask("GET", tenant_id="other")[1]["url"] is None
    account.ask("DELETE", tenant_id="other")
    assert account.ask("GET")[1]["url"] == URL


# ---- the test


def outcome(account: Account, *script: Reply) -> Event:
    account.world.sender = ScriptedWebhookSender(*script)
    status, found = account.ask("POST", "/test")
    assert status == 200, found
    return found


def test_a_test_is_signed_like_any_webhook_and_tells_what_came_of_it(account: Account) -> None:
    secret = account.ask("PUT", body={"url": URL})[1]["secret"]
    account.world.sender.while_sending = lambda: account.world.clock.pass_seconds(0.087)
    status, found = account.ask("POST", "/test")
    (sent,) = account.world.sender.sent
    assert status == 200
    assert found == {
        "object": "webhook_test",
        "webhook_id": sent.headers["webhook-id"],
        "origin": ORIGIN,
        "delivered": True,
        "status_code": 204,
        "error": None,
        "duration_ms": 87,
        "advice": "The receiver answered as it should; check that it verified the signature.",
    }
    assert sent.url == URL
    event = json.loads(sent.body)
    assert event == {
        "type": "webhook.test",
        "timestamp": "2026-11-21T12:00:00.000Z",
        "data": {"event_id": found["webhook_id"]},
    }
    signed = Webhook(secret)
    assert sent.headers["webhook-signature"] == signed.sign(found["webhook_id"], NOON, sent.body.decode())


def test_no_two_tests_have_one_id(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    assert outcome(account)["webhook_id"] != outcome(account)["webhook_id"]


@pytest.mark.parametrize(
    ("reply", "status", "error", "advice"),
    [
        (Answered(200), 200, None, "as it should"),
        (Answered(302), 302, None, "Redirects are not followed"),
        (Answered(401), 401, None, "verifies with the current secret"),
        (Answered(404), 404, None, "check the URL"),
        (Answered(405), 405, None, "takes no POST"),
        (Answered(410), 410, None, "wants no more webhooks"),
        (Answered(429), 429, None, "limits requests"),
        (Answered(418), 418, None, "any 2xx within the time limit"),
        (Answered(500), 500, None, "See the receiver's own log"),
        (NotAnswered(NoAnswer.ADDRESS_REFUSED), None, "address_refused", "is not public"),
        (NotAnswered(NoAnswer.NO_CONNECTION), None, "no_connection", "TLS certificate"),
        (NotAnswered(NoAnswer.TIMEOUT), None, "timeout", "too slow"),
        (NotAnswered(NoAnswer.ANSWER_LOST), None, "answer_lost", "before an answer"),
    ],
)
def test_each_outcome_says_what_to_do_and_changes_nothing(
    account: Account, reply: Reply, status: int | None, error: str | None, advice: str
) -> None:
    account.ask("PUT", body={"url": URL})
    before = account.world.webhooks.find("acme"), account.signing()
    found = outcome(account, reply)
    assert (found["status_code"], found["error"], found["delivered"]) == (status, error, status == 200)
    assert advice in found["advice"]
    assert (account.world.webhooks.find("acme"), account.signing()) == before


def test_an_endpoint_that_is_off_may_be_tested_and_stays_off(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    account.world.webhooks.disable("acme", URL, NOON)
    assert "PUT /v1/webhook switches them on" in outcome(account)["advice"]
    assert account.ask("GET")[1]["disabled_at"] is not None


def test_without_an_endpoint_there_is_nothing_to_test(account: Account) -> None:
    for prepare in (None, "rotate", "delete"):
        if prepare == "rotate":
            account.ask("POST", "/rotate")
        if prepare == "delete":
            account.ask("PUT", body={"url": URL})
            account.ask("DELETE")
        status, problem = account.ask("POST", "/test")
        assert (status, problem["type"]) == (409, "urn:fermata:problem:no_webhook")
        assert "PUT /v1/webhook" in problem["detail"]
    assert account.world.sender.sent == []


def test_tests_are_limited_like_repeated_posts(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    account.world.wallets.calls.limits["acme"] = DEFAULT_LIMITS.model_copy(update={"webhook_repeats_per_minute": 2})
    answers = [account.ask("POST", "/test") for _ in range(3)]
    assert [status for status, _ in answers] == [200, 200, 429]
    assert answers[2][1]["type"] == "urn:fermata:problem:rate_limited"
    assert len(account.world.sender.sent) == 2


@pytest.mark.parametrize(
    ("body", "status"),
    [({"url": URL}, 422), ([], 422), (b"{", 400), (b"x" * 140_000, 413)],
    ids=["field", "list", "half", "long"],
)
def test_a_test_with_a_body_posts_nothing(account: Account, body: object, status: int) -> None:
    account.ask("PUT", body={"url": URL})
    found, problem = account.ask("POST", "/test", body)
    assert (found, account.world.sender.sent) == (status, [])
    if isinstance(body, dict):
        assert problem["errors"] == [{"pointer": "/url", "message": "is not a field here; the body has none"}]


def test_a_test_may_have_an_empty_object_as_its_body(account: Account) -> None:
    account.ask("PUT", body={"url": URL})
    assert account.ask("POST", "/test", {})[0] == 200


def test_secrets_that_cannot_be_read_are_tried_again_and_nothing_is_posted(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.ask("PUT", body={"url": URL})

    def fail(_store: InMemoryWebhookStore, _tenant_id: str) -> Any:  # noqa: ANN401 - it never returns
        raise TransientError("the table could not be read")

    monkeypatch.setattr(InMemoryWebhookStore, "secrets", fail)
    assert account.ask("POST", "/test")[0] == 503
    assert account.world.sender.sent == []
