"""The dialect of SkillBoss."""

import json

import miniaudio
import pytest

from local.simulators.http.exchange import Answer
from tests.unit.local.simulators.offline import Provider


def error(answer: Answer) -> tuple[int, int]:
    body = json.loads(answer.body)
    assert set(body) == {"code", "message"}
    return answer.status, body["code"]


def test_a_song_comes_as_a_signed_link_once_it_is_made(skillboss: Provider) -> None:
    answer = skillboss.order()
    assert (answer.status, answer.after_s) == (200, skillboss.latency_s)
    file = skillboss.file(json.loads(answer.body)["outputs"][0]["url"])
    assert (file.status, file.content_type) == (200, "audio/mpeg")
    assert miniaudio.mp3_get_info(file.body).sample_rate == 44100


def test_a_direct_answer_is_the_file_itself(skillboss: Provider) -> None:
    linked = skillboss.file(json.loads(skillboss.order().body)["outputs"][0]["url"]).body
    skillboss.fault("direct")
    answer = skillboss.order()
    assert (answer.content_type, answer.body) == ("audio/mpeg", linked)


def test_hex_faults_answer_with_a_minimax_body_under_result(skillboss: Provider) -> None:
    shown = {}
    for fault in ("upper_hex", "odd_hex", "not_hex", "status1"):
        skillboss.fault(fault)
        body = json.loads(skillboss.order().body)["result"]
        assert body["base_resp"]["status_code"] == 0
        shown[fault] = body["data"]
    whole = shown["upper_hex"]["audio"]
    assert whole == whole.upper()
    assert miniaudio.mp3_get_info(bytes.fromhex(whole)).sample_rate == 44100
    assert len(shown["odd_hex"]["audio"]) == len(whole) - 1
    assert "zz" in shown["not_hex"]["audio"]
    assert (shown["status1"]["status"], shown["odd_hex"]["status"]) == (1, 2)


@pytest.mark.parametrize("key", [None, "another", ""])
def test_a_wrong_key_is_401(skillboss: Provider, key: str | None) -> None:
    assert error(skillboss.request("POST", skillboss.path, skillboss.body(), key=key)) == (401, 401)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None}, {"model": "music-2.5"}, {"inputs": {}}, {"inputs": {"prompt": "folk"}}, {"lyrics": ""},
        {"lyrics": "x" * 3501}, {"prompt": "x" * 2001}, {"auto_fallback": "no"}, {"stream": True},
        {"inputs": {"lyrics": "la", "audio_setting": {}}},
    ],
)  # fmt: skip
def test_a_bad_parameter_is_400(skillboss: Provider, changes: dict[str, object]) -> None:
    assert error(skillboss.order(**changes)) == (400, 400)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_request_is_400(skillboss: Provider, body: bytes) -> None:
    assert error(skillboss.request("POST", skillboss.path, body)) == (400, 400)


@pytest.mark.parametrize(
    "changes", [{"prompt": None}, {"prompt": "x" * 2000}, {"lyrics": "🎵" * 3500}, {"auto_fallback": False}]
)
def test_a_request_at_its_limits_is_served(skillboss: Provider, changes: dict[str, object]) -> None:
    assert skillboss.order(**changes).status == 200


@pytest.mark.parametrize("status", [400, 401, 402, 429, 500, 503, 502])
def test_an_http_error_has_the_vendors_shape(skillboss: Provider, status: int) -> None:
    skillboss.fault(f"http:{status}")
    answer = skillboss.order()
    assert error(answer) == (status, status)
    assert ("retry-after" in answer.headers) == (status == 429)


def test_a_code_comes_inside_200(skillboss: Provider) -> None:
    skillboss.fault("code:402")
    assert error(skillboss.order()) == (200, 402)


def test_the_bill_knows_the_model_and_the_prompt(skillboss: Provider) -> None:
    skillboss.order()
    skillboss.order(lyrics="")
    bill = skillboss.bill
    assert (bill["posts"], bill["charged"], bill["usd"]) == (2, 1, 0.15)
    assert {item["model"] for item in bill["items"]} == {"minimax_voice/music-2.5"}
    assert len({item["prompt_sha256"] for item in bill["items"]}) == 1


def test_a_planted_link_and_a_hint_show_in_the_answer(skillboss: Provider) -> None:
    skillboss.fault("link:http://10.0.0.1/x?y=%2F")
    assert json.loads(skillboss.order().body)["outputs"][0]["url"] == "http://10.0.0.1/x?y=%2F"
    skillboss.fault("hint")
    body = json.loads(skillboss.order().body)
    assert "canary" in body["_memory_hint"]
    assert body["outputs"]
