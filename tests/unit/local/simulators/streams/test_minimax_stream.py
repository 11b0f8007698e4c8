"""MiniMax's stream: the parts of a song at the pace at which it is made, and what streams get wrong."""

import json
from itertools import pairwise
from typing import Any

import pytest

from local.simulators.http.exchange import Answer
from tests.unit.local.simulators.offline import Provider


def events_of(answer: Answer) -> list[tuple[bytes, int]]:
    """The audio and `data.status` of each event."""
    documents: list[Any] = [json.loads(line[6:]) for line in answer.body.splitlines() if line.startswith(b"data: ")]
    return [(bytes.fromhex(each["data"]["audio"]), each["data"]["status"]) for each in documents]


def streamed(minimax: Provider, fault: str) -> Answer:
    assert minimax.fault(fault).status == 201
    return minimax.order(stream=True)


def song_of(minimax: Provider) -> bytes:
    return bytes.fromhex(json.loads(minimax.order().body)["data"]["audio"])


def test_a_stream_is_the_song_in_parts_of_which_the_last_says_so(minimax: Provider) -> None:
    answer = minimax.order(stream=True)
    events = events_of(answer)
    assert (answer.status, answer.content_type, answer.charged) == (200, "text/event-stream", True)
    assert b"".join(audio for audio, _ in events) == song_of(minimax)
    assert [status for _, status in events] == [1] * (len(events) - 1) + [2]


def test_a_stream_takes_the_time_of_a_song_in_equal_steps(minimax: Provider) -> None:
    answer = minimax.order(stream=True)
    moments = [at for at, _ in answer.pace]
    assert moments == pytest.approx([minimax.latency_s * (n + 1) / len(moments) for n in range(len(moments))])
    assert answer.pace[-1][1] == len(answer.body)


def test_a_stall_is_a_pause_in_the_middle(minimax: Provider) -> None:
    moments = [at for at, _ in streamed(minimax, "stream_stall:7").pace]
    pauses = [round(later - earlier, 3) for earlier, later in pairwise(moments)]
    assert max(pauses) == pytest.approx(7 + min(pauses), abs=0.01)
    assert pauses.index(max(pauses)) == len(pauses) // 2


def test_a_held_stream_goes_on_with_the_next_release_or_reset(minimax: Provider) -> None:
    for control in ("release", "reset"):
        held, later = streamed(minimax, "stream_hold"), streamed(minimax, "stream_hold")
        assert held.hold is not None
        assert later.hold is not None
        assert held.hold.sent == held.pace[len(held.pace) // 2 - 1][1]
        assert not held.hold.opened.is_set()
        assert minimax.request("POST", f"/_sim/{control}", key=None).status == 200
        assert (held.hold.opened.is_set(), later.hold.opened.is_set()) == (True, True)
    another = streamed(minimax, "stream_hold")
    assert another.hold is not None
    assert not another.hold.opened.is_set()


@pytest.mark.parametrize("name", ["stream_repeat_last", "stream_longer_last"])
def test_a_last_event_may_repeat_the_song(minimax: Provider, name: str) -> None:
    *parts, (last, status) = events_of(streamed(minimax, name))
    song = song_of(minimax)
    assert b"".join(audio for audio, _ in parts) == song
    assert (last.endswith(song), last == song, status) == (True, name == "stream_repeat_last", 2)


def test_a_last_event_may_be_missing_early_or_all_that_is_missing(minimax: Provider) -> None:
    song = song_of(minimax)
    without = events_of(streamed(minimax, "stream_no_last"))
    assert (b"".join(audio for audio, _ in without), {status for _, status in without}) == (song, {1})
    early = events_of(streamed(minimax, "stream_early_last"))
    assert b"".join(audio for audio, _ in early) == song
    assert [status for _, status in early][-2:] == [2, 1]
    empty = streamed(minimax, "stream_empty")
    assert (empty.body, empty.content_type, empty.charged) == (b"", "text/event-stream", True)


def test_a_fault_of_streams_waits_for_a_stream(minimax: Provider) -> None:
    minimax.fault("stream_empty")
    assert json.loads(minimax.order().body)["data"]["status"] == 2
    assert minimax.order(stream=True).body == b""


def test_a_request_for_a_stream_may_get_json(minimax: Provider) -> None:
    body = json.loads(streamed(minimax, "upper_hex").body)
    assert bytes.fromhex(body["data"]["audio"]) == song_of(minimax)
