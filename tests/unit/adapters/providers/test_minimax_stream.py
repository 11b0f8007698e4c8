"""MiniMax's stream: which bytes are the song, and what a stream without them means."""

import json
from dataclasses import replace
from typing import Final

import pytest
from pydantic import JsonValue

from fermata.adapters.providers import load_provider
from fermata.domain.providers.calls import AudioInEvents
from fermata.domain.providers.tracing import trace_id_of
from fermata.use_cases.generation.follow.parse_answer import decoded_events
from tests.fixtures.http_answers import read_answer, read_body
from tests.unit.adapters.providers.test_minimax import ORDER, decode_song

MINIMAX: Final = load_provider("minimax")


def body_of(live: bool, delivery: str = "hex") -> dict[str, JsonValue]:
    body = MINIMAX.start_call(replace(ORDER, live=live, delivery=delivery)).body
    assert body is not None
    return dict(body)


def song_in(name: str, chunk_bytes: int = 50) -> bytes:
    found, body = MINIMAX.read_start(read_answer("minimax", name)), read_body("minimax", name)
    assert isinstance(found, AudioInEvents)
    chunks = (body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes))
    return b"".join(decoded_events(chunks, found.whole_event))


def test_a_live_order_streams_hex_without_a_watermark() -> None:
    for delivery in ("hex", "url"):
        asked = body_of(live=True, delivery=delivery)
        assert (asked["stream"], asked["output_format"]) == (True, "hex")
        assert "aigc_watermark" not in asked


def test_any_other_order_streams_nothing() -> None:
    assert (body_of(live=False)["stream"], body_of(live=False, delivery="url")["output_format"]) == (False, "url")


@pytest.mark.parametrize(
    "name",
    [
        "stream_last_is_a_part",
        "stream_last_repeats_everything",
        "stream_last_without_audio",
        "stream_last_stands_before_a_part",
        "stream_with_comments_and_an_end_mark",
    ],
)
def test_the_song_of_a_stream_is_the_song_of_the_plain_answer(name: str) -> None:
    assert song_in(name) == decode_song("hex_lower_case")


def test_a_last_event_that_is_longer_than_the_parts_is_the_whole_song() -> None:
    plain = decode_song("hex_lower_case")
    assert song_in("stream_last_is_longer") == plain[:26] + bytes(9) + plain[26:]


def test_of_several_last_events_the_longest_may_be_the_whole_song() -> None:
    plain = decode_song("hex_lower_case")
    events = [(plain[:30], 1), (plain, 2), (b"", 2)]
    body = b"".join(
        b"data: " + json.dumps({"data": {"audio": audio.hex(), "status": status}}).encode() + b"\n\n"
        for audio, status in events
    )
    assert b"".join(decoded_events([body], 1)) == plain


def test_the_trace_id_of_a_stream_is_that_of_its_last_event() -> None:
    assert trace_id_of(read_answer("minimax", "stream_last_is_a_part")) == "04ede0ab069fb1ba8be5156a24b1e081"
