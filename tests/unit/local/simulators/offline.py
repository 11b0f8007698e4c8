"""Simulated providers without sockets: requests are values, and time passes only when a test says so."""

import json
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from local.simulators.http.exchange import Answer, Request
from local.simulators.providers.references import BadRecordingError
from local.simulators.running import build_simulator

Json: TypeAlias = dict[str, Any]

KEY = "key-of-the-test"
ORIGIN = "http://simulator.test"
ORDERS = {
    "minimax": ("/v1/music_generation", "music-2.0"),
    "skillboss": ("/v1/run", "minimax_voice/music-2.5"),
    "apiinone": ("/api/v1/audio/music", "minimax-music"),
    "aimlapi": ("/v2/generate/audio", "minimax/music-2.0"),
}
"""The path of each provider's paid POST, and a model that it takes."""
SPOKEN: Final = "A sentence that is spoken. And one more."
SPEECHES: Final[dict[str, tuple[str, Json]]] = {
    "minimax": (
        "/v1/t2a_v2",
        {"model": "speech-2.8-hd", "text": SPOKEN, "voice_setting": {"voice_id": "English_Graceful_Lady"}},
    ),
    "skillboss": ("/v1/run", {"model": "minimax_voice/speech-2.8-hd", "inputs": {"text": SPOKEN}}),
    "aimlapi": ("/v1/tts", {"model": "minimax/speech-2.8-hd", "text": SPOKEN}),
}
"""The path of each provider's paid POST for speech, and a body that it takes."""


@dataclass
class Clock:
    """Seconds that a test advances by hand."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Provider:
    """One simulated provider as a test talks to it."""

    name: str
    latency_s: float = 10.0
    clock: Clock = field(default_factory=Clock)

    recordings: dict[str, bytes] = field(default_factory=dict)
    """The files behind links on this machine."""

    def __post_init__(self) -> None:
        self._simulator = build_simulator(
            self.name, key=KEY, latency_s=self.latency_s, origin=ORIGIN, clock=self.clock, fetch=self._fetch
        )

    def _fetch(self, url: str) -> bytes:
        if url not in self.recordings:
            raise BadRecordingError("could not be fetched: HTTP 404")
        return self.recordings[url]

    def request(
        self, method: str, target: str, body: object = b"", *, key: str | None = KEY, content_type: str = ""
    ) -> Answer:
        path, _, query = target.removeprefix(ORIGIN).partition("?")
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {key}"} if key else {}
        return self._simulator.respond(Request(method, path, query, {**sent, "content-type": content_type}, raw)).answer

    def json(self, method: str, target: str, body: object = b"", *, key: str | None = KEY) -> Json:
        parsed: Json = json.loads(self.request(method, target, body, key=key).body)
        return parsed

    def order(self, **changes: object) -> Answer:
        """A valid paid POST, apart from `changes` (None takes a field away)."""
        return self.request("POST", self.path, self.body(**changes))

    def speak(self, **changes: object) -> Answer:
        """A valid order of speech, apart from `changes` (None takes a field away)."""
        path, body = SPEECHES[self.name]
        return self.request("POST", path, {name: each for name, each in (body | changes).items() if each is not None})

    def body(self, **changes: object) -> dict[str, object]:
        whole = {
            "model": ORDERS[self.name][1],
            "prompt": "indie folk, rainy evening",
            "lyrics": "[Verse]\nrain on glass",
        }
        body = {name: value for name, value in (whole | changes).items() if value is not None}
        if self.name != "skillboss" or "inputs" in body:
            return body
        inputs = {name: body.pop(name) for name in ("prompt", "lyrics") if name in body}
        return {**body, "inputs": inputs}

    @property
    def path(self) -> str:
        return ORDERS[self.name][0]

    def file(self, link: str, *, key: str | None = None) -> Answer:
        return self.request("GET", link, key=key)

    def fault(self, fault: str, **more: object) -> Answer:
        return self.request("POST", "/_sim/faults", {"fault": fault, **more}, key=None)

    @property
    def bill(self) -> Json:
        return self.json("GET", "/_sim/bill", key=None)
