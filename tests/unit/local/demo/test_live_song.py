"""A demo whose player is silent fails, whatever becomes of the song."""

from pathlib import Path
from threading import Event

import httpx
import pytest

from local.demo.cloud_process import CloudAddress
from local.demo.errors import SongError
from local.demo.live_song import play_live

CLOUD = CloudAddress(
    api_url="http://127.0.0.1:1",
    api_key="key",
    aws_endpoint_url="http://127.0.0.1:1",
    region="eu-central-1",
    access_key_id="id",
    secret_access_key="secret",
    machine_arn="arn",
    simulators={"minimax": "http://127.0.0.1:2"},
    logs_dir=Path("logs"),
)


def answer(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        return httpx.Response(202, json={"id": "job_1"})
    if request.url.path.endswith("/playlist.m3u8"):
        return httpx.Response(200, text="#EXTINF:4,\n")
    return httpx.Response(
        200, json={"status": "succeeded", "urls": {"live": "http://127.0.0.1:1/v1/live/token/playlist.m3u8"}}
    )


def player(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg = folder / "ffmpeg"
    ffmpeg.write_text(f"#!/bin/sh\n{script}\n")
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize("script", ["exit 3", "printf sound; exit 3"], ids=["silent", "a_crackle"])
def test_a_player_that_ends_before_the_first_sound_fails_the_demo(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player(tmp_path, script, monkeypatch)
    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        pytest.raises(SongError, match="exit code 3"),
    ):
        play_live(client, CLOUD, "rain", Event())
