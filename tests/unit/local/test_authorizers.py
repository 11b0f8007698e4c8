"""An authorizer's answer is remembered for its time to live."""

import json
from concurrent.futures import Future

from local.authorizers import AuthorizerCache
from local.deployment import Authorizer
from local.lambda_answers import Answer

AUTHORIZER = Authorizer("Keys", "arn:keys", "Authorization", 60)


def test_an_answer_is_asked_for_again_when_its_time_is_over() -> None:
    asked: list[bytes] = []
    instant = [1000.0]

    def submit(_arn: str, payload: bytes) -> Future[Answer]:
        asked.append(payload)
        future: Future[Answer] = Future()
        future.set_result(Answer(json.dumps({"isAuthorized": len(asked) == 1, "context": {"n": len(asked)}}).encode()))
        return future

    cache = AuthorizerCache(submit, clock=lambda: instant[0])
    decisions = []
    for seconds in (0, 59.9, 0.2):
        instant[0] += seconds
        decisions.append(cache.decide(AUTHORIZER, "Bearer good", dict, 1))
    assert [decision.allowed for decision in decisions] == [True, True, False]
    assert [decision.context["n"] for decision in decisions] == [1, 1, 2]
