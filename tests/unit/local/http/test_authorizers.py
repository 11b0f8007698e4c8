"""An authorizer's answer is remembered for its time to live."""

import json
from concurrent.futures import Future
from datetime import timedelta

import pytest

from fermata.domain.tenants.api_keys import new_api_key
from local.deploy.deployment import Authorizer
from local.deploy.transform import read_template
from local.http.authorizers import AuthorizerCache
from local.runtime.lambda_answers import Answer
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.functions import ROOT, FakeContext, wired_app

TTL_S = int(read_template(ROOT / "template.yaml")["Parameters"]["AuthorizerTtlSeconds"]["Default"])
AUTHORIZER = Authorizer("Keys", "arn:keys", "Authorization", TTL_S)


def test_the_authorizer_is_called_again_when_its_answer_expires() -> None:
    asked: list[bytes] = []
    instant = [1000.0]

    def submit(_arn: str, payload: bytes) -> Future[Answer]:
        asked.append(payload)
        future: Future[Answer] = Future()
        future.set_result(Answer(json.dumps({"isAuthorized": len(asked) == 1, "context": {"n": len(asked)}}).encode()))
        return future

    cache = AuthorizerCache(submit, clock=lambda: instant[0])
    decisions = []
    for seconds in (0, TTL_S - 0.1, 0.2):
        instant[0] += seconds
        decisions.append(cache.decide(AUTHORIZER, "Bearer good", dict, 1))
    assert [decision.allowed for decision in decisions] == [True, True, False]
    assert [decision.context["n"] for decision in decisions] == [1, 1, 2]


@pytest.mark.parametrize("ends_by", ["expiring", "revoking"])
@pytest.mark.parametrize("last_asked_s", [0.1, 10, 59.9])
def test_a_key_that_ends_while_it_is_in_use_opens_nothing_after_the_authorizers_time_to_live(
    ends_by: str, last_asked_s: float
) -> None:
    world = World()
    ends = NOON + timedelta(hours=1)
    key, record = new_api_key("acme", NOON, bytes(range(25)), expires_at=ends if ends_by == "expiring" else None)
    world.tenants.add_key(record)
    app = wired_app("authorize_request", world)

    def submit(_arn: str, payload: bytes) -> Future[Answer]:
        future: Future[Answer] = Future()
        future.set_result(Answer(json.dumps(app.lambda_handler(json.loads(payload), FakeContext())).encode()))
        return future

    cache = AuthorizerCache(submit, clock=lambda: world.clock().timestamp())

    def opens_at(seconds_after_the_end: float) -> bool:
        world.clock.now = ends + timedelta(seconds=seconds_after_the_end)
        if ends_by == "revoking" and seconds_after_the_end >= 0:
            world.tenants.revoke_key(record, ends)
        event = {"headers": {"authorization": f"Bearer {key}"}}
        return cache.decide(AUTHORIZER, f"Bearer {key}", lambda: event, 1).allowed

    assert opens_at(-last_asked_s)
    # API Gateway calls no authorizer while it remembers its answer; docs/operations.md says for how long.
    assert opens_at(TTL_S - last_asked_s - 0.05)
    assert not opens_at(max(TTL_S - last_asked_s, 0) + 0.05)
    assert not opens_at(TTL_S)
