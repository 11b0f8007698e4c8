"""API Gateway's throttling of routes: a bucket of tokens for each, of which a request takes one.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
"""

import time
from collections.abc import Callable
from threading import Lock

from local.deploy.deployment import Route, Throttle


class Throttling:
    """Counts the requests of each route; thread-safe. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._buckets: dict[Route, tuple[float, float]] = {}

    def admits(self, route: Route) -> bool:
        """Whether a request of this route may pass now; one that may not takes nothing."""
        if route.throttle is None:
            return True
        with self._lock:
            now = self._clock()
            tokens = self._tokens(route, route.throttle, now)
            left = tokens - 1 if tokens >= 1 else tokens
            self._buckets[route] = (left, now)
        return left < tokens

    def _tokens(self, route: Route, throttle: Throttle, now: float) -> float:
        tokens, counted_at = self._buckets.get(route, (float(throttle.burst), now))
        return min(throttle.burst, tokens + (now - counted_at) * throttle.rate_per_s)
