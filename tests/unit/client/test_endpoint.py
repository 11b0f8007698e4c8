"""The account's webhook is shown, set, removed, rotated and tried; what shows a secret is asked for once."""

import json
from collections.abc import Callable

import anyio
import pytest

from fermata_client import Fermata, errors
from tests.fakes.client.fake_fermata import FakeFermata, few_retries, lose, problem, say, unreachable

URL = "https://shop.example.com/fermata"
SHOWN = {"object": "webhook", "url": URL, "disabled_at": None, "has_secret": True}
SECRET = {"object": "webhook_secret", "secret": "whsec_new", "previous_until": "2026-11-22T12:00:00Z"}
TESTED = {
    "object": "webhook_test",
    "webhook_id": "msg_1",
    "origin": "https://shop.example.com",
    "delivered": False,
    "status_code": 503,
    "error": None,
    "duration_ms": 12,
    "advice": "look at the receiver's log",
}


def test_every_call_is_the_route_of_its_name() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([say(200, SHOWN), say(200, {**SHOWN, "secret": "whsec_first"}), say(200, SECRET)])
    fermata.cues.extend([say(200, TESTED), say(204)])
    with fermata.sync() as client:
        shown, put = client.webhook.get(), client.webhook.set(URL)
        rotated, tested = client.webhook.rotate(overlap_s=0), client.webhook.test()
        client.webhook.remove()

    assert (shown.url, put.secret, rotated.secret, tested.delivered) == (URL, "whsec_first", "whsec_new", False)
    assert "whsec" not in repr((put, rotated))
    assert fermata.paths() == [
        *("GET /v1/webhook", "PUT /v1/webhook", "POST /v1/webhook/rotate"),
        *("POST /v1/webhook/test", "DELETE /v1/webhook"),
    ]
    assert [json.loads(fermata.requests[number].content) for number in (1, 2)] == [{"url": URL}, {"overlap_s": 0}]
    assert fermata.requests[3].content == b""


def test_an_awaited_endpoint_has_the_same_calls() -> None:
    fermata = FakeFermata()
    fermata.cues.append(say(200, SECRET))

    async def rotate() -> str:
        async with fermata.awaited() as client:
            return (await client.webhook.rotate()).secret

    assert anyio.run(rotate) == "whsec_new"


@pytest.mark.parametrize(
    "call", [lambda each: each.webhook.set(URL), lambda each: each.webhook.rotate(), lambda each: each.webhook.test()]
)
def test_what_makes_a_secret_or_a_post_is_repeated_only_where_nothing_was_sent(
    call: Callable[[Fermata], object],
) -> None:
    fermata = FakeFermata()
    fermata.cues.extend([unreachable, lose])

    with pytest.raises(errors.NetworkError):
        call(fermata.sync(retries=few_retries()))

    assert len(fermata.requests) == 2


def test_a_test_without_an_endpoint_is_a_conflict_by_its_code() -> None:
    fermata = FakeFermata()
    fermata.cues.append(problem(409, "no_webhook"))

    with pytest.raises(errors.ConflictError) as refused:
        fermata.sync().webhook.test()

    assert refused.value.code == "no_webhook"
