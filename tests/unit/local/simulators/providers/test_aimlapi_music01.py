"""The simulated music-01: an upload gives ids, and a paid POST with them answers with a song in hex."""

import json
from typing import Any

import miniaudio
import pytest

from tests.songs import wav_file
from tests.unit.local.simulators.offline import Json, Provider
from tests.unit.local.simulators.providers.music01 import GENERATE, UPLOAD, generate, ids, upload


@pytest.mark.parametrize(
    ("purpose", "given"),
    [("song", {"voice_id", "instrumental_id"}), ("voice", {"voice_id"}), ("instrumental", {"instrumental_id"})],
)
def test_an_upload_gives_the_ids_of_what_it_holds_and_is_free(aimlapi: Provider, purpose: str, given: set[str]) -> None:
    answer = upload(aimlapi, purpose)
    body = json.loads(answer.body)
    assert answer.status == 200
    assert set(body) == {*given, "base_resp"}
    assert {"voice_id": "vocal", "instrumental_id": "instrumental"}[min(given)] == body[min(given)].partition("-")[0]
    assert aimlapi.bill["posts"] == 0


def test_a_song_is_made_after_any_of_the_ids(aimlapi: Provider) -> None:
    for references in (ids(aimlapi), ids(aimlapi, "voice"), ids(aimlapi, "instrumental")):
        answer = generate(aimlapi, references)
        body = json.loads(answer.body)
        assert (answer.status, answer.after_s, answer.charged) == (200, aimlapi.latency_s, True)
        song = bytes.fromhex(body["data"]["audio"])
        assert set(body["extra_info"]) == {"audio_length", "audio_size", "audio_bitrate", "audio_sample_rate"}
        assert abs(miniaudio.decode(song).duration * 1000 - body["extra_info"]["audio_length"]) <= 50
        assert body["extra_info"]["audio_size"] == len(song)
    assert (aimlapi.bill["posts"], aimlapi.bill["usd"]) == (3, pytest.approx(3 * 0.0315))


def test_the_wanted_file_is_made(aimlapi: Provider) -> None:
    setting = {"sample_rate": 32000, "bitrate": 64000, "format": "wav"}
    song = bytes.fromhex(json.loads(generate(aimlapi, ids(aimlapi), audio_setting=setting).body)["data"]["audio"])
    assert miniaudio.wav_get_info(song).sample_rate == 32000


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ({"purpose": "cover"}, "purpose: expected one of song, voice, instrumental"),
        ({"purpose": None}, "purpose: expected"),
        ({"title": "Rain"}, "and no other field"),
        ({"recording": None}, "file: expected one file"),
        ({"recording": wav_file(10)}, "found 10.0 s"),
        ({"recording": wav_file(601, 8000)}, "found 601.0 s"),
        ({"recording": b"no audio at all" * 100}, "file: expected wav or mp3"),
    ],
)
def test_a_recording_that_is_not_as_documented_is_400(aimlapi: Provider, sent: dict[str, Any], reason: str) -> None:
    answer = upload(aimlapi, **sent)
    assert answer.status == 400
    assert reason in json.loads(answer.body)["message"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json"),
        (b"", "multipart/form-data; boundary=b"),
        (b"--b\r\nhalf", "multipart/form-data; boundary=b"),
        (b"--b\r\nno name\r\n--b--\r\n", "multipart/form-data; boundary=b"),
        (b"--b--\r\n", "multipart/form-data"),
    ],
)
def test_a_body_that_is_no_form_is_400(aimlapi: Provider, body: bytes, content_type: str) -> None:
    assert aimlapi.request("POST", UPLOAD, body, content_type=content_type).status == 400


def test_another_key_is_401(aimlapi: Provider) -> None:
    assert upload(aimlapi, key="another").status == 401
    assert aimlapi.request("POST", GENERATE, {}, key="another").status == 401


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"refer_voice": ..., "refer_instrumental": ...}, "expected at least one"),
        ({"refer_voice": None}, "refer_voice: "),
        ({"refer_voice": ""}, "refer_voice: expected an id of an upload"),
        ({"refer_instrumental": "instrumental-of-somebody-else"}, "refer_instrumental: expected an id of an upload"),
        ({"lyrics": ...}, "lyrics: "),
        ({"lyrics": "no marks"}, "between ## and ##"),
        ({"lyrics": f"##{'x' * 597}##"}, "at most 600 characters"),
        ({"prompt": "indie folk"}, "prompt: "),
        ({"model": "music-02"}, "model: "),
        ({"audio_setting": {"audio_sample_rate": 44100}}, "audio_setting.audio_sample_rate: "),
    ],
)
def test_a_bad_parameter_is_400_and_costs_nothing(aimlapi: Provider, changes: dict[str, object], reason: str) -> None:
    answer = generate(aimlapi, ids(aimlapi), **changes)
    assert answer.status == 400
    assert reason in json.loads(answer.body)["message"]
    assert (aimlapi.bill["posts"], aimlapi.bill["charged"]) == (1, 0)


def test_an_id_is_forgotten_by_a_reset(aimlapi: Provider) -> None:
    references = ids(aimlapi)
    aimlapi.request("POST", "/_sim/reset", key=None)
    assert generate(aimlapi, references).status == 400


@pytest.mark.parametrize(("fault", "charged"), [("code:1002", 0), ("code:1027", 1), ("status1", 1), ("odd_hex", 1)])
def test_the_faults_of_a_blocking_song_show_in_a_generate_and_not_in_a_task(
    aimlapi: Provider, fault: str, charged: int
) -> None:
    aimlapi.fault(fault)
    assert aimlapi.order().status == 201
    body: Json = json.loads(generate(aimlapi, ids(aimlapi)).body)
    if fault.startswith("code"):
        assert body["base_resp"]["status_code"] == int(fault[5:])
    else:
        assert (body["data"]["status"], len(body["data"]["audio"]) % 2) == ((1, 0) if fault == "status1" else (2, 1))
    assert aimlapi.bill["charged"] == 1 + charged


def test_a_status_word_waits_for_a_task(aimlapi: Provider) -> None:
    aimlapi.fault("status_word:error", on="create")
    assert "status" not in json.loads(generate(aimlapi, ids(aimlapi)).body)
    assert json.loads(aimlapi.order().body)["status"] == "error"


@pytest.mark.parametrize("fault", ["code:2013", "http:503", "html", "hint"])
def test_the_faults_of_an_upload_show_there(aimlapi: Provider, fault: str) -> None:
    aimlapi.fault(fault, on="upload", match="voice")
    answers = [upload(aimlapi, purpose) for purpose in ("song", "voice", "voice")]
    shown = [
        answer.status == 200 and b'voice_id"' in answer.body and b"canary" not in answer.body for answer in answers
    ]
    assert shown == [True, False, True]


def test_a_song_is_called_by_its_words_on_the_bill(aimlapi: Provider) -> None:
    generate(aimlapi, ids(aimlapi))
    other = aimlapi.order(prompt="##Rain on glass\n\nStay##")
    assert other.status == 201
    first, second = aimlapi.bill["items"]
    assert (first["model"], first["prompt_sha256"]) == ("music-01", second["prompt_sha256"])
