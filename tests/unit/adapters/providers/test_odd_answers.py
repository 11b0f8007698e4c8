"""Whatever a paid POST answers, a song or a task that can be read from it is had, and a refusal stays one."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.adapters.providers.audio_places import MOST_ENTRIES
from fermata.domain.audio.answer_scanner import AnswerScanner
from fermata.domain.audio.text_decoder import AudioTextDecoder
from fermata.domain.providers.calls import AudioAt, AudioInAnswer, AudioIsAnswer, StartOutcome, TaskStarted
from tests.fixtures.http_answers import answer_with
from tests.fixtures.kept_answers import LINK, Outcome, Verdict, summary

SONG: Final = b"ID3\x04" + bytes(range(256)) * 8
HEX: Final = SONG.hex()
BASE64: Final = base64.b64encode(SONG).decode()
OK: Final[dict[str, JsonValue]] = {"status_code": 0, "status_msg": "success"}
BARE: Final = "https://cdn.example.com/files/4711?Signature=a%2Fb"
"""A link that does not say what it leads to."""
COVER: Final = "https://cdn.example.com/cover.jpg?Signature=a.mp3"
VIDEO: Final = "https://cdn.example.com/song.mp4"


def started(dialect: str, document: JsonValue | bytes, status: int = 200) -> StartOutcome:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return load_provider(dialect).read_start(answer_with(body, status))


def meaning(dialect: str, document: JsonValue | bytes, status: int = 200) -> Outcome | Verdict:
    return summary(started(dialect, document, status))


def decoded(body: bytes) -> bytes:
    decoder = AudioTextDecoder()
    return decoder.feed(AnswerScanner().feed(body)) + decoder.close()


# ---- links in blocking answers

PLACES: Final[list[Callable[[JsonValue], JsonValue]]] = [
    lambda link: {"audio": {"url": link}},
    lambda link: {"audio": {"url": link, "content_type": "audio/mpeg", "file_size": 0}},
    lambda link: {"audio": link},
    lambda link: {"audio_file": link},
    lambda link: {"audio_file": {"url": link}},
    lambda link: {"audio_file": [{"url": link}]},
    lambda link: {"audioFile": {"url": link}},
    lambda link: {"audio_url": link},
    lambda link: {"audioUrl": link},
    lambda link: {"audio_url": {"url": link}},
    lambda link: {"output": link},
    lambda link: {"output": [link]},
    lambda link: {"output": {"url": link}},
    lambda link: {"output": [{"audio_url": link}]},
    lambda link: {"output": {"audio": {"url": link}}},
    lambda link: {"outputs": [link]},
    lambda link: {"outputs": {"url": link}},
    lambda link: {"outputs": [{"audio_url": link}]},
    lambda link: {"outputs": [{"type": "audio", "audio_url": link}]},
    lambda link: {"outputs": [{"audio": {"url": link}}]},
    lambda link: {"outputs": [{"audio_file": {"url": link}}]},
    lambda link: {"outputs": [None, {}, {"url": None}, {"url": link}]},
    lambda link: {"outputs": json.dumps([{"url": link}])},
    lambda link: {"url": link},
    lambda link: {"data": link},
    lambda link: {"data": [link]},
    lambda link: {"data": {"url": link}},
    lambda link: {"data": {"audio_url": link}},
    lambda link: {"data": {"audio": {"url": link}}},
    lambda link: {"data": {"audio_file": {"url": link}}},
    lambda link: {"data": {"status": "completed", "outputs": [link]}},
    lambda link: {"data": {"outputs": [{"url": link}]}},
    lambda link: {"data": {"output": {"audio_file": {"url": link}}}},
    lambda link: {"response": {"audio_url": link}},
    lambda link: [link],
    lambda link: [{"url": link}],
]
ENVELOPES: Final[list[Callable[[JsonValue], JsonValue]]] = [
    lambda body: body,
    lambda body: {"result": body},
    lambda body: {"code": 200, "message": "success", "result": body},
    lambda body: {"code": "success", "data": body},
]


@pytest.mark.parametrize("place", PLACES, ids=[str(place("link")) for place in PLACES])
def test_a_link_is_found_wherever_a_song_may_stand(place: Callable[[JsonValue], JsonValue]) -> None:
    for envelope, link in product(ENVELOPES, (LINK, BARE)):
        body = envelope(place(link))
        assert started("skillboss", body) == AudioAt(link), body


@pytest.mark.parametrize("place", PLACES, ids=[str(place("link")) for place in PLACES])
@pytest.mark.parametrize("link", [COVER, COVER.replace("jpg", "WEBP"), "https://cdn.example.com/cover.png#x"])
def test_a_link_that_ends_like_a_picture_is_no_song_at_any_place(
    place: Callable[[JsonValue], JsonValue], link: str
) -> None:
    assert meaning("skillboss", place(link)) == ("unknown_outcome", "unknown", "http_200")


OTHER_MEDIA: Final[list[JsonValue]] = [
    {"image_url": BARE},
    {"image": {"url": BARE}},
    {"images": [{"url": BARE}]},
    {"video": {"url": BARE}},
    {"video_url": VIDEO},
    {"cover": BARE},
    {"cover_url": BARE},
    {"thumbnail": {"url": BARE}},
    {"thumbnail_url": BARE},
    {"data": {"image_url": BARE, "video_url": VIDEO, "thumbnail_url": BARE}},
    {"outputs": [{"image_url": BARE, "cover": BARE}]},
    {"outputs": [{"type": "image", "url": BARE}]},
    {"outputs": [{"type": "image", "url": LINK}]},
    {"outputs": [{"type": "video", "url": BARE}]},
    {"outputs": [{"type": "cover_image", "url": BARE}]},
    {"outputs": [{"type": "thumbnail", "url": BARE}]},
    {"outputs": [{"type": "Artwork", "url": BARE}]},
    {"outputs": [{"kind": "video", "url": BARE}]},
    {"outputs": [{"media_type": "image", "url": BARE}]},
    {"outputs": [{"content_type": "image/png", "url": BARE}]},
    {"outputs": [{"mime_type": "video/mp4", "url": BARE}]},
    {"outputs": [{"contentType": "image/webp", "audio_url": BARE}]},
    {"outputs": [VIDEO]},
    {"outputs": [{"url": VIDEO}]},
    {"output": VIDEO},
    {"url": VIDEO},
    [VIDEO],
    {"outputs": ["https://cdn.example.com/words.lrc", "https://cdn.example.com/answer.json"]},
]


@pytest.mark.parametrize("document", OTHER_MEDIA, ids=str)
def test_a_picture_a_video_or_a_text_is_never_the_song(document: JsonValue) -> None:
    assert meaning("skillboss", document) == ("unknown_outcome", "unknown", "http_200")


@pytest.mark.parametrize(
    "document",
    [
        {"outputs": [{"type": "image", "url": LINK + "&cover"}, {"type": "audio", "url": LINK}]},
        {"outputs": [{"url": COVER}, {"url": VIDEO}, {"url": LINK}]},
        {"outputs": [COVER, VIDEO, LINK]},
        [COVER, VIDEO, LINK],
        {"image_url": COVER, "video_url": VIDEO, "audio_url": LINK},
        {"url": "https://example.com/songs/1", "cover_url": COVER, "data": {"audio_url": LINK}},
        {"url": "https://example.com/songs/1", "outputs": [LINK]},
        {"url": "https://example.com/songs/1", "output": {"audio_file": {"url": LINK}}},
        {"outputs": [{"url": "https://example.com/songs/1", "audio_url": LINK, "image_url": COVER}]},
        {"audio_file": {"url": LINK, "content_type": "text/html"}},
        {"outputs": [{"content_type": "application/octet-stream", "url": LINK}]},
    ],
    ids=str,
)
def test_the_song_is_taken_from_among_other_media(document: JsonValue) -> None:
    assert started("skillboss", document) == AudioAt(LINK)


@pytest.mark.parametrize("place", [{"type": "audio", "url": VIDEO}, {"content_type": "audio/mp4", "url": VIDEO}])
def test_a_file_that_says_it_is_audio_may_end_like_a_video(place: JsonValue) -> None:
    assert started("skillboss", {"outputs": [place]}) == AudioAt(VIDEO)


@pytest.mark.parametrize(
    "document",
    [
        {"outputs": [{"url": LINK}]},
        {"result": {"outputs": [LINK]}},
        {"audio_url": LINK},
        {"data": {"audio_file": LINK}},
    ],
    ids=str,
)
def test_a_song_at_a_place_for_songs_alone_is_taken_under_any_status(document: JsonValue) -> None:
    assert started("skillboss", document, 500) == AudioAt(LINK)


def test_the_url_of_an_output_is_the_song_even_beside_its_cover() -> None:
    assert started("skillboss", {"outputs": [{"url": BARE, "image_url": COVER}]}) == AudioAt(BARE)


@pytest.mark.parametrize(
    ("document", "status", "verdict"),
    [
        ({"code": 402, "message": "no credit", "url": LINK}, 200, ("out_of_credit", "no", "402")),
        ({"code": "402.0", "audio": {"url": LINK}}, 200, ("out_of_credit", "no", "402")),
        ({"status": "failed", "url": LINK}, 200, ("provider_error", "unknown", "http_200")),
        ({"data": {"status": "FAILURE", "url": LINK}}, 200, ("provider_error", "unknown", "http_200")),
        ({"error": "no credit", "url": BARE}, 402, ("out_of_credit", "no", "http_402")),
        ({"message": "no credit", "url": LINK}, 402, ("out_of_credit", "no", "http_402")),
        ({"error": {"message": "model offline"}, "url": BARE}, 200, ("provider_error", "unknown", "http_200")),
        ({"status": "error", "message": "invalid key"}, 401, ("auth", "no", "http_401")),
        ({"base_resp": {"status_code": "1008.0"}, "audio": {"url": LINK}}, 200, ("out_of_credit", "no", "1008")),
        ({"data": [{"status": 1, "audio": LINK}]}, 200, ("incomplete", "unknown", "http_200")),
    ],
    ids=str,
)
def test_a_refusal_is_believed_in_spite_of_a_link(document: JsonValue, status: int, verdict: Verdict) -> None:
    assert meaning("skillboss", document, status) == verdict


@pytest.mark.parametrize("dialect", ["minimax", "skillboss", "aimlapi_music01"])
@pytest.mark.parametrize("text", ["see audio_url", "00ff00", "/files/song.mp3"])
def test_a_link_is_better_than_a_text_that_is_no_song(dialect: str, text: str) -> None:
    body: JsonValue = {"data": {"audio": text, "audio_url": LINK, "status": 2}, "base_resp": {**OK}}
    assert started(dialect, body) == AudioAt(LINK)


# ---- songs as text in blocking answers

TEXTS: Final = {
    "hex": HEX,
    "hex_upper_case": HEX.upper(),
    "hex_0x": f"0x{HEX}",
    "hex_blanks": SONG.hex(" "),
    "hex_lines": "\r\n".join(HEX[at : at + 64] for at in range(0, len(HEX), 64)) + "\n",
    "base64": BASE64,
    "base64_url_safe": base64.urlsafe_b64encode(SONG).decode().rstrip("="),
    "base64_lines": base64.encodebytes(SONG).decode(),
    "data_uri": f"data:audio/mpeg;base64,{BASE64}",
    "data_uri_of_octets": f"data:application/octet-stream;base64,{BASE64}",
}
BODIES: Final[dict[str, Callable[[str], bytes]]] = {
    "object": lambda text: json.dumps({"data": {"audio": text, "status": 2}, "base_resp": OK}).encode(),
    "list_of_one": lambda text: json.dumps({"base_resp": OK, "data": [{"audio": text, "status": 2}]}).encode(),
    "escaped_slashes": lambda text: json.dumps({"data": {"audio": text}}).replace("/", "\\/").encode(),
    "event": lambda text: b"data: " + json.dumps({"data": {"audio": text, "status": 2}, "base_resp": OK}).encode(),
    "event_and_end": lambda text: (
        b"event: message\r\ndata: "
        + json.dumps({"data": [{"audio": text, "status": "2.0"}], "base_resp": OK}).encode()
        + b"\r\n\r\ndata: [DONE]\r\n\r\n"
    ),
}


@pytest.mark.parametrize("dialect", ["minimax", "skillboss", "aimlapi_music01"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("body", BODIES)
def test_a_song_is_read_from_any_text_in_any_body(dialect: str, text: str, body: str) -> None:
    answer = BODIES[body](TEXTS[text])
    assert started(dialect, answer) == AudioInAnswer()
    assert decoded(answer) == SONG


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("link", [LINK, BARE])
def test_a_link_where_text_was_requested_is_the_song(body: str, link: str) -> None:
    assert started("minimax", BODIES[body](link)) == AudioAt(link)


@pytest.mark.parametrize(
    "data",
    [{"audio": {"url": LINK}}, {"audio_file": {"url": LINK}}, {"audio": [LINK]}, {"url": LINK}, [{"audio_url": LINK}]],
    ids=str,
)
def test_a_link_of_minimax_may_stand_at_any_place_in_its_data(data: JsonValue) -> None:
    assert started("minimax", {"data": data, "base_resp": OK}) == AudioAt(LINK)


@pytest.mark.parametrize("dialect", ["skillboss", "minimax"])
@pytest.mark.parametrize(
    "place",
    [
        lambda uri: {"outputs": [{"url": uri}]},
        lambda uri: {"outputs": [uri]},
        lambda uri: {"output": uri},
        lambda uri: {"data": {"audio_file": {"url": uri}}, "code": 200},
        lambda uri: {"result": {"audio": {"url": uri, "content_type": "audio/mpeg"}}},
        lambda uri: {"cover": "data:image/png;base64,iVBORw0KGgo=", "audio": uri},
    ],
)
def test_a_song_in_a_data_uri_is_read_from_any_place(dialect: str, place: Callable[[str], JsonValue]) -> None:
    answer = json.dumps(place(TEXTS["data_uri"])).encode()
    assert started(dialect, answer) == AudioInAnswer()
    assert decoded(answer) == SONG


def test_an_echo_of_the_request_is_not_the_song() -> None:
    echo: JsonValue = {"audio_url": LINK, "request": {"audio_url": LINK}, "data": {"status": 2}, "base_resp": {**OK}}
    assert meaning("minimax", echo) == ("incomplete", "unknown", "http_200")


def test_a_body_that_is_the_file_itself_is_the_song() -> None:
    assert started("minimax", SONG) == AudioIsAnswer()


@pytest.mark.parametrize("status", [1, "1", 1.0, " 1.0 "])
def test_a_song_in_a_list_that_is_still_being_made_is_incomplete(status: JsonValue) -> None:
    body: JsonValue = {"data": [{"audio": HEX, "status": status}], "base_resp": {**OK}}
    assert meaning("minimax", body) == ("incomplete", "unknown", "http_200")


# ---- tasks

TASK: Final = "n74a-b:c/1"
CREATED: Final[list[Callable[[JsonValue], JsonValue]]] = [
    lambda task: {"task_id": task},
    lambda task: {"taskId": task, "status": "pending"},
    lambda task: {"id": task, "status": "queued"},
    lambda task: {"generation_id": task, "status": "queued"},
    lambda task: {"data": {"task_id": task}},
    lambda task: {"data": {"taskId": task, "status": "IN_PROGRESS"}},
    lambda task: {"data": {"id": task, "status": "queued"}},
    lambda task: {"data": {"generation_id": task}},
    lambda task: {"data": [{"task_id": task, "status": "submitted"}]},
    lambda task: {"data": [{"id": task, "status": "submitted"}]},
    lambda task: {"data": [{"id": "song_1", "task_id": task}, {"id": "song_2", "task_id": task}]},
    lambda task: {"data": {"data": {"task_id": task}}},
    lambda task: {"data": {"task": {"id": task, "status": "queued"}}},
    lambda task: {"task": {"id": task}},
    lambda task: {"result": {"task_id": task}},
    lambda task: {"output": {"task_id": task, "task_status": "PENDING"}, "request_id": "r-1"},
    lambda task: {"result": [{"id": task}]},
    lambda task: {"data": json.dumps({"task_id": task})},
    lambda task: {"id": None, "task_id": "", "data": {"id": task}},
    lambda task: {"id": task, "output": {"id": "file-1"}, "result": None},
    lambda task: [{"id": task, "status": "queued"}],
]
BARE_IDS: Final[list[Callable[[JsonValue], JsonValue]]] = [
    lambda task: {"data": task},
    lambda task: {"data": [task]},
    lambda task: {"result": task},
    lambda task: {"task": task, "data": None},
    lambda task: {"data": task, "error": None, "msg": "ok"},
]
CODES_OF_SUCCESS: Final[list[JsonValue]] = [
    *(0, 1, 200),
    *("0", "1", "200", "200.0"),
    *(0.0, 1.0, 200.0),
    *("success", "SUCCESS", "ok"),
]
GOOD_CODES: Final[list[dict[str, JsonValue]]] = [
    {},
    *[{"code": code} for code in CODES_OF_SUCCESS],
    {"code": 200, "message": "success"},
    {"code": "success", "message": ""},
    {"code": 201, "msg": "created"},
    {"code": None, "success": True},
]
DIALECTS: Final = ("apiinone", "aimlapi")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("place", [*CREATED, *BARE_IDS], ids=[str(place("id")) for place in [*CREATED, *BARE_IDS]])
def test_a_task_is_found_wherever_its_id_may_stand(dialect: str, place: Callable[[JsonValue], JsonValue]) -> None:
    document = place(TASK)
    for code, status in product(GOOD_CODES, (200, 202)):
        body: JsonValue = {**code, **document} if isinstance(document, dict) else document
        assert started(dialect, body, status) == TaskStarted(TASK), (code, status)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("place", CREATED, ids=[str(place("id")) for place in CREATED])
@pytest.mark.parametrize("task", [12345678901234567890, 4711, 2**200])
def test_an_id_may_be_an_integer_of_any_size(dialect: str, place: Callable[[JsonValue], JsonValue], task: int) -> None:
    assert started(dialect, place(task), 201) == TaskStarted(str(task))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "task",
    ["1320098173412546", "7a5f3e1c-60bb-4a4f-9c1e-0d6c6b1f2a33:minimax/music-2.0", "task_0", "abcdefGHIJKLMNOPqr"],
)
def test_an_id_that_stands_alone_is_a_task(dialect: str, task: str) -> None:
    assert started(dialect, {"code": "success", "message": "", "data": task}) == TaskStarted(task)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"code": 200, "data": "success"},
        {"code": 200, "data": "in_progress"},
        {"code": 200, "data": "in-progress"},
        {"code": 200, "data": "accepted"},
        {"code": 200, "data": "insufficient_balance"},
        {"code": 200, "data": "The order was taken"},
        {"code": 200, "data": ""},
        {"code": 200, "data": True},
        {"code": 200, "data": [TASK, TASK + "2"]},
        {"code": 200, "data": [{"id": "song_1"}, {"id": "song_2"}]},
        {"code": 200, "data": {"id": {"x": 1}}},
        {"code": -1, "data": TASK},
        {"code": 2, "data": TASK},
        {"code": "fail_to_fetch_task", "message": "no channel", "data": TASK},
        {"code": 200, "message": "failed", "data": TASK},
        {"success": False, "message": "no credit", "data": TASK},
        {"message": TASK},
        {"trace_id": TASK, "requestId": TASK},
        [TASK],
    ],
    ids=str,
)
def test_what_may_be_no_id_is_not_guessed(dialect: str, document: JsonValue) -> None:
    assert meaning(dialect, document) == ("unknown_outcome", "unknown", "http_200")


@pytest.mark.parametrize("place", [*CREATED[:-1], *BARE_IDS])
@pytest.mark.parametrize(
    ("refusal", "verdict"),
    [
        ({"code": 402}, ("out_of_credit", "no", "402")),
        ({"code": "429.0"}, ("rate_limited", "no", "429")),
        ({"code": 500}, ("unknown_outcome", "unknown", "500")),
        ({"code": "error"}, ("provider_error", "unknown", "http_200")),
        ({"code": "FAILED"}, ("provider_error", "unknown", "http_200")),
    ],
)
def test_a_refusal_of_api_in_one_is_believed_in_spite_of_an_id(
    place: Callable[[JsonValue], JsonValue], refusal: dict[str, JsonValue], verdict: Verdict
) -> None:
    document = place(TASK)
    assert isinstance(document, dict)
    assert meaning("apiinone", {**document, **refusal}) == verdict


@pytest.mark.parametrize(
    ("document", "status", "verdict"),
    [
        ({"id": TASK, "statusCode": "401.0"}, 200, ("auth", "no", "401")),
        ({"data": TASK, "statusCode": 403}, 200, ("out_of_credit", "no", "403")),
        ({"data": {"id": TASK}}, 500, ("transient", "unknown", "http_500")),
        ({"data": {"id": TASK}, "code": 402}, 200, ("unknown_outcome", "unknown", "http_200")),
        ({"id": TASK, "status": "failed"}, 200, ("provider_error", "unknown", "http_200")),
        ({"data": {"id": TASK, "status": "CANCELED"}}, 202, ("provider_error", "unknown", "http_202")),
        (
            {"id": TASK, "status": "error", "error": {"name": "Moderation"}},
            200,
            ("provider_error", "unknown", "Moderation"),
        ),
        ({"error": {"message": "offline"}, "url": BARE}, 200, ("provider_error", "unknown", "http_200")),
    ],
    ids=str,
)
def test_a_refusal_of_aiml_api_is_believed_in_spite_of_an_id(
    document: JsonValue, status: int, verdict: Verdict
) -> None:
    assert meaning("aimlapi", document, status) == verdict


@pytest.mark.parametrize("status_word", ["queued", "pending", "IN_PROGRESS", "processing"])
@pytest.mark.parametrize("nest", [lambda body: body, lambda body: {"data": body}], ids=["top", "data"])
def test_a_task_that_was_taken_is_polled_whatever_error_stands_beside_it(
    status_word: str, nest: Callable[[JsonValue], JsonValue]
) -> None:
    assert started("aimlapi", nest({"id": TASK, "status": status_word}), 500) == TaskStarted(TASK)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "document",
    [
        {"id": TASK, "status": "completed", "audio_file": {"url": LINK}},
        {"data": {"id": TASK, "status": "succeeded", "audio_url": LINK}},
        {"id": TASK, "status": "completed", "audio_file": [LINK]},
        {"audio_file": {"url": LINK}},
        {"code": 200, "data": LINK},
        {"code": 200, "data": [LINK]},
        {"data": [{"id": "song_1", "audio_url": LINK}]},
    ],
    ids=str,
)
def test_a_song_that_is_there_at_once_needs_no_task(dialect: str, document: JsonValue) -> None:
    outcome = started(dialect, document)
    assert isinstance(outcome, AudioAt)
    assert replace(outcome, task_id=None) == AudioAt(LINK)


WITH_A_TASK: Final[list[dict[str, JsonValue]]] = [
    {"task_id": TASK},
    {"code": 200, "data": {"taskId": TASK}},
    {"id": TASK, "data": {}},
    {"data": {"generation_id": TASK}},
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("answer", WITH_A_TASK, ids=str)
@pytest.mark.parametrize("song", ["link", "text"])
def test_a_song_that_is_there_at_once_remembers_the_task_that_made_it(
    dialect: str, answer: dict[str, JsonValue], song: str
) -> None:
    inner = answer.get("data")
    inside: dict[str, JsonValue] = {**(inner if isinstance(inner, dict) else {}), "status": "completed"}
    inside |= {"audio_url": LINK} if song == "link" else {"audio": HEX}
    expected = AudioAt(LINK, task_id=TASK) if song == "link" else AudioInAnswer(TASK)
    assert started(dialect, {**answer, "data": inside}) == expected


def test_the_id_beside_a_link_of_api_in_one_is_the_songs_and_that_of_aiml_api_the_tasks() -> None:
    document: JsonValue = {"id": TASK, "status": "completed", "audio_file": {"url": LINK}}
    assert (started("apiinone", document), started("aimlapi", document)) == (AudioAt(LINK), AudioAt(LINK, task_id=TASK))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", [b"%s", b"\r\n\x00%s"])
def test_an_answer_that_is_the_file_itself_needs_no_task(dialect: str, body: bytes) -> None:
    assert started(dialect, body.replace(b"%s", SONG)) == AudioIsAnswer()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("body", BODIES)
def test_a_song_as_text_needs_no_task(dialect: str, text: str, body: str) -> None:
    answer = BODIES[body](TEXTS[text])
    assert started(dialect, answer) == AudioInAnswer()
    assert decoded(answer) == SONG


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "unfinished",
    [
        {"task_id": TASK, "status": "generating", "data": {"audio": HEX}},
        {"task_id": TASK, "data": {"status": "streaming", "audio": HEX}},
        {"task_id": TASK, "data": {"status": 1, "audio": HEX}},
        {"task_id": TASK, "status": "queued", "data": {"audio": "00ff"}},
    ],
    ids=str,
)
def test_a_text_that_is_not_finished_is_no_song_yet(dialect: str, unfinished: JsonValue) -> None:
    assert started(dialect, unfinished) == TaskStarted(TASK)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", ["ready", "available", "partial_success", ["completed"], True, 2, None])
@pytest.mark.parametrize("nest", [lambda body: body, lambda body: {"code": 200, "data": body}], ids=["top", "data"])
def test_a_link_under_an_unknown_word_is_the_song_where_there_is_no_task_to_poll(
    dialect: str, word: JsonValue, nest: Callable[[JsonValue], JsonValue]
) -> None:
    assert started(dialect, nest({"status": word, "audio_url": LINK})) == AudioAt(LINK)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", ["generating", "streaming", "first"])
def test_a_preview_is_no_song_even_where_there_is_no_task_to_poll(dialect: str, word: str) -> None:
    assert meaning(dialect, {"status": word, "audio_url": LINK}) == ("unknown_outcome", "unknown", "http_200")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_song_that_is_not_finished_is_no_song_yet(dialect: str) -> None:
    assert started(dialect, {"id": TASK, "status": "generating", "audio_url": LINK}) == TaskStarted(TASK)


@pytest.mark.parametrize(("empty", "is_found"), [(MOST_ENTRIES - 1, True), (MOST_ENTRIES, False)])
def test_no_more_entries_of_a_list_are_looked_at_than_an_order_can_bring(empty: int, is_found: bool) -> None:
    nothing: list[JsonValue] = [{}] * empty
    song, task = (
        started("skillboss", {"data": [*nothing, LINK]}),
        started("apiinone", {"data": [*nothing, {"task_id": TASK}]}),
    )
    assert (isinstance(song, AudioAt), isinstance(task, TaskStarted)) == (is_found, is_found)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", ["completed", "SUCCESS"])
def test_a_picture_in_a_list_of_links_is_not_a_song_that_is_missing(dialect: str, status: str) -> None:
    document: JsonValue = {"id": TASK, "status": status, "output": [COVER, VIDEO, LINK]}
    created = started(dialect, document)
    assert isinstance(created, AudioAt)
    polled = load_provider(dialect).read_poll(answer_with(json.dumps(document).encode()))
    assert polled == replace(created, task_id=None) == AudioAt(LINK)


# ---- several songs

OTHER: Final = LINK.replace("song.mp3", "other.mp3")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["audio", "audio_url", "url", "audio_file"])
@pytest.mark.parametrize("nest", [lambda songs: {"data": songs}, lambda songs: {"code": 200, "data": {"songs": songs}}])
def test_several_links_are_several_songs(dialect: str, name: str, nest: Callable[[JsonValue], JsonValue]) -> None:
    document = nest([{name: link, "status": "complete"} for link in (LINK, OTHER)])
    polled = load_provider(dialect).read_poll(answer_with(json.dumps(document).encode()))
    assert polled == started(dialect, document) == AudioAt(LINK, (OTHER,))


LISTS_OF_SONGS: Final[list[Callable[[list[JsonValue]], JsonValue]]] = [
    lambda links: {"outputs": [{"url": link} for link in links]},
    lambda links: {"outputs": [{"type": "audio", "audio_url": link} for link in links]},
    lambda links: {"outputs": links},
    lambda links: {"output": links},
    lambda links: {"data": [{"url": link} for link in links]},
    lambda links: {"data": [{"audio": link, "status": 2} for link in links]},
    lambda links: {"data": {"outputs": [{"url": link} for link in links]}},
    lambda links: [*links],
]


@pytest.mark.parametrize("place", LISTS_OF_SONGS)
@pytest.mark.parametrize("envelope", [lambda body: body, lambda body: {"result": body}])
def test_every_song_of_a_blocking_answer_is_offered(
    place: Callable[[list[JsonValue]], JsonValue], envelope: Callable[[JsonValue], JsonValue]
) -> None:
    third = LINK.replace("song.mp3", "third.mp3")
    assert started("skillboss", envelope(place([OTHER, LINK, third, LINK]))) == AudioAt(OTHER, (LINK, third))
    assert started("skillboss", envelope(place([COVER, LINK, OTHER]))) == AudioAt(LINK, (OTHER,))


@pytest.mark.parametrize("dialect", ["minimax", "aimlapi_music01"])
@pytest.mark.parametrize(
    "data",
    [
        [{"audio": OTHER, "status": 2}, {"audio": LINK, "status": 2}],
        [{"audio_url": OTHER}, {}, {"audio_url": LINK}],
        {"audio": [OTHER, LINK], "status": 2},
        {"songs": [{"audio_url": OTHER}, {"audio_url": LINK}], "audio_url": OTHER},
    ],
    ids=str,
)
def test_every_song_of_minimax_is_offered(dialect: str, data: JsonValue) -> None:
    assert started(dialect, {"data": data, "base_resp": {**OK}}) == AudioAt(OTHER, (LINK,))


@pytest.mark.parametrize("place", ["outputs", "data"])
def test_a_song_that_calls_itself_failed_is_not_offered(place: str) -> None:
    songs: JsonValue = [{"url": OTHER, "status": "failed"}, {"url": LINK, "status": "completed"}]
    assert started("skillboss", {place: songs}) == AudioAt(LINK)


# ---- codes

SPELLED: Final[list[Callable[[int], JsonValue]]] = [
    lambda code: code,
    str,
    float,
    lambda code: f"{code}.0",
    lambda code: f" {code} ",
    lambda code: f"{code}.000",
    lambda code: f"+{code}",
]


@pytest.mark.parametrize("spelled", [spell(1008) for spell in SPELLED], ids=repr)
@pytest.mark.parametrize("dialect", ["minimax", "skillboss", "aimlapi_music01"])
def test_a_code_of_minimax_is_the_same_however_it_is_written(dialect: str, spelled: JsonValue) -> None:
    body: JsonValue = {"data": None, "base_resp": {"status_code": spelled, "status_msg": "insufficient balance"}}
    assert meaning(dialect, body) == ("out_of_credit", "no", "1008")


@pytest.mark.parametrize("spelled", [spell(402) for spell in SPELLED], ids=repr)
@pytest.mark.parametrize("dialect", ["skillboss", "apiinone"])
def test_a_code_in_the_body_is_the_same_however_it_is_written(dialect: str, spelled: JsonValue) -> None:
    assert meaning(dialect, {"code": spelled, "message": "no credit"}) == ("out_of_credit", "no", "402")


@pytest.mark.parametrize("spelled", [spell(403) for spell in SPELLED], ids=repr)
@pytest.mark.parametrize("dialect", ["aimlapi", "aimlapi_music01"])
def test_a_status_in_the_body_is_the_same_however_it_is_written(dialect: str, spelled: JsonValue) -> None:
    assert meaning(dialect, {"statusCode": spelled, "message": "no credit"}) == ("out_of_credit", "no", "403")
