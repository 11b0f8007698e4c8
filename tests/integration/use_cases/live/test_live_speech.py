"""Speech that is heard while it is made: the stager, the pieces and the playlist are those of songs."""

import re
from decimal import Decimal
from hashlib import sha256
from typing import Final

import httpx
import pytest

from tests.integration.song import TLS, Cloud
from tests.integration.use_cases.live.test_live_songs import TAG_BYTES, held
from tests.speech import HD, speech_body

TEXT: Final = "A sentence that is spoken for its listeners. " * 8
"""A speech of 24 seconds."""


def test_a_live_speech_is_heard_before_its_end_and_is_the_same_file_as_without_live(patient: Cloud) -> None:
    cloud, text = patient, f"{TEXT}Heard."
    plain = cloud.made(speech_body(text=text))
    job_id, url = held(cloud, text, speech_body(text=text, live=True))
    growing = httpx.get(url, verify=TLS)
    assert (growing.status_code, growing.headers["content-type"]) == (200, "application/vnd.apple.mpegurl")
    assert "#EXT-X-ENDLIST" not in growing.text
    assert (cloud.job(job_id)["status"], cloud.job(job_id)["tracks"]) == ("submitting", [])

    cloud.release("minimax")
    job = cloud.finished(job_id)
    assert (job["status"], job["urls"]["live"], job["kind"]) == ("succeeded", None, "speech")
    assert job["tracks"][0]["source_sha256"] == plain["tracks"][0]["source_sha256"]
    assert job["price_credits"] == plain["price_credits"]
    counted = [cloud.attempts(each["id"])[0]["provider_units"] for each in (plain, job)]
    assert counted == [len(text), len(text)]

    shown = cloud.manage(action="show_job", job_id=job_id)
    assert Decimal(shown["booked_usd"]) == 2 * Decimal(shown["cost_usd"]) == 2 * len(text) * Decimal("0.0001")

    whole = httpx.get(url, verify=TLS).text
    assert whole.startswith(growing.text)
    assert whole.endswith("#EXT-X-ENDLIST\n")
    names = re.findall(r"^[0-9]+\.mp3$", whole, re.MULTILINE)
    pieces = [
        httpx.get(f"{url.removesuffix('playlist.m3u8')}{name}", follow_redirects=True, verify=TLS) for name in names
    ]
    assert b"".join(piece.content[TAG_BYTES:] for piece in pieces) == cloud.original(job)


@pytest.mark.parametrize(
    ("fault", "sample_rate"),
    [
        ("", 8000),
        ("stream_repeat_last", 32000),
        ("stream_longer_last", 24000),
        ("stream_early_last", 32000),
        ("upper_hex", 32000),
    ],
)
def test_every_whole_stream_of_speech_is_one_order_and_the_same_speech(
    cloud: Cloud, fault: str, sample_rate: int
) -> None:
    text = f"{TEXT}At {sample_rate} {fault}."
    order = speech_body(text=text, audio={"sample_rate": sample_rate})
    plain = cloud.made(order)
    if fault:
        cloud.fault("minimax", fault, "create", text)
    job = cloud.made({**order, "live": True})
    assert job["status"] == "succeeded", job
    assert len(cloud.posts("minimax", sha256(text.encode()).hexdigest())) == 2
    assert cloud.original(job).endswith(cloud.original(plain))
    assert job["tracks"][0]["duration_ms"] == plain["tracks"][0]["duration_ms"]


@pytest.mark.parametrize(
    ("fault", "found"),
    [("stream_no_last", "unknown_outcome"), ("stream_empty", "incomplete"), ("cut:60", "unknown_outcome")],
)
def test_a_stream_of_speech_without_its_end_is_one_order_and_no_success(cloud: Cloud, fault: str, found: str) -> None:
    text = f"{TEXT}Without an end {fault}."
    cloud.fault("minimax", fault, "create", text)
    job = cloud.made(speech_body(text=text, live=True))
    assert (job["status"], job["error"]["class"], job["charged"]) == ("failed", found, "refunded")
    assert (job["error"]["provider_charged"], job["urls"]["live"]) == ("unknown", None)
    assert len(cloud.posts("minimax", sha256(text.encode()).hexdigest())) == 1


def test_the_catalogue_says_which_speech_can_be_heard_and_subtitles_are_refused_with_it(cloud: Cloud) -> None:
    with cloud.http() as http:
        models = http.get("/v1/models?kind=speech").raise_for_status().json()["data"]
        refused = http.post("/v1/jobs", json=speech_body(live=True, subtitles=True))
    assert {model["id"]: model["live"] for model in models} == {
        model["id"]: model["provider"] == "minimax" for model in models
    }
    assert HD in {model["id"] for model in models}
    assert (refused.status_code, [each["pointer"] for each in refused.json()["errors"]]) == (422, ["/subtitles"])
