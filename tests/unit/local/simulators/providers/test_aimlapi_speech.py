"""The simulated AIML API speaks as its pages say."""

import json

import miniaudio
import pytest

from tests.unit.local.simulators.offline import SPOKEN, Json, Provider


def told(aimlapi: Provider, **changes: object) -> Json:
    parsed: Json = json.loads(aimlapi.speak(**changes).body)
    return parsed


def test_the_answer_has_a_link_and_says_what_it_took(aimlapi: Provider) -> None:
    body = told(aimlapi)
    usd = len(SPOKEN) * 0.13 / 1000
    assert body["meta"]["usage"] == {"credits_used": int(usd * 2_000_000), "usd_spent": pytest.approx(usd)}
    assert miniaudio.decode(aimlapi.file(body["audio"]["url"]).body).duration > 2


def test_the_file_itself_may_be_the_answer(aimlapi: Provider) -> None:
    answer = aimlapi.speak(text="A text. [[fault:direct]]")
    assert (answer.content_type, miniaudio.decode(answer.body).nchannels) == ("audio/mpeg", 2)


@pytest.mark.parametrize("fault", ["status1", "odd_hex", "upper_hex", "not_hex"])
def test_a_minimax_body_may_be_the_answer(aimlapi: Provider, fault: str) -> None:
    data = told(aimlapi, text=f"A text. [[fault:{fault}]]")["data"]
    assert data["status"] == (1 if fault == "status1" else 2)


def test_a_code_of_minimax_is_told_in_its_shape(aimlapi: Provider) -> None:
    aimlapi.fault("code:1042", on="create")
    assert told(aimlapi)["base_resp"]["status_code"] == 1042


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"text": ""}, 400),
        ({"text": "x" * 5001}, 400),
        ({"text": None}, 400),
        ({"unknown": 1}, 400),
        ({"voice_setting": {"voice_id": "v" * 65}}, 400),
        ({"model": "minimax/music-2.0"}, 404),
    ],
)
def test_a_wrong_field_is_refused_and_free(aimlapi: Provider, changes: dict[str, object], status: int) -> None:
    assert told(aimlapi, **changes)["statusCode"] == status
    assert aimlapi.bill["charged"] == 0


def test_a_body_that_is_no_json_and_a_wrong_key_are_refused(aimlapi: Provider) -> None:
    assert aimlapi.request("POST", "/v1/tts", b"{").status == 400
    assert aimlapi.request("POST", "/v1/tts", {}, key="another").status == 401


def test_a_link_may_lead_elsewhere(aimlapi: Provider) -> None:
    aimlapi.fault("link:http://127.0.0.1:9/", on="create")
    assert told(aimlapi)["audio"]["url"] == "http://127.0.0.1:9/"
