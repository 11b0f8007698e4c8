"""A live song from the order to the player: heard while it is made, by a player that did not write it.

The provider holds each song in its middle until the test lets it go on, so no test has to be faster than a song.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import httpx
import pytest

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.console.tab import Tab
from tests.integration.song import TLS, Cloud, request
from tests.integration.use_cases.live.browser import page_playing
from tests.support.browser import chromium, complaints_of
from tests.support.players import ffmpeg, samples_of

LONG: Final = "[Verse]\n" + "\n".join(f"Rain on the window {number}" for number in range(20))
"""The words of a song of 24 seconds."""
PAGE: Final = "https://player.example"
TAG_BYTES: Final = 73
CLOCK_HZ: Final = 90_000
SAMPLES_A_FRAME: Final = 1152
RATE_HZ: Final = 44_100
FRAME_S: Final = SAMPLES_A_FRAME / RATE_HZ
BYTES_A_SECOND: Final = RATE_HZ * 2 * 2


def held(cloud: Cloud, prompt: str, body: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """A live song, or the order of `body`, of which the provider holds the second half back: its job, and the address
    where it is heard.
    """
    cloud.fault("minimax", "stream_hold", "create", prompt)
    job_id = cloud.submit(body or request(prompt, lyrics=LONG, live=True))["id"]
    found: list[str] = []

    def is_heard() -> bool:
        found[:] = [address] if (address := cloud.job(job_id)["urls"]["live"]) else []
        return bool(found)

    cloud.until(is_heard)
    return job_id, found[0]


@contextmanager
def playing(url: str, scratch: Path) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """ffmpeg, which plays a playlist from its beginning and writes samples of 16 bits."""
    options = ["-nostdin", "-v", "error", "-http_persistent", "0", "-live_start_index", "0", "-i", url]
    with (scratch / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [ffmpeg(), *options, "-f", "s16le", "-ac", "2", "-ar", str(RATE_HZ), "pipe:1"],
            stdout=subprocess.PIPE,
            stderr=said,
        )
    assert process.stdout is not None
    try:
        yield process, process.stdout
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def digest(content: bytes) -> str:
    """What stands for megabytes where they are compared."""
    return f"{len(content)} bytes, {hashlib.sha256(content).hexdigest()}"


def pieces_of(url: str, text: str) -> list[bytes]:
    """The files of a playlist."""
    names = re.findall(r"^[0-9]+\.mp3$", text, re.MULTILINE)
    addresses = [f"{url.removesuffix('playlist.m3u8')}{name}" for name in names]
    return [httpx.get(address, follow_redirects=True, verify=TLS).raise_for_status().content for address in addresses]


def test_a_player_plays_a_song_while_it_is_being_made_and_hears_every_sample(patient: Cloud, tmp_path: Path) -> None:
    job_id, url = held(patient, "heard by ffmpeg")
    with playing(url, tmp_path) as (process, sound):
        heard = sound.read(BYTES_A_SECOND)
        still_made = patient.job(job_id)
        patient.release("minimax")
        heard += sound.read()
        assert process.wait(60) == 0
    assert (still_made["status"], still_made["tracks"]) == ("submitting", [])
    assert digest(heard) == digest(samples_of(patient.original(patient.finished(job_id))))
    # ffmpeg reads 1,024 bytes at a time. It gives the moment of a piece to the first frame that it completes after it
    # has read the piece's tag, which may be a frame of the piece before, and then says so.
    said = (tmp_path / "said.txt").read_text("utf-8").splitlines()
    assert [line for line in said if "non monotonically increasing dts" not in line] == []


def test_a_page_of_another_origin_plays_a_song_while_it_is_being_made(patient: Cloud, tmp_path: Path) -> None:
    job_id, url = held(patient, "heard by chromium")
    with page_playing(url, tmp_path) as next_told:
        moment = next_told("plays")["at"]
        while moment < 1:
            moment = next_told("plays")["at"]
        still_made = patient.job(job_id)
        patient.release("minimax")
        buffered = next_told("whole")["buffered"]
        ended = next_told("ended")["at"]
    assert (still_made["status"], still_made["tracks"]) == ("submitting", [])
    frames = frames_in(patient.original(patient.finished(job_id)))
    song_s = frames * SAMPLES_A_FRAME / RATE_HZ
    assert buffered == [[pytest.approx(0, abs=FRAME_S), pytest.approx(song_s, abs=FRAME_S)]]
    assert ended == pytest.approx(song_s, abs=FRAME_S)


def test_the_console_plays_a_song_while_it_is_being_made_and_then_the_whole_song(patient: Cloud) -> None:
    job_id, _ = held(patient, "heard in the console")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        complaints = complaints_of(page)
        tab = Tab(page, patient.line["console_url"])
        page.goto(f"{tab.url}#/jobs/{job_id}")
        tab.sign_in(patient.line["api_key"])
        page.get_by_role("button", name="Listen while it is being made").click()
        tab.plays()
        still_made = patient.job(job_id)
        patient.release("minimax")
        page.get_by_role("button", name="Play Song").wait_for()
        # What is being listened to stays until it has ended.
        page.get_by_role("region", name="Live player").wait_for()
    assert (still_made["status"], still_made["tracks"]) == ("submitting", [])
    assert complaints == []


def test_a_player_copies_every_frame_of_a_playlist_unchanged(patient: Cloud) -> None:
    job_id, url = held(patient, "copied by ffmpeg")
    patient.release("minimax")
    song = patient.original(patient.finished(job_id))
    command = [ffmpeg(), "-nostdin", "-v", "fatal", "-i", url, "-c", "copy", "-write_xing", "0", "-id3v2_version", "0"]

    def copied() -> bytes:
        return subprocess.run([*command, "-f", "mp3", "pipe:1"], capture_output=True, check=True).stdout

    # ffmpeg leaves out a piece that a busy machine does not send in time; what it copies is compared as a whole.
    patient.until(lambda: digest(copied()) == digest(song))


def test_pieces_are_a_growing_beginning_of_the_song_and_say_when_they_begin(patient: Cloud) -> None:
    job_id, url = held(patient, "compared by the byte")
    while_made = pieces_of(url, httpx.get(url, verify=TLS).text)
    patient.release("minimax")
    song = patient.original(patient.finished(job_id))
    pieces = pieces_of(url, httpx.get(url, verify=TLS).text)

    assert 0 < len(while_made) < len(pieces)
    assert pieces[: len(while_made)] == while_made
    assert digest(b"".join(piece[TAG_BYTES:] for piece in pieces)) == digest(song)
    heard_so_far = 0
    for piece in pieces:
        begins_at = int.from_bytes(piece[TAG_BYTES - 8 : TAG_BYTES])
        assert begins_at == round(frames_in(song[:heard_so_far]) * SAMPLES_A_FRAME * CLOCK_HZ / RATE_HZ)
        heard_so_far += len(piece) - TAG_BYTES


def frames_in(mp3: bytes) -> int:
    """The frames of MP3 at 44.1 kHz and 256 kbit/s by their sizes, which the padding bit tells."""
    count = at = 0
    while at < len(mp3):
        assert mp3[at : at + 2] == b"\xff\xfb"
        at += 144 * 256_000 // RATE_HZ + (mp3[at + 2] >> 1 & 1)
        count += 1
    return count


def test_a_live_song_from_its_first_piece_to_its_deletion(patient: Cloud) -> None:
    job_id, url = held(patient, "heard by a page")
    headers = {"Origin": PAGE}
    growing = httpx.get(url, headers=headers, verify=TLS)
    assert growing.headers["access-control-allow-origin"] == "*"
    assert growing.headers["cache-control"] == "no-store"
    assert growing.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert "#EXT-X-ENDLIST" not in growing.text
    patient.release("minimax")
    patient.until(lambda: "#EXT-X-ENDLIST" in httpx.get(url, verify=TLS).text)
    ended = httpx.get(url, headers=headers, verify=TLS)
    assert ended.text.startswith(growing.text)

    assert patient.finished(job_id)["urls"]["live"] is None
    piece = httpx.get(f"{url.removesuffix('playlist.m3u8')}1.mp3", headers=headers, verify=TLS)
    assert piece.status_code == 302
    file = httpx.get(piece.headers["location"], headers=headers, verify=TLS)
    assert (file.status_code, file.headers["access-control-allow-origin"] in {"*", PAGE}) == (200, True)

    with patient.http() as http:
        assert http.delete(f"/v1/jobs/{job_id}").status_code == 204
    gone = [
        httpx.get(url, verify=TLS),
        httpx.get(str(piece.request.url), verify=TLS),
        httpx.get(str(file.request.url), verify=TLS),
    ]
    # S3 tells only who may list a bucket that nothing is there, and who signs the links to pieces may not.
    assert [answer.status_code for answer in gone] == [404, 404, 403]
    bucket = patient.line["outputs"]["AudioBucketName"]
    assert patient.aws("s3").list_objects_v2(Bucket=bucket, Prefix=f"live/{job_id}/")["KeyCount"] == 0

    token = url.split("/")[-2]
    logs = Path(patient.line["logs_dir"])
    assert [path.name for path in logs.iterdir() if token in path.read_text("utf-8")] == []
    assert "/v1/live/{token}/playlist.m3u8" in (logs / "http.jsonl").read_text("utf-8")


def test_an_address_ends_some_time_after_the_song_is_there(patient: Cloud) -> None:
    job_id, url = held(patient, "heard late")
    patient.release("minimax")
    patient.finished(job_id)
    assert httpx.get(url, verify=TLS).status_code == 200
    patient.aws("dynamodb").update_item(
        TableName=patient.line["outputs"]["TableName"],
        Key={"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}},
        UpdateExpression="SET finished_at = :long_ago",
        ConditionExpression="attribute_exists(finished_at)",
        ExpressionAttributeValues={":long_ago": {"S": "2026-01-01T00:00:00Z"}},
    )
    assert httpx.get(url, verify=TLS).status_code == 404


# ---- whatever a stream does, it is one order, and the song is the song


TAGGED_BYTES: Final = 1010
"""How much longer the tag of `stream_longer_last` makes a song."""


@pytest.fixture(scope="module")
def plain(cloud: Cloud) -> bytes:
    """The song that is ordered below, without a stream."""
    return cloud.original(cloud.made(request("streamed oddly")))


@pytest.mark.parametrize(
    "fault", [None, "stream_repeat_last", "stream_longer_last", "stream_early_last", "stream_stall:1", "upper_hex"]
)
def test_every_whole_stream_is_one_order_and_the_same_song(cloud: Cloud, plain: bytes, fault: str | None) -> None:
    prompt_sha256 = sha256_of("streamed oddly")
    posts = len(cloud.posts("minimax", prompt_sha256))
    if fault:
        cloud.fault("minimax", fault, "create", "streamed oddly")
    job = cloud.made(request("streamed oddly", live=True))
    assert job["status"] == "succeeded", job
    assert len(cloud.posts("minimax", prompt_sha256)) == posts + 1
    song = cloud.original(job)
    assert len(song) - len(plain) == (TAGGED_BYTES if fault == "stream_longer_last" else 0)
    assert digest(song[-len(plain) :]) == digest(plain)


def sha256_of(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()


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
    assert len(cloud.posts("minimax", sha256_of(prompt))) == 1
