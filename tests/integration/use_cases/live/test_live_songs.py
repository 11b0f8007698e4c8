"""A live song from the order to the player: heard while it is made, by a player that did not write it."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final

import httpx
import pytest

from tests.integration.song import TERMINAL, Cloud, request

LONG: Final = "[Verse]\n" + "\n".join(f"Rain on the window {number}" for number in range(20))
"""The words of a song of 24 seconds."""
SONG_S: Final = 24
PAGE: Final = "https://player.example"
TAG_BYTES: Final = 73
FRAME_S: Final = 1152 / 44100
BYTES_A_SECOND: Final = 44100 * 2 * 2


@pytest.fixture(scope="module")
def slow(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud whose provider takes five seconds for a song, and lets only one page call the API."""
    return start_cloud("--provider-latency", "5", "--param", "CorsAllowedOrigins=https://app.example.com")


def player(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.fail(f"{name} is the judge of this test and is not on this machine: apt-get install -y ffmpeg")
    return found


def live_url(cloud: Cloud, job_id: str) -> str:
    """The address of a song, as soon as its job says it."""
    found: list[str] = []

    def is_heard() -> bool:
        job = cloud.job(job_id)
        assert job["status"] not in TERMINAL, job
        found.extend([job["urls"]["live"]] if job["urls"]["live"] else [])
        return bool(found)

    cloud.until(is_heard)
    return found[0]


@contextmanager
def playing(url: str, scratch: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """ffmpeg, which plays a playlist from its beginning and writes samples of 16 bits."""
    command = [
        player("ffmpeg"),
        "-nostdin",
        "-v",
        "error",
        "-http_persistent",
        "0",
        "-live_start_index",
        "0",
        "-i",
        url,
    ]
    with (scratch / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [*command, "-f", "s16le", "-ac", "2", "-ar", "44100", "pipe:1"], stdout=subprocess.PIPE, stderr=said
        )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def decoded(song: bytes) -> bytes:
    command = [player("ffmpeg"), "-nostdin", "-v", "error", "-f", "mp3", "-i", "pipe:0"]
    finished = subprocess.run(
        [*command, "-f", "s16le", "-ac", "2", "-ar", "44100", "pipe:1"], input=song, capture_output=True, check=True
    )
    return finished.stdout


def song_of(job: dict[str, Any]) -> bytes:
    return httpx.get(job["tracks"][0]["url"]).raise_for_status().content


def test_a_player_plays_a_song_while_it_is_being_made(slow: Cloud, tmp_path: Path) -> None:
    job_id = slow.submit(request("heard by ffmpeg", lyrics=LONG, live=True))["id"]
    with playing(live_url(slow, job_id), tmp_path) as (process, sound):
        heard = sound.read(BYTES_A_SECOND)
        still_made = slow.job(job_id)
        heard += sound.read()
        assert process.wait(30) == 0
    said = (tmp_path / "said.txt").read_text("utf-8")
    assert (still_made["status"], still_made["tracks"]) == ("submitting", [])
    job = slow.finished(job_id)
    whole = decoded(song_of(job))
    assert len(heard) / BYTES_A_SECOND == pytest.approx(len(whole) / BYTES_A_SECOND, abs=0.1)
    assert len(heard) / BYTES_A_SECOND == pytest.approx(SONG_S, abs=0.5)
    assert whole[-BYTES_A_SECOND:] == heard[-BYTES_A_SECOND:]
    assert [line for line in said.splitlines() if "[s16le" not in line] == []


def test_every_frame_of_the_pieces_has_its_moment_in_the_song(slow: Cloud) -> None:
    job_id = slow.submit(request("looked at by ffprobe", lyrics=LONG, live=True))["id"]
    url = live_url(slow, job_id)
    song = song_of(slow.finished(job_id))
    command = [player("ffprobe"), "-v", "error", "-of", "json", "-show_entries", "packet=pts_time,size", url]
    packets = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["packets"]
    moments = [float(packet["pts_time"]) for packet in packets]
    assert sum(int(packet["size"]) for packet in packets) == len(song)
    # ffmpeg gives the moment of a piece to the first frame that it completes after it has read the piece's tag. That
    # may be a frame of the piece before.
    assert all(0 <= later - earlier < 4 * FRAME_S for earlier, later in pairwise(moments))
    assert moments[-1] == pytest.approx((len(packets) - 1) * FRAME_S, abs=2 * FRAME_S)


def test_a_live_song_from_its_first_piece_to_its_deletion(slow: Cloud) -> None:
    job_id = slow.submit(request("heard by a page", lyrics=LONG, live=True))["id"]
    url = live_url(slow, job_id)
    headers = {"Origin": PAGE}
    texts, moment = [], httpx.get(url, headers=headers)
    assert moment.headers["access-control-allow-origin"] == "*"
    assert moment.headers["cache-control"] == "no-store"
    assert moment.headers["content-type"] == "application/vnd.apple.mpegurl"
    while "#EXT-X-ENDLIST" not in moment.text:
        texts.append(moment.text)
        moment = httpx.get(url, headers=headers)
        assert moment.status_code == 200
    texts.append(moment.text)
    assert all(text in texts[-1] for text in texts)

    job = slow.finished(job_id)
    assert job["urls"]["live"] is None
    names = re.findall(r"^[0-9]+\.mp3$", moment.text, re.MULTILINE)
    pieces = [httpx.get(f"{url.removesuffix('playlist.m3u8')}{name}", headers=headers) for name in names]
    assert {piece.status_code for piece in pieces} == {302}
    files = [httpx.get(piece.headers["location"], headers=headers) for piece in pieces]
    assert {file.headers["access-control-allow-origin"] for file in files} <= {"*", PAGE}
    assert b"".join(file.content[TAG_BYTES:] for file in files) == song_of(job)

    with slow.http() as http:
        assert http.delete(f"/v1/jobs/{job_id}").status_code == 204
    ended = [httpx.get(url), httpx.get(f"{url.removesuffix('playlist.m3u8')}1.mp3"), httpx.get(piece_of(files[0]))]
    assert [answer.status_code for answer in ended] == [404, 404, 404]
    bucket = slow.line["outputs"]["AudioBucketName"]
    assert slow.aws("s3").list_objects_v2(Bucket=bucket, Prefix=f"live/{job_id}/")["KeyCount"] == 0

    token = url.split("/")[-2]
    logs = Path(slow.line["logs_dir"])
    assert [path.name for path in logs.iterdir() if token in path.read_text("utf-8")] == []
    assert "/v1/live/{token}/playlist.m3u8" in (logs / "http.jsonl").read_text("utf-8")


def piece_of(answer: httpx.Response) -> str:
    return str(answer.request.url)


def test_an_address_ends_some_time_after_the_song_is_there(slow: Cloud) -> None:
    job_id = slow.submit(request("heard late", lyrics=LONG, live=True))["id"]
    url = live_url(slow, job_id)
    slow.finished(job_id)
    assert httpx.get(url).status_code == 200
    slow.until(lambda: httpx.get(url).status_code == 404)


# ---- whatever a stream does, it is one order, and the song is the song


@pytest.fixture(scope="module")
def plain(cloud: Cloud) -> bytes:
    """The song that is ordered below, without a stream."""
    return song_of(cloud.made(request("streamed oddly")))


@pytest.mark.parametrize(
    "fault", ["", "stream_repeat_last", "stream_longer_last", "stream_early_last", "stream_stall:1", "upper_hex"]
)
def test_every_whole_stream_is_one_order_and_the_same_song(cloud: Cloud, plain: bytes, fault: str) -> None:
    prompt = f"streamed oddly {fault}"
    if fault:
        cloud.fault("minimax", fault, "create", prompt)
    job = cloud.made(request(prompt, live=True))
    assert job["status"] == "succeeded", job
    assert len(cloud.posts("minimax", sha256(prompt.encode()).hexdigest())) == 1
    extra = 1010 if fault == "stream_longer_last" else 0
    assert abs(job["tracks"][0]["duration_ms"] - len(plain) * 1000 // 32000) < 300
    assert len(song_of(job)) - extra == pytest.approx(len(plain), abs=2000)


@pytest.mark.parametrize(
    ("fault", "found"),
    [("stream_no_last", "unknown_outcome"), ("stream_empty", "incomplete"), ("cut:60", "unknown_outcome")],
)
def test_a_stream_without_its_end_is_one_order_of_unknown_outcome(cloud: Cloud, fault: str, found: str) -> None:
    prompt = f"streamed without an end {fault}"
    cloud.fault("minimax", fault, "create", prompt)
    job = cloud.made(request(prompt, live=True))
    assert (job["status"], job["error"]["class"], job["charged"]) == ("failed", found, "refunded")
    assert job["error"]["provider_charged"] == "unknown"
    assert job["urls"]["live"] is None
    assert len(cloud.posts("minimax", sha256(prompt.encode()).hexdigest())) == 1
