"""A simulated provider over real sockets, as tests talk to it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from local.simulators import RunningSimulator

Json: TypeAlias = dict[str, Any]

KEY = "key-of-the-test"
# Light audio keeps these tests quick.
LIGHT: Json = {"audio_setting": {"bitrate": 32000}}
ORDERS: dict[str, tuple[str, Callable[[Json], Json]]] = {
    "minimax": ("/v1/music_generation", lambda words: {"model": "music-2.0", **LIGHT, **words}),
    "skillboss": ("/v1/run", lambda words: {"model": "minimax_voice/music-2.5", "inputs": words}),
    "apiinone": ("/api/v1/audio/music", lambda words: {"model": "minimax-music", "bitrate": 32000, **words}),
    "aimlapi": ("/v2/generate/audio", lambda words: {"model": "minimax/music-2.0", **LIGHT, **words}),
}
"""The path of each provider's paid POST, and the body of a good one."""


class Provider:
    """A running simulated provider with a client that may be made to misbehave."""

    def __init__(self, running: RunningSimulator, log_path: Path, client: httpx.Client) -> None:
        self.running = running
        self.url = running.url
        self.port = int(running.url.rpartition(":")[2])
        self.log_path = log_path
        self.client = client

    def order(self, **changes: object) -> httpx.Response:
        return self.client.post(self.url + self.path, json=self.body(**changes), headers=self.authorization)

    def body(self, **changes: object) -> dict[str, object]:
        words = {"prompt": "indie folk, rainy evening", "lyrics": "rain on my window"}
        return {**ORDERS[self.running.provider][1](words), **changes}

    @property
    def path(self) -> str:
        return ORDERS[self.running.provider][0]

    @property
    def authorization(self) -> dict[str, str]:
        return {"authorization": f"Bearer {KEY}"}

    def poll(self, task: str) -> httpx.Response:
        return self.client.get(self.url + self.path, params={"generation_id": task}, headers=self.authorization)

    def link(self) -> str:
        """The link to a finished song."""
        if self.running.provider == "minimax":
            return str(self.order(output_format="url").json()["data"]["audio"])
        if self.running.provider == "skillboss":
            return str(self.order().json()["outputs"][0]["url"])
        if self.running.provider == "apiinone":
            task = self.order().json()["data"]["task_id"]
            answer = self.client.get(f"{self.url}/api/v1/tasks/{task}", headers=self.authorization)
            return str(answer.json()["data"]["response_data"][0]["audio_url"])
        return str(self.poll(self.order().json()["id"]).json()["audio_file"]["url"])

    def fault(self, name: str, **more: object) -> None:
        assert self.client.post(f"{self.url}/_sim/faults", json={"fault": name, **more}).status_code == 201

    @property
    def bill(self) -> Json:
        answer: Json = self.client.get(f"{self.url}/_sim/bill").json()
        return answer

    @property
    def log(self) -> list[Json]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]
