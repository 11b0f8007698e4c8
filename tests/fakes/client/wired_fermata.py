"""The API as the client sees it, with the real functions of a `World` behind httpx's own seam."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx

from fermata_client import AsyncFermata, Clock, Retries
from tests.fakes.client.fake_fermata import API_KEY, BASE_URL, Cue
from tests.fakes.world import World
from tests.functions import FakeContext, http_event, wired_app

_ROUTES: Final = (
    ("POST", r"/v1/(?:jobs|quote)", "submit_job"),
    ("GET", r"/v1/jobs", "list_jobs"),
    ("GET", r"/v1/account", "read_account"),
    ("POST", r"/v1/jobs/(?P<id>[^/]+)/cancel", "cancel_job"),
    ("GET", r"/v1/(?:models|jobs/(?P<id>[^/]+))", "read_jobs"),
    ("GET", r"/v1/voices", "list_voices"),
)


@dataclass
class WiredFermata:
    """One account of a world; `cues` are for the next requests, in their order. Clients pause without waiting."""

    world: World
    cues: deque[Cue] = field(default_factory=deque)
    requests: list[httpx.Request] = field(default_factory=list)
    keys_given: int = 0

    def awaited(self, **settings: Any) -> AsyncFermata:  # noqa: ANN401 - the client's own arguments
        """A client to await, with the world's clock."""

        def now() -> float:
            return self.world.clock.now.timestamp()

        clock = Clock(wall=now, monotonic=now, chance=lambda: 0.0, new_key=self._new_key)

        async def sleep(seconds: float) -> None:
            self.world.clock.pass_seconds(seconds)
            await anyio.lowlevel.checkpoint()

        made = {"api_key": API_KEY, "base_url": BASE_URL, "retries": Retries(attempts=2), **settings}
        http = httpx.AsyncClient(transport=httpx.MockTransport(self.serve))
        return AsyncFermata(http=http, clock=clock, sleep=sleep, **made)

    def serve(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as the functions do, or as the next cue says."""
        self.requests.append(request)
        return self.cues.popleft()(request, self._answer) if self.cues else self._answer(request)

    def sent(self, what: str) -> list[httpx.Request]:
        """The requests with this method and path."""
        return [each for each in self.requests if f"{each.method} {each.url.path}" == what]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        for method, path, function in _ROUTES:
            found = re.fullmatch(path, request.url.path)
            if found and method == request.method:
                event = http_event(method, request.url.path, request.content or None)
                event["rawQueryString"] = request.url.query.decode()
                event["queryStringParameters"] = dict(request.url.params)
                event["pathParameters"] = {name: each for name, each in found.groupdict().items() if each}
                event["headers"].update({name.lower(): each for name, each in request.headers.items()})
                answer = wired_app(function, self.world).lambda_handler(event, FakeContext())
                return httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"])
        raise AssertionError(f"no function answers {request.method} {request.url.path}")

    def _new_key(self) -> str:
        self.keys_given += 1
        return f"nonce-{self.keys_given}"
