"""A provider server in another language is plugged in, and Fermata goes nowhere else for its songs."""

import hashlib
import json
import math
import shutil
import socket
import struct
import subprocess
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import lameenc
import miniaudio
import pytest

from tests.integration.cloud_process import PROJECT_ROOT
from tests.integration.song import TLS, Cloud, request

SERVER = Path(__file__).parent / "foreign_provider" / "server.mjs"
KEY = "foreign-key-4711"


@dataclass(frozen=True)
class ForeignProvider:
    """The running server: where it is, and the requests that it received."""

    url: str
    songs: dict[str, Path]

    def seen(self, prompt: str) -> list[dict[str, Any]]:
        """The paid calls with this prompt."""
        return [post for post in self._seen("POST") if json.loads(post["body"])["prompt"] == prompt]

    def downloads(self) -> list[dict[str, Any]]:
        return self._seen("GET")

    def _seen(self, method: str) -> list[dict[str, Any]]:
        everything = httpx.get(f"{self.url}/seen", verify=TLS).raise_for_status().json()
        return [entry for entry in everything if entry["method"] == method]


class SilentPort:
    """Another port of this machine: each connection is counted by the kernel's own queue and never answered."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/song.wav"

    def connections(self) -> int:
        self._listener.settimeout(0)
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def another_port() -> Iterator[SilentPort]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield SilentPort(listener)


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignProvider]:
    songs = _songs(tmp_path_factory.mktemp("songs"))
    command = [_node(), str(SERVER), "--key", KEY, "--mp3", str(songs["mp3"]), "--wav", str(songs["wav"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        yield ForeignProvider(f"http://127.0.0.1:{port}", songs)
        server.terminate()


@pytest.fixture(scope="module")
def cloud(provider: ForeignProvider, start_cloud: Callable[..., Cloud]) -> Cloud:
    return start_cloud("--provider", f"minimax={provider.url}", "--provider-key", f"minimax={KEY}")


def _node() -> str:
    own = PROJECT_ROOT / ".tools" / "node" / "bin" / "node"
    node = str(own) if own.exists() else shutil.which("node")
    if node is None:
        pytest.fail(f"expected Node.js at {own} or on PATH, found neither; run: make setup")
    return node


def _songs(folder: Path) -> dict[str, Path]:
    """Mono songs of 3 s (32 kHz, 64 kbps) and 2.5 s (22,050 Hz): neither what is ordered nor what the provider says."""
    mp3 = lameenc.Encoder()
    mp3.set_channels(1)
    mp3.set_in_sample_rate(32_000)
    mp3.set_out_sample_rate(32_000)
    mp3.set_bit_rate(64)
    mp3.silence()
    (folder / "song.mp3").write_bytes(bytes(mp3.encode(_tone(3.0, 32_000))) + bytes(mp3.flush()))
    with wave.open(str(folder / "song.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(_tone(2.5, 22_050))
    return {"mp3": folder / "song.mp3", "wav": folder / "song.wav"}


def _tone(seconds: float, rate_hz: int) -> bytes:
    samples = [round(9000 * math.sin(2 * math.pi * 440 * n / rate_hz)) for n in range(round(seconds * rate_hz))]
    return struct.pack(f"<{len(samples)}h", *samples)


def facts(track: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: track[name] for name in names}


def test_a_provider_in_another_language_serves_a_song(cloud: Cloud, provider: ForeignProvider) -> None:
    job = cloud.made(request("an unkind but correct answer"))

    assert job["status"] == "succeeded", job["error"]
    [track] = job["tracks"]
    assert cloud.original(job) == provider.songs["mp3"].read_bytes()
    assert provider.songs["mp3"].read_bytes() in httpx.get(track["url"], verify=TLS).raise_for_status().content
    assert "minimax" not in cloud.line["simulators"]


def test_what_was_measured_is_reported_and_not_what_the_provider_says(cloud: Cloud, provider: ForeignProvider) -> None:
    [track] = cloud.made(request("lies about the audio"))["tracks"]

    song = provider.songs["mp3"].read_bytes()
    decoded = miniaudio.decode(song, nchannels=1, sample_rate=32_000)
    assert abs(track["duration_ms"] - decoded.num_frames / 32) <= 50
    names = ("source_sha256", "sample_rate_hz", "channels", "bitrate_bps", "content_type")
    assert facts(track, names) == {
        "source_sha256": hashlib.sha256(song).hexdigest(),
        "sample_rate_hz": 32_000,
        "channels": 1,
        "bitrate_bps": 64_000,
        "content_type": "audio/mpeg",
    }


def test_one_song_is_one_paid_call_with_the_operators_key(cloud: Cloud, provider: ForeignProvider) -> None:
    cloud.made(request("counted and identified"))

    [post] = provider.seen("counted and identified")
    assert post["path"] == "/v1/music_generation"
    assert post["authorization"] == f"Bearer {KEY}"


def test_a_link_on_the_providers_own_origin_is_fetched_byte_for_byte_and_without_the_key(
    cloud: Cloud, provider: ForeignProvider
) -> None:
    before = len(provider.downloads())
    job = cloud.made(request("a file behind a link", model="minimax/music-2.6", audio={"format": "wav"}))

    assert job["status"] == "succeeded", job["error"]
    [track] = job["tracks"]
    assert cloud.original(job) == provider.songs["wav"].read_bytes()
    assert facts(track, ("duration_ms", "sample_rate_hz", "channels", "content_type")) == {
        "duration_ms": 2500,
        "sample_rate_hz": 22_050,
        "channels": 1,
        "content_type": "audio/wav",
    }
    # The server knows a link only by its exact path and query.
    [download] = provider.downloads()[before:]
    assert download["authorization"] is None


@pytest.mark.parametrize("way", ["redirect-to", "link-to"])
def test_no_other_port_of_this_machine_is_reached_for_a_file(cloud: Cloud, another_port: SilentPort, way: str) -> None:
    prompt = f"a trap {way}={another_port.url}"
    job = cloud.made(request(prompt, model="minimax/music-2.6", audio={"format": "wav"}))

    assert another_port.connections() == 0
    assert job["status"] == "failed"
    assert (job["error"]["class"], job["error"]["code"]) == ("provider_error", "unsafe_link")
    assert job["error"]["provider_charged"] == "yes"


def test_the_trusted_origin_under_another_name_is_not_trusted(cloud: Cloud, provider: ForeignProvider) -> None:
    before = len(provider.downloads())
    alias = provider.url.replace("127.0.0.1", "localhost")
    job = cloud.made(request(f"link-to={alias}/made", model="minimax/music-2.6", audio={"format": "wav"}))

    assert (job["status"], job["error"]["code"]) == ("failed", "unsafe_link")
    assert len(provider.downloads()) == before


def test_the_paid_call_follows_no_redirect(cloud: Cloud, provider: ForeignProvider, another_port: SilentPort) -> None:
    prompt = f"another trap post-to={another_port.url}"
    job = cloud.made(request(prompt))

    assert another_port.connections() == 0
    assert len(provider.seen(prompt)) == 1
    assert job["status"] == "failed"
    assert job["error"]["class"] == "unknown_outcome"
