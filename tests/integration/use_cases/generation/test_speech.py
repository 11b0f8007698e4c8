"""A text becomes a file as a song does: one paid call, the promised price, and a file that is what the record says."""

import hashlib
import math
import re
import subprocess
from typing import Any

import httpx
import pytest

from tests.integration.song import TLS, Cloud
from tests.support.players import ffmpeg

TEXT = "Guten Abend, Österreich. 🎵 "
MINIMAX = {"model": "minimax/speech-2.8-turbo", "voice": "German_SweetLady", "language": "de"}
SPOKEN = [
    pytest.param(MINIMAX, id="MiniMax, hex in the answer"),
    pytest.param({**MINIMAX, "audio": {"format": "wav"}}, id="MiniMax, a link"),
    pytest.param({"model": "skillboss/speech-02-turbo"}, id="SkillBoss, a link"),
    pytest.param({"model": "aimlapi/minimax/speech-2.8-hd"}, id="AIML API, a link"),
    pytest.param({"model": "aimlapi/minimax/speech-2.6-turbo"}, id="AIML API, a body"),
]


def price_of(cloud: Cloud, model: str, text: str) -> int:
    with cloud.http() as http:
        (of_model,) = [each for each in http.get("/v1/models").json()["data"] if each["id"] == model]
    return math.ceil(len(text) * int(of_model["unit_credits"]) / 1000)


@pytest.mark.parametrize("fields", SPOKEN)
def test_a_text_is_spoken_once_and_costs_its_code_points(cloud: Cloud, fields: dict[str, Any]) -> None:
    text = (TEXT + str(fields)) * 20
    job = cloud.made({"text": text, **fields})
    assert job["status"] == "succeeded", job["error"]
    assert (job["kind"], job["unit"], job["units"]) == ("speech", "1000_characters", len(text) / 1000)
    assert job["price_credits"] == job["spent_credits"] == price_of(cloud, fields["model"], text)
    (track,) = job["tracks"]
    file = httpx.get(track["url"], verify=TLS).content
    assert (len(file), hashlib.sha256(file).hexdigest()) == (track["bytes"], track["sha256"])
    assert track["subtitles_url"] is None
    provider = fields["model"].partition("/")[0]
    assert len(cloud.posts(provider, hashlib.sha256(text.encode()).hexdigest())) == 1


def test_subtitles_are_a_second_file_that_says_when_each_sentence_is_spoken(cloud: Cloud) -> None:
    text = "The first sentence. And the second one."
    (track,) = cloud.made({**MINIMAX, "text": text, "subtitles": True})["tracks"]
    said = httpx.get(track["subtitles_url"], verify=TLS).json()
    assert " ".join(part["text"] for part in said) == text
    assert said[-1]["time_end"] <= track["duration_ms"] + 1000
    cues = httpx.get(track["subtitles_vtt_url"], verify=TLS)
    assert cues.headers["content-type"] == "text/vtt"
    assert read_by_ffmpeg(cues.content) == [
        (round(part["time_begin"]), round(part["time_end"]), part["text"]) for part in said
    ]


def read_by_ffmpeg(cues: bytes) -> list[tuple[int, int, str]]:
    """The cues as ffmpeg reads and writes them: beginning and end in ms, and text."""
    command = [ffmpeg(), "-nostdin", "-v", "error", "-f", "webvtt", "-i", "pipe:0", "-f", "srt", "pipe:1"]
    written = subprocess.run(command, input=cues, capture_output=True, check=True).stdout.decode()
    found = re.findall(r"(\d+):(\d+):(\d+),(\d+) --> (\d+):(\d+):(\d+),(\d+)\r?\n(.*)\r?\n", written)
    return [(_ms(cue[:4]), _ms(cue[4:8]), cue[8].strip()) for cue in found]


def _ms(clock: tuple[str, ...]) -> int:
    hours, minutes, seconds, ms = map(int, clock)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms


@pytest.mark.parametrize("fault", ["direct", "upper_hex"])
def test_every_way_in_which_a_reseller_hands_over_speech_ends_as_the_same_file(cloud: Cloud, fault: str) -> None:
    body = {"model": "skillboss/speech-2.8-hd", "text": f"handed over as {fault}"}
    linked = cloud.made(body)
    cloud.fault("skillboss", fault, "create", body["text"])
    other = cloud.made(body)
    assert other["status"] == "succeeded", other["error"]
    assert other["tracks"][0]["source_sha256"] == linked["tracks"][0]["source_sha256"]


def test_a_full_pool_of_one_provider_is_answered_by_another_model_that_has_a_voice(cloud: Cloud) -> None:
    body = {"model": "skillboss/speech-02-turbo", "text": "no room", "fallbacks": ["aimlapi/minimax/speech-2.8-turbo"]}
    cloud.fault("skillboss", "http:503", "create", "no room")
    job = cloud.made(body)
    assert (job["status"], job["attempt_count"]) == ("succeeded", 2)
    assert [each["provider"] for each in cloud.attempts(job["id"])] == ["skillboss", "aimlapi"]


def test_voices_are_listed_and_any_listed_one_speaks(cloud: Cloud) -> None:
    with cloud.http() as http:
        listed = http.get("/v1/voices", params={"model": MINIMAX["model"], "language": "de"}).json()["data"]
    assert {"id", "name", "language", "gender", "preview_url"} == set(listed[0])
    job = cloud.made({"model": MINIMAX["model"], "voice": listed[-1]["id"], "text": "Eine andere Stimme."})
    assert job["status"] == "succeeded", job["error"]
