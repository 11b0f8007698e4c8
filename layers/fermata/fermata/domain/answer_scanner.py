"""Takes the audio text out of a JSON answer while it streams by, so that a song never has to fit into memory."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from pydantic import JsonValue

from fermata.errors import BadAudioError

SKELETON_LIMIT_BYTES: Final = 1024 * 1024
DEPTH_LIMIT: Final = 64

_STRUCTURAL: Final = re.compile(rb'["{}\[\]:,]')
_TEXT_WITH_ESCAPES: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
# Four characters decide between a link and hex text, and JSON can spell one character with six bytes.
_HEAD_BYTES: Final = 4 * 6
_LONGEST_KEY_BYTES: Final = 6 * len("result") + 2


@dataclass(frozen=True)
class ScannedDocument:
    """The answer without its audio text.

    `document` is None where `flaw` says why the body is not one whole JSON document (or where that is `null`).
    `hex_digits` is the length of the text at `$.data.audio` (or `$.result.data.audio`) that was handed out, or None
    where there is no such string or it is a link.
    """

    document: JsonValue
    flaw: str | None
    hex_digits: int | None


class _Position:
    """Where in the document the scanner is, as far as finding the audio text needs it."""

    def __init__(self) -> None:
        self._containers = bytearray()
        self._key: str | None = None
        # How many of the open objects lead to the song: 1 is the document, then perhaps `result`, then `data`.
        self._on_the_way = 0
        self._inside_data = False
        self._audio_seen = False
        self.expects_key = False

    @property
    def depth(self) -> int:
        return len(self._containers)

    def open(self, bracket: bytes) -> None:
        if bracket == b"{" and self.depth == self._on_the_way and not self._inside_data and self._leads_to_audio():
            self._on_the_way += 1
            self._inside_data = self._key == "data"
        self._containers += bracket
        self._key = None
        self.expects_key = bracket == b"{"

    def close(self) -> None:
        del self._containers[-1:]
        if self.depth < self._on_the_way:
            self._on_the_way = self.depth
            self._inside_data = False
        self._key = None
        self.expects_key = False

    def pass_comma(self) -> None:
        self._key = None
        self.expects_key = self._containers.endswith(b"{")

    def name_key(self, key: str | None) -> None:
        self._key = key
        self.expects_key = False
        if self._at_audio():
            self._refuse_second_audio()

    def takes_audio(self) -> bool:
        """Whether the string that opens now is the audio text."""
        found = self._at_audio()
        self._key = None
        return found

    def _leads_to_audio(self) -> bool:
        return self.depth == 0 or self._key == "data" or (self.depth == 1 and self._key == "result")

    def _at_audio(self) -> bool:
        return self._inside_data and self.depth == self._on_the_way and self._key == "audio"

    def _refuse_second_audio(self) -> None:
        if self._audio_seen:
            raise BadAudioError(
                "expected one text at data.audio, found a second; the provider has to say which of them is the song"
            )
        self._audio_seen = True


class AnswerScanner:
    """Hands out the text at `$.data.audio` or `$.result.data.audio` unless it is a link, and keeps the rest of one JSON
    document.

    Chunks may be cut anywhere. Memory does not grow with the audio text. A second such text raises `BadAudioError`;
    every other oddity is told by `ScannedDocument.flaw`. A backslash in the text is handed out as it stands, for the
    decoder to refuse.
    """

    def __init__(self) -> None:
        self._skeleton = bytearray()
        self._position = _Position()
        self._scan: Callable[[bytes, int, list[bytes]], int] = self._scan_structure
        self._escaped = False
        self._text_start = 0
        self._head = b""
        self._hex_digits: int | None = None
        self._flaw: str | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The audio text found in this chunk, often none and mostly all of it."""
        audio: list[bytes] = []
        at = 0
        while at < len(chunk) and self._flaw is None:
            at = self._scan(chunk, at, audio)
        return b"".join(audio)

    def close(self) -> ScannedDocument:
        """The document, after the last chunk."""
        document, flaw = (None, self._flaw) if self._flaw else _parse(bytes(self._skeleton))
        return ScannedDocument(document, flaw, self._hex_digits)

    def _scan_structure(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        found = _STRUCTURAL.search(chunk, at)
        end = found.end() if found else len(chunk)
        self._keep(chunk[at:end])
        if found:
            self._pass_structural(found.group())
        return end

    def _pass_structural(self, mark: bytes) -> None:
        match mark:
            case b'"':
                self._text_start = len(self._skeleton) - 1
                self._scan = self._scan_head if self._position.takes_audio() else self._scan_text
            case b"{" | b"[":
                self._open(mark)
            case b"}" | b"]":
                self._close()
            case b",":
                self._position.pass_comma()

    def _open(self, bracket: bytes) -> None:
        self._position.open(bracket)
        if self._position.depth > DEPTH_LIMIT:
            self._flaw = "too deeply nested"

    def _close(self) -> None:
        self._position.close()
        if self._position.depth == 0:
            self._scan = self._scan_remainder

    def _scan_remainder(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        self._keep(chunk[at:])
        return len(chunk)

    def _scan_text(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        end, closed = self._find_text_end(chunk, at)
        self._keep(chunk[at:end])
        return self._end_text(end) if closed else end

    def _scan_head(self, chunk: bytes, at: int, audio: list[bytes]) -> int:
        window = chunk[at : at + _HEAD_BYTES - len(self._head)]
        end, closed = self._find_text_end(window, 0)
        self._head += window[:end]
        if closed or len(self._head) == _HEAD_BYTES:
            self._decide_head(audio)
        return self._end_text(at + end) if closed else at + end

    def _decide_head(self, audio: list[bytes]) -> None:
        if _is_link(self._head):
            self._keep(self._head)
            self._scan = self._scan_text
        else:
            audio.append(self._head)
            self._hex_digits = len(self._head)
            self._scan = self._scan_audio

    def _scan_audio(self, chunk: bytes, at: int, audio: list[bytes]) -> int:
        end, closed = self._find_text_end(chunk, at)
        audio.append(chunk[at:end])
        self._hex_digits = (self._hex_digits or 0) + end - at
        return self._end_text(end) if closed else end

    def _find_text_end(self, chunk: bytes, at: int) -> tuple[int, bool]:
        """The index of the closing quote and True, or the end of the chunk and False."""
        start = at + self._escaped
        self._escaped = False
        quote = chunk.find(b'"', start)
        end = len(chunk) if quote < 0 else quote
        if chunk.find(b"\\", start, end) >= 0:
            end = self._pass_escapes(chunk, start)
        return end, end < len(chunk)

    def _pass_escapes(self, chunk: bytes, start: int) -> int:
        run = _TEXT_WITH_ESCAPES.match(chunk, start)
        end = run.end() if run else start
        self._escaped = chunk[end : end + 1] == b"\\"
        return len(chunk) if self._escaped else end

    def _end_text(self, quote: int) -> int:
        self._keep(b'"')
        self._scan = self._scan_structure
        if self._position.expects_key:
            self._position.name_key(_read_key(self._skeleton, self._text_start))
        return quote + 1

    def _keep(self, piece: bytes) -> None:
        if len(self._skeleton) + len(piece) > SKELETON_LIMIT_BYTES:
            self._flaw = "too large"
        else:
            self._skeleton += piece


def _is_link(head: bytes) -> bool:
    spelled = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), head.decode("latin-1"))
    return spelled[:4].lower() == "http"


def _read_key(skeleton: bytearray, start: int) -> str | None:
    if len(skeleton) - start > _LONGEST_KEY_BYTES:
        return None
    try:
        return str(json.loads(bytes(skeleton[start:])))
    except ValueError:
        return None


def _parse(skeleton: bytes) -> tuple[JsonValue, str | None]:
    try:
        text = skeleton.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, "cut short" if error.reason == "unexpected end of data" else "not UTF-8"
    if not text.strip():
        return None, "empty"
    if text.lstrip().startswith("<"):
        return None, "HTML"
    try:
        return json.loads(text, parse_constant=_refuse_constant), None
    except json.JSONDecodeError as error:
        return None, _name_flaw(error)
    except ValueError:
        return None, "not JSON"


def _name_flaw(error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data":
        return "two documents"
    if error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return "cut short"
    return "not JSON"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"expected a JSON value, found {name}")
