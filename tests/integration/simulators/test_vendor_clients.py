"""MiniMax's own clients, from their published packages, take the simulator for MiniMax."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.integration.simulators.online import KEY, Provider
from tests.integration.simulators.vendor_clients import (
    McpServer,
    command_line,
    mcp_server_in_javascript,
    mcp_server_in_python,
)
from tests.songs import wav_file
from tests.support.players import ffmpeg

pytestmark = pytest.mark.long

STYLE = "Pop music, sad, suitable for rainy nights"
WORDS = "[Verse]\nRain on the window\n[Chorus]\nAll night long"
TRACE = re.compile("[Tt]race[- ]I[dD]: [0-9a-f]{32}")
SERVERS = [mcp_server_in_python, mcp_server_in_javascript]
MakeServer = Callable[[str, str, Path, str], McpServer]

servers = pytest.mark.parametrize("make", SERVERS, ids=["minimax-mcp", "minimax-mcp-js"])


def played(file: Path) -> tuple[str, int, float]:
    """Codec, channels and seconds of a file, as a player sees them."""
    command = [ffmpeg("ffprobe"), "-v", "error", "-of", "json", "-show_streams", "-show_format", str(file)]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    stream = found["streams"][0]
    return stream["codec_name"], stream["channels"], float(found["format"]["duration"])


def saved_file(folder: Path, told: str) -> Path:
    """The only file that a client saved, which its answer names."""
    [file] = folder.iterdir()
    assert str(file) in told
    return file


@servers
def test_a_song_by_an_mcp_server_is_saved_and_plays(minimax: Provider, tmp_path: Path, make: MakeServer) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    with make(minimax.url, KEY, folder, "local").running() as call:
        told = call("music_generation", prompt=STYLE, lyrics=WORDS)
    channels = 1 if make is mcp_server_in_javascript else 2
    codec, found, seconds = played(saved_file(folder, told))
    assert (codec, found, round(seconds)) == ("mp3", channels, 6)
    assert (minimax.bill["posts"], minimax.bill["charged"]) == (1, 1)


@servers
def test_a_link_that_an_mcp_server_names_leads_to_a_song(minimax: Provider, tmp_path: Path, make: MakeServer) -> None:
    with make(minimax.url, KEY, tmp_path, "url").running() as call:
        told = call("music_generation", prompt=STYLE, lyrics=WORDS)
    file = tmp_path / "song.mp3"
    file.write_bytes(httpx.get(told.partition("url: ")[2] or told.partition("URL: ")[2], trust_env=False).content)
    assert played(file)[0] == "mp3"


@servers
def test_an_mcp_server_speaks_and_lists_voices(minimax: Provider, tmp_path: Path, make: MakeServer) -> None:
    folder = tmp_path / "speech"
    folder.mkdir()
    with make(minimax.url, KEY, folder, "local").running() as call:
        told = call("text_to_audio", text="Hello from the other side.")
        voices = call("list_voices")
    codec, channels, seconds = played(saved_file(folder, told))
    assert (codec, channels, round(seconds)) == ("mp3", 1, 2)
    assert "ID: Wise_Woman" in voices


@servers
def test_an_mcp_server_reports_a_refusal_in_minimaxs_words_and_its_trace_id(
    minimax: Provider, tmp_path: Path, make: MakeServer
) -> None:
    with make(minimax.url, KEY, tmp_path, "local").running() as call:
        short = call("music_generation", prompt="Pop", lyrics=WORDS)
        minimax.fault("code:1004")
        refused_key = call("music_generation", prompt=STYLE, lyrics=WORDS)
    assert re.search("API Error: .*invalid params, prompt: expected 10 to [0-9]+ characters, found 3", short)
    assert "login fail: Please carry the API secret key" in refused_key
    assert all(TRACE.search(told) for told in (short, refused_key))
    assert (list(tmp_path.glob("*.mp3")), minimax.bill["charged"]) == ([], 0)


@pytest.mark.parametrize(
    "options",
    [
        ["--lyrics", WORDS], ["--instrumental"], ["--lyrics-optimizer"], ["--lyrics", WORDS, "--aigc-watermark"],
        ["--lyrics", WORDS, "--model", "music-2.5", "--sample-rate", "32000", "--bitrate", "64000"],
    ],
)  # fmt: skip
def test_a_song_by_the_command_line_is_saved_and_plays(minimax: Provider, tmp_path: Path, options: list[str]) -> None:
    mmx, file = command_line(minimax.url, KEY, tmp_path), tmp_path / "song.mp3"
    done = mmx.run("music", "generate", "--prompt", STYLE, *options, "--out", str(file))
    assert (done.returncode, json.loads(done.stdout)) == (0, {"saved": str(file)})
    assert played(file)[:2] == ("mp3", 2)


def test_the_command_line_prints_a_link_or_the_song_as_it_comes(minimax: Provider, tmp_path: Path) -> None:
    order = ("music", "generate", "--prompt", STYLE, "--lyrics", WORDS)
    mmx = command_line(minimax.url, KEY, tmp_path)
    linked = mmx.run(*order, "--output-format", "url").stdout.decode().strip()
    streamed = mmx.run(*order, "--stream").stdout
    assert httpx.get(linked, trust_env=False).content == streamed
    (tmp_path / "song.mp3").write_bytes(streamed)
    assert played(tmp_path / "song.mp3")[0] == "mp3"


@pytest.mark.parametrize(("lyrics", "calls"), [((), 1), (("--lyrics", WORDS), 2)], ids=["heard", "new lyrics"])
def test_the_command_line_covers_a_recording(
    minimax: Provider, tmp_path: Path, lyrics: tuple[str, ...], calls: int
) -> None:
    source, file = tmp_path / "source.wav", tmp_path / "cover.mp3"
    source.write_bytes(wav_file(7))
    options = ("--audio-file", str(source), "--channel", "1", "--seed", "7", "--out", str(file))
    mmx = command_line(minimax.url, KEY, tmp_path)
    done = mmx.run("music", "cover", "--prompt", STYLE, *lyrics, *options)
    assert done.returncode == 0
    assert played(file)[:2] == ("mp3", 1)
    assert (minimax.bill["posts"], len([line for line in minimax.log if line["method"] == "POST"])) == (1, calls)


def test_the_command_line_speaks_and_lists_voices(minimax: Provider, tmp_path: Path) -> None:
    mmx, file = command_line(minimax.url, KEY, tmp_path), tmp_path / "speech.mp3"
    told = json.loads(mmx.run("speech", "synthesize", "--text", "Hello there.", "--out", str(file)).stdout)
    assert (told["saved"], told["size_bytes"]) == (str(file), file.stat().st_size)
    assert played(file)[:2] == ("mp3", 1)
    assert "Wise_Woman" in json.loads(mmx.run("speech", "voices").stdout)


def test_the_command_line_ends_with_minimaxs_refusal(minimax: Provider, tmp_path: Path) -> None:
    order = ("music", "generate", "--prompt", STYLE, "--lyrics", WORDS)
    mmx = command_line(minimax.url, KEY, tmp_path)
    minimax.fault("code:1008")
    poor = json.loads(mmx.run(*order).stderr)["error"]
    minimax.fault("code:2061")
    lacking = json.loads(mmx.run(*order).stderr)["error"]
    assert "insufficient balance" in poor["message"]
    assert (lacking["code"], "not support model" in lacking["message"]) == (4, True)
