"""Lambda authorizers of an HTTP API, with their cache."""

import json
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from local.deploy.deployment import Authorizer
from local.runtime.lambda_answers import Answer

_CACHE_LIMIT: Final = 10_000


class AuthorizerError(Exception):
    """The authorizer failed, or its answer is invalid; API Gateway answers 500."""


@dataclass(frozen=True)
class Decision:
    """Whether a request may pass, and the authorizer's context for the function."""

    allowed: bool
    context: dict[str, Any]


class AuthorizerCache:
    """Calls an authorizer once per header value and caches its decision for the authorizer's time to live."""

    def __init__(
        self, submit: Callable[[str, bytes], Future[Answer]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._submit, self._clock = submit, clock
        self._lock = Lock()
        self._decisions: dict[tuple[str, str], tuple[float, Decision]] = {}

    def decide(
        self, authorizer: Authorizer, identity: str, event: Callable[[], dict[str, Any]], timeout_s: float
    ) -> Decision:
        """Return the decision for an identity; raises `AuthorizerError`, which is not cached, or `TimeoutError`."""
        key = (authorizer.function_arn, identity)
        with self._lock:
            expires, decision = self._decisions.get(key, (0.0, None))
        if decision is not None and self._clock() < expires:
            return decision
        answer = self._submit(authorizer.function_arn, json.dumps(event()).encode()).result(timeout=timeout_s)
        decision = _read(answer)
        self._store(key, authorizer.ttl_s, decision)
        return decision

    def clear(self) -> None:
        """Forget all decisions."""
        with self._lock:
            self._decisions.clear()

    def _store(self, key: tuple[str, str], ttl_s: int, decision: Decision) -> None:
        if ttl_s <= 0:
            return
        with self._lock:
            if len(self._decisions) >= _CACHE_LIMIT:
                self._decisions.clear()
            self._decisions[key] = (self._clock() + ttl_s, decision)


def _read(answer: Answer) -> Decision:
    if answer.failed:
        raise AuthorizerError("the authorizer failed")
    try:
        document = json.loads(answer.payload)
    except ValueError as error:
        raise AuthorizerError("the authorizer's answer is not JSON") from error
    if not (isinstance(document, dict) and isinstance(document.get("isAuthorized"), bool)):
        raise AuthorizerError("the authorizer's answer has no isAuthorized")
    return Decision(document["isAuthorized"], document.get("context") or {})
