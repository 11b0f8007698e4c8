"""What listeners hear of a stream: each byte once and in order, whatever the last event has."""

import json

import pytest

from fermata.domain.live import heard_audio
from fermata.domain.live.heard_audio import HeardAudio
from fermata.errors import BadAudioError

SONG = bytes(range(256)) * 12
PARTS = [(SONG[:1000], 1), (SONG[1000:1700], 1)]


def stream(*events: tuple[bytes, int]) -> bytes:
    documents = ({"data": {"audio": audio.hex(), "status": status}} for audio, status in events)
    return b"".join(b"data: " + json.dumps(document).encode() + b"\n\n" for document in documents)


def heard_in(body: bytes, size: int = 100) -> bytes:
    heard, audio = HeardAudio(), b""
    for start in range(0, len(body), size):
        audio += b"".join(heard.feed(body[start : start + size]))
    return audio + b"".join(heard.close())


@pytest.mark.parametrize("longest_part", [100, 1000, 1_000_000], ids=str)
@pytest.mark.parametrize("size", [1, 7, 1000, 100_000])
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (SONG, SONG),
        (SONG[:1700], SONG[:1700]),
        (b"", SONG[:1700]),
        (b"ID3 and more" + SONG, SONG[:1700]),
        (bytes(1700), SONG[:1700]),
    ],
    ids=["repeats_and_adds", "repeats", "empty", "begins_otherwise", "is_as_long_and_another"],
)
def test_of_the_last_event_only_what_follows_is_heard(
    last: bytes, expected: bytes, size: int, longest_part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [(SONG[at : at + 100], 1) for at in range(0, 1700, 100)]
    monkeypatch.setattr(heard_audio, "LONGEST_PART_BYTES", longest_part)
    assert heard_in(stream(*parts, (last, 2)), size) == expected


def test_a_last_event_that_is_a_part_is_heard_behind_the_others() -> None:
    assert heard_in(stream(*PARTS, (SONG[1700:3000], 2))) == SONG[:3000]


def test_a_song_of_one_event_is_heard_while_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard_audio, "LONGEST_PART_BYTES", 100)
    heard = HeardAudio()
    body = stream((SONG, 2))
    before = b"".join(heard.feed(body[:1000]))
    assert SONG.startswith(before)
    assert len(before) > 300
    assert before + b"".join(heard.feed(body[1000:])) == SONG


def test_nothing_is_heard_behind_the_last_event() -> None:
    assert heard_in(stream(*PARTS, (b"", 2), (SONG, 1))) == SONG[:1700]


def test_json_in_place_of_a_stream_is_not_heard() -> None:
    assert heard_in(json.dumps({"data": {"audio": SONG.hex(), "status": 2}}).encode()) == b""


@pytest.mark.parametrize(
    "end",
    [
        b'data: {"base_resp": {"status_code": 1002}}\n\n',
        b'data: {"data": {"audio": "zz", "status": 1}}\n\n',
        b'data: {"data": {"audio": "abc", "status": 1}}\n\n',
        b'data: {"data": {"audio": "ab',
    ],
    ids=["failure", "no_hex", "odd_hex", "cut"],
)
def test_what_cannot_follow_ends_what_is_heard(end: bytes) -> None:
    with pytest.raises(BadAudioError):
        heard_in(stream(*PARTS) + end)


def test_a_part_that_is_too_long_to_be_held_ends_what_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard_audio, "LONGEST_PART_BYTES", 1200)
    with pytest.raises(BadAudioError, match="at most 1200 bytes"):
        heard_in(stream((SONG[:1000], 1), (SONG[1000:], 1)))
