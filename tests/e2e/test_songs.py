"""Orders over HTTP: a file that plays, paid once, at the price that was quoted."""

import hashlib
import re
import shutil
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import httpx
import pytest

from tests.e2e.stack import Stack
from tests.integration.song import TLS

Job = dict[str, Any]


@pytest.fixture(scope="session")
def file(stack: Stack, sung: Job) -> httpx.Response:
    """The song, fetched as a client does that follows the redirect."""
    with stack.http() as http:
        answer = http.get(f"/v1/jobs/{sung['id']}/audio")
    assert answer.status_code == 302, answer.text
    return httpx.get(answer.headers["location"], verify=TLS).raise_for_status()


def test_a_song_costs_what_was_quoted(stack: Stack, song: Job, sung: Job) -> None:
    with stack.http() as http:
        quote = http.post("/v1/quote", json=stack.body("song")).raise_for_status().json()
    assert (song["charged"], song["price_credits"]) == ("held", quote["hold_credits"])
    assert (sung["charged"], sung["spent_credits"]) == ("yes", quote["price_credits"])


def test_a_file_is_the_one_that_its_job_describes(sung: Job, file: httpx.Response) -> None:
    (track,) = sung["tracks"]
    assert len(file.content) == track["bytes"] == int(file.headers["content-length"])
    assert hashlib.sha256(file.content).hexdigest() == track["sha256"]
    assert file.headers["content-type"] == track["content_type"] == "audio/mpeg"
    assert re.match(r"attachment; filename", file.headers["content-disposition"])


def test_a_file_plays_for_as_long_as_its_job_says(sung: Job, file: httpx.Response, tmp_path: Path) -> None:
    (tmp_path / "song.mp3").write_bytes(file.content)
    (track,) = sung["tracks"]
    player = shutil.which("ffmpeg")
    assert player, "ffmpeg plays the song; Debian: apt-get install ffmpeg"
    decode = ["-nostdin", "-v", "error", "-i", "song.mp3", "-f", "s16le", "-ac", "1", "-ar", "8000", "pipe:1"]
    heard = subprocess.run([player, *decode], cwd=tmp_path, capture_output=True, check=True)
    assert heard.stderr == b""
    # A decoder leaves out what an encoder put before and after the song: at most three frames of 26 ms.
    assert abs(len(heard.stdout) / 16 - track["duration_ms"]) < 100
    assert len(set(heard.stdout)) > 100, "silence"


def test_a_part_of_a_file_can_be_fetched(sung: Job, file: httpx.Response) -> None:
    part = httpx.get(sung["tracks"][0]["url"], headers={"Range": "bytes=100-199"}, verify=TLS)
    assert part.status_code == 206
    assert part.content == file.content[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(file.content)}"


def test_a_link_ends_when_its_job_says_and_is_refused_from_then_on(sung: Job) -> None:
    (track,) = sung["tracks"]
    parts = urlsplit(track["url"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    signed_at = datetime.strptime(query["X-Amz-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
    life = timedelta(seconds=int(query["X-Amz-Expires"]))
    says = datetime.fromisoformat(track["url_expires_at"])
    # S3 counts whole seconds.
    assert abs(signed_at + life - says) < timedelta(seconds=2)
    over = urlencode({**query, "X-Amz-Date": f"{signed_at - life - timedelta(minutes=1):%Y%m%dT%H%M%SZ}"})
    refused = httpx.get(urlunsplit(parts._replace(query=over)), verify=TLS)
    assert refused.status_code == 403
    assert b"<Error>" in refused.content


def test_the_same_order_again_is_the_same_answer_and_no_second_song(stack: Stack, song: Job) -> None:
    again = stack.order("song")
    assert again.status_code == 202
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == song
    other = stack.order("song", title="Another title")
    assert (other.status_code, other.json()["type"]) == (422, "urn:fermata:problem:idempotency_key_reused")
    assert [job["id"] for job in stack.jobs(order="song")] == [song["id"]]


def test_an_order_is_taken_back_unpaid_or_too_late_to_be_taken_back(stack: Stack) -> None:
    ordered = stack.order("canceled").json()
    with stack.http() as http:
        answer = http.post(f"/v1/jobs/{ordered['id']}/cancel")
    job = stack.finished(ordered["id"])
    if answer.status_code == 200 or stack.address.get("E2E_PAUSED_MODEL"):
        # What is paused is not ordered, so it can be taken back at any time.
        assert (answer.status_code, job["status"], job["charged"], job["spent_credits"]) == (
            200,
            "canceled",
            "refunded",
            0,
        )
    else:
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:fermata:problem:already_ordered")
        assert (job["status"], job["spent_credits"]) == ("succeeded", job["price_credits"])


def test_a_song_is_heard_while_it_is_made(stack: Stack) -> None:
    models = stack.get("/v1/models")["data"]
    body = stack.body("live")
    assert any(model["id"] == body["model"] and model["live"] for model in models), "E2E_MODEL: expected a live model"
    job_id = stack.order("live").json()["id"]
    heard: list[str] = []

    def is_heard() -> bool:
        job = stack.job(job_id)
        assert job["finished_at"] is None, "the song ended before it was heard"
        heard[:] = [job["urls"]["live"]] if job["urls"]["live"] else []
        return bool(heard)

    stack.until(is_heard, "the first piece of a live song")
    playlist = httpx.get(heard[0], verify=TLS).raise_for_status().text
    assert playlist.startswith("#EXTM3U")
    piece = httpx.get(httpx.URL(heard[0]).join(first_piece(playlist)), verify=TLS, follow_redirects=True)
    # RFC 8216: a piece of audio begins with its time, in an ID3 tag.
    assert piece.raise_for_status().content.startswith(b"ID3")
    if release := stack.address.get("E2E_RELEASE_URL"):
        httpx.post(release, verify=TLS).raise_for_status()
    stack.until(lambda: "#EXT-X-ENDLIST" in httpx.get(heard[0], verify=TLS).text, "the end of a live song")
    assert stack.finished(job_id)["status"] == "succeeded"


def first_piece(playlist: str) -> str:
    return next(line for line in playlist.splitlines() if line and not line.startswith("#"))
