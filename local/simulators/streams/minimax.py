"""MiniMax's stream of a song or a speech: server-sent events at the pace at which it is made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import Final
from uuid import uuid4

from local.simulators.faults import Fault, FaultKind, FaultRow
from local.simulators.gate import Gate
from local.simulators.http.exchange import Answer, Hold
from local.simulators.recording import Recording

_MEDIA_TYPE: Final = "text/event-stream"
_EVENTS_A_SECOND: Final = 1
_FEWEST_EVENTS: Final = 8
_PART, _LAST = 1, 2
_TAG: Final = b"ID3\x04\x00\x00\x00\x00\x07\x68" + bytes(1000)

STREAM_ROWS: Final = (
    FaultRow(FaultKind.STREAM_REPEAT_LAST, ("create",), "a stream whose last event repeats the song", "yes"),
    FaultRow(FaultKind.STREAM_LONGER_LAST, ("create",), "the same with a tag before the song, as in speech", "yes"),
    FaultRow(FaultKind.STREAM_EARLY_LAST, ("create",), "a stream whose last event stands before a part", "yes"),
    FaultRow(FaultKind.STREAM_NO_LAST, ("create",), "a stream without data.status 2", "yes"),
    FaultRow(FaultKind.STREAM_EMPTY, ("create",), "a stream without audio, a silent rate limit", "yes"),
    FaultRow(FaultKind.STREAM_STALL, ("create",), "a stream that pauses in its middle", "yes"),
    FaultRow(FaultKind.STREAM_HOLD, ("create",), "the same until POST /_sim/release", "yes"),
)
STREAM_KINDS: Final = frozenset(row.kind for row in STREAM_ROWS)


class LastEvent(Enum):
    """The audio of the last event of a stream without a fault: the last part, the whole file again, or none."""

    PART = "part"
    WHOLE = "whole"
    EMPTY = "empty"


@dataclass(frozen=True)
class _Event:
    """One event: its audio, its `data.status`, and the share of the song's time after which it is sent."""

    audio: bytes
    status: int
    at: float


def streamed(
    recording: Recording,
    facts: Mapping[str, object],
    fault: Fault | None,
    latency_s: float,
    gate: Gate,
    last: LastEvent = LastEvent.PART,
) -> Answer:
    """The stream of a recording that takes `latency_s` seconds, changed by a fault if there is one. `facts` are the
    `extra_info` of its last event; a held stream waits for the `gate`.
    """
    kind = fault.kind if fault is not None else None
    events = _events(recording, kind, last)
    stall_s = float(fault.argument) if fault is not None and kind is FaultKind.STREAM_STALL else 0.0
    body, pace = b"", []
    trace_id = uuid4().hex
    for number, event in enumerate(events):
        body += _written(event, trace_id, facts)
        pace.append((event.at * latency_s + (stall_s if number >= len(events) // 2 else 0.0), len(body)))
    hold = Hold(pace[len(pace) // 2 - 1][1], gate.next_opening()) if kind is FaultKind.STREAM_HOLD else None
    return Answer(200, body, _MEDIA_TYPE, {"Trace-Id": trace_id}, charged=True, pace=tuple(pace), hold=hold)


def _events(recording: Recording, kind: FaultKind | None, last: LastEvent) -> Sequence[_Event]:
    song = recording.content
    count = max(_FEWEST_EVENTS, _EVENTS_A_SECOND * recording.duration_ms // 1000)
    bounds = [len(song) * number // count for number in range(count + 1)]
    parts = [
        _Event(song[start:end], _PART, (number + 1) / count) for number, (start, end) in enumerate(pairwise(bounds))
    ]
    match kind:
        case FaultKind.STREAM_EMPTY:
            return ()
        case FaultKind.STREAM_NO_LAST:
            return parts
        case FaultKind.STREAM_REPEAT_LAST:
            return (*parts, _Event(song, _LAST, 1.0))
        case FaultKind.STREAM_LONGER_LAST:
            return (*parts, _Event(_TAG + song, _LAST, 1.0))
        case FaultKind.STREAM_EARLY_LAST:
            early = _Event(parts[-2].audio, _LAST, parts[-2].at)
            return (*parts[:-2], early, parts[-1])
    if last is LastEvent.PART:
        return (*parts[:-1], _Event(parts[-1].audio, _LAST, 1.0))
    return (*parts, _Event(song if last is LastEvent.WHOLE else b"", _LAST, 1.0))


def _written(event: _Event, trace_id: str, facts: Mapping[str, object]) -> bytes:
    document = {
        "data": {"audio": event.audio.hex(), "status": event.status},
        "trace_id": trace_id,
        "extra_info": facts if event.status == _LAST else None,
        "base_resp": {"status_code": 0, "status_msg": "success"},
    }
    return b"data: " + json.dumps(document, separators=(",", ":")).encode() + b"\n\n"
