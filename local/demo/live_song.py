"""One live song, played by ffmpeg while it is still being made.

Its simulated provider holds the second half back until the player is heard, so that a busy machine shows the same.
"""

import io
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event
from typing import Any, Final

import httpx

from local.demo.cloud_process import CloudAddress
from local.demo.errors import SongError

MODEL: Final = "minimax/music-3.0"
_RATE_HZ: Final = 44_100
_BYTES_A_SECOND: Final = _RATE_HZ * 2 * 2
_FIRST_SOUND_BYTES: Final = _BYTES_A_SECOND // 10
_LONGEST_S: Final = 90.0
_PAUSE_S: Final = 0.1
_LINES: Final = 14
"""Words for a song of 18 seconds: its first half has more than a player reads before it plays."""
_HELD: Final = "[[fault:stream_hold]]"
_ENDED: Final = frozenset({"succeeded", "failed", "canceled", "expired"})


@dataclass(frozen=True)
class LiveSong:
    """What a player heard: the seconds from the order to its first sound and to the finished song, the job's status and
    the pieces of its playlist at the first sound, and the seconds of sound in all. `has_ended_then` is whether the
    playlist had its end by then.
    """

    first_sound_s: float
    whole_s: float
    status_then: str
    pieces_then: int
    has_ended_then: bool
    heard_s: float

    def __str__(self) -> str:
        return (
            f"live: ffmpeg played {MODEL} from {self.first_sound_s:.1f} s after the order, while it was "
            f"{self.status_then} ({self.pieces_then} pieces{', the last too' if self.has_ended_then else ' so far'}); "
            f"the song was whole after {self.whole_s:.1f} s; {self.heard_s:.2f} s were heard"
        )


def play_live(client: httpx.Client, cloud: CloudAddress, prompt: str, stopped: Event) -> LiveSong:
    """Order a live song and play it from its first piece to its end. Raises `SongError` with what went wrong."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise SongError("expected ffmpeg to play a live song, found none; Debian has it: apt-get install ffmpeg")
    began = time.monotonic()
    read = _reader(client, cloud.api_url, cloud.api_key, f"{prompt} {_HELD}")
    url = _address(read, stopped)
    command = [ffmpeg, "-nostdin", "-v", "error", "-http_persistent", "0", "-live_start_index", "0", "-i", url]
    with subprocess.Popen(
        [*command, "-f", "s16le", "-ac", "2", "-ar", str(_RATE_HZ), "pipe:1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as player:
        try:
            sound = player.stdout or io.BytesIO()
            heard = len(sound.read(_FIRST_SOUND_BYTES))
            if heard < _FIRST_SOUND_BYTES:
                raise SongError(
                    f"expected ffmpeg to play a live song, found its exit code {player.wait()} and no sound"
                )
            first_sound_s, status = time.monotonic() - began, str(read()["status"])
            playlist = _asked(client, "GET", url)
            _asked(client, "POST", f"{cloud.simulators['minimax']}/_sim/release")
            while piece := sound.read(_BYTES_A_SECOND):
                heard += len(piece)
        finally:
            player.kill()
    whole_s = _whole_after(read, began, stopped)
    pieces, has_ended = playlist.count("#EXTINF:"), "#EXT-X-ENDLIST" in playlist
    return LiveSong(first_sound_s, whole_s, status, pieces, has_ended, heard / _BYTES_A_SECOND)


def _asked(client: httpx.Client, method: str, url: str) -> str:
    try:
        return client.request(method, url).raise_for_status().text
    except httpx.HTTPError as error:
        raise SongError(f"expected an answer about a live song, found {type(error).__name__}") from error


def _reader(client: httpx.Client, api_url: str, api_key: str, prompt: str) -> Callable[[], dict[str, Any]]:
    headers = {"Authorization": f"Bearer {api_key}"}
    lyrics = "[Verse]\n" + "Rain on the window\n" * _LINES
    body = {"model": MODEL, "prompt": prompt, "lyrics": lyrics, "live": True}
    try:
        ordered = client.post(f"{api_url}/v1/jobs", headers=headers, json=body)
        if ordered.status_code != HTTPStatus.ACCEPTED:
            raise SongError(f"expected a live order to be accepted, found HTTP {ordered.status_code}")
        address = f"{api_url}/v1/jobs/{ordered.json()['id']}"
    except httpx.HTTPError as error:
        raise SongError(f"expected a live order to be accepted, found {type(error).__name__}") from error

    def read() -> dict[str, Any]:
        try:
            job: dict[str, Any] = json.loads(client.get(address, headers=headers).raise_for_status().text)
        except httpx.HTTPError as error:
            raise SongError(f"expected the job of a live song, found {type(error).__name__}") from error
        return job

    return read


def _address(read: Callable[[], dict[str, Any]], stopped: Event) -> str:
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until and not stopped.wait(_PAUSE_S):
        job = read()
        if job["urls"]["live"]:
            return str(job["urls"]["live"])
        if job["status"] in _ENDED:
            raise SongError(f"expected a live song to be heard, found that its job {job['status']} without a piece")
    raise SongError("expected a live song to be heard, found no piece in time")


def _whole_after(read: Callable[[], dict[str, Any]], began: float, stopped: Event) -> float:
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        status = read()["status"]
        if status == "succeeded":
            return time.monotonic() - began
        if status in _ENDED or stopped.wait(_PAUSE_S):
            break
    raise SongError("expected a live song to be delivered, found that its job was not")
