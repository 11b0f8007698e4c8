"""A streamed JSON document reduced to bounded memory, and tolerant parsing of the rest."""

import json
import re
from contextlib import suppress
from typing import Final

from pydantic import JsonValue

LIMIT_BYTES: Final = 1024 * 1024
"""Largest part of a document that is kept."""
TEXT_LIMIT_BYTES: Final = 16 * 1024
"""Largest part of one text that is kept; the longest accepted link is half as long."""
DEPTH_LIMIT: Final = 64

_FAT_BYTES: Final = 64 * 1024
_LONGEST_NUMBER: Final = 300
_READ_NAMES: Final = frozenset({
    "base_resp", "code", "data", "result", "response", "output", "outputs", "error", "status", "statusCode", "state",
    "type", "message", "msg", "audio", "audio_url", "audioUrl", "audio_file", "url", "response_data", "task_id",
    "taskId", "work_id", "id", "generation_id", "trace_id", "requestId", "fail_reason", "errorMessage", "errorCode",
})  # fmt: skip
LONGEST_NAME: Final = max(map(len, _READ_NAMES))

_BLANKS: Final = re.compile(rb"[ \t\r\n]{2,}")
_FRAME: Final = re.compile(rb"\n[ \t\r]*data:")
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[^\s\[\]{}:,"]++', re.DOTALL)
_SCALAR: Final = re.compile(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|null")
_ESCAPE: Final = re.compile(rb'\\(?!u[0-9a-fA-F]{4})(?P<valid>["\\/bfnrt])?')


class AnswerSkeleton:
    """Takes a document piece by piece and keeps at most `limit_bytes` of it. It drops the tails of long texts, then the
    innermost large list or object, then members of outer objects that no parser reads.

    An outer object is on the path to the song; the scanner marks it by `outer`. `flaw` says why the document is
    unreadable.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self.flaw: str | None = None
        self._limit_bytes = limit_bytes
        # Members that no parser reads share this much: megabytes of them never displace a status behind them.
        self._limit_of_others = limit_bytes * 3 // 4
        self._kept = bytearray()
        self._starts: list[int] = []
        self._members: list[int] = []
        self._limit = limit_bytes
        self._gap: int | None = None
        self._text_bytes = 0
        self._too_deep = 0

    def open(self, bracket: bytes, *, outer: bool) -> None:
        """Enter a list or an object; one that is too deep is kept as `null`."""
        if len(self._starts) >= DEPTH_LIMIT:
            self._keep(b"" if self._too_deep else b"null")
            self._too_deep += 1
            return
        self._starts.append(len(self._kept))
        self._keep(bracket)
        if outer:
            self._members.append(len(self._kept))

    def close(self, bracket: bytes) -> None:
        """Leave the innermost list or object."""
        if self._too_deep:
            self._too_deep -= 1
            return None
        if not self._starts:
            return self._keep(bracket)
        self._starts.pop()
        depth = len(self._starts)
        if self._gap is not None and depth < self._gap:
            self._gap = None
            if depth >= len(self._members):
                return None
        del self._members[depth:]
        return self._keep(bracket)

    def pass_comma(self) -> None:
        """Begin the next member or entry."""
        if self._too_deep or len(self._starts) != len(self._members):
            return self._keep(b",")
        dropped_all = self._gap is not None and self._kept.endswith(b"{")
        self._gap, self._limit = None, self._limit_bytes
        self._members[-1:] = [len(self._kept)] if self._members else []
        return None if dropped_all else self._keep(b",")

    def name_member(self, name: str | None) -> None:
        """Begin a member of an outer object by this name; None for a name too long to matter."""
        if name not in _READ_NAMES:
            self._limit = self._limit_of_others
            self._keep(b"")

    def add(self, piece: bytes) -> None:
        """Add content between brackets, commas and texts, or several members or entries at once."""
        self._keep(piece if b'"' in piece else _BLANKS.sub(b" ", piece))

    def open_text(self) -> None:
        """Begin a text."""
        self._text_bytes = 0
        self._keep(b'"')

    def add_text(self, piece: bytes) -> None:
        """Add a piece of the text, escapes included; at most `TEXT_LIMIT_BYTES` of a text are kept."""
        room = max(TEXT_LIMIT_BYTES - self._text_bytes, 0)
        self._text_bytes += len(piece)
        self._keep(piece[:room])

    def close_text(self) -> None:
        """End the text."""
        if self._text_bytes > TEXT_LIMIT_BYTES and self._gap is None:
            self._trim_half_an_escape()
        self._keep(b'"')

    def read(self, *, framed: bool) -> tuple[JsonValue, str | None]:
        """The document, or the flaw that makes it unreadable; `framed` if it was sent as an event of a stream."""
        if self.flaw:
            return None, self.flaw
        return _parse(bytes(_FRAME.sub(b"\n", self._kept) if framed else self._kept))

    def _keep(self, piece: bytes) -> None:
        if self._too_deep or self.flaw:
            return
        if self._gap is None and len(self._kept) + len(piece) > self._limit:
            self._make_room()
        if self._gap is None:
            self._kept += piece

    def _make_room(self) -> None:
        outer, size = len(self._members), len(self._kept)
        fat = [depth for depth in range(outer, len(self._starts)) if size - self._starts[depth] >= _FAT_BYTES]
        if fat and fat[-1] > 0:
            # `null` replaces the dropped part, so that the rest stays a valid document.
            self._drop(self._starts[fat[-1]], fat[-1] + 1)
            self._kept += b"null"
        elif outer:
            self._drop(self._members[-1], outer)
        else:
            self.flaw = "HTML" if self._kept.lstrip().startswith(b"<") else "too large"
            self._drop(0, 0)

    def _drop(self, start: int, depth: int) -> None:
        del self._kept[start:]
        self._gap = depth

    def _trim_half_an_escape(self) -> None:
        # The longest escape is a surrogate pair: twice six bytes for one character.
        tail = bytes(self._kept[-12:])
        if b"\\" in tail:
            del self._kept[len(self._kept) - len(tail) + tail.index(b"\\") :]
            while self._kept.endswith(b"\\"):
                del self._kept[-1:]


def _parse(kept: bytes) -> tuple[JsonValue, str | None]:
    text = kept.decode("utf-8", "replace")
    if not text.strip():
        return None, "empty"
    if text.lstrip().startswith("<"):
        return None, "HTML"
    try:
        document = _load(kept)
    except json.JSONDecodeError as error:
        return None, _name_flaw(error, kept)
    return document, None


def _load(kept: bytes) -> JsonValue:
    document = _loads_repaired(kept)
    if _SURROGATE.search(kept):
        # A lone surrogate cannot be stored or sent.
        written = json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")
        document = json.loads(written.decode("utf-8", "replace"))
    return document


def _loads_repaired(kept: bytes) -> JsonValue:
    try:
        return _loads(kept)
    except json.JSONDecodeError:
        if not kept.startswith((b"{", b"[")):
            raise
        with suppress(json.JSONDecodeError):
            return _loads(_TOKEN.sub(_repaired, kept))
        raise


def _loads(kept: bytes) -> JsonValue:
    document: JsonValue = json.loads(
        kept.decode("utf-8", "replace"),
        strict=False,
        parse_constant=lambda _name: None,
        parse_int=lambda digits: int(digits) if len(digits) < _LONGEST_NUMBER else None,
        object_pairs_hook=_object_of,
    )
    return document


def _object_of(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """An object in which a repeated name keeps its last value that is not empty."""
    members: dict[str, JsonValue] = {}
    for name, value in pairs:
        if name not in members or value not in (None, "", [], {}):
            members[name] = value
    return members


def _repaired(token: re.Match[bytes]) -> bytes:
    """The token with invalid escapes removed, or `null` for an unknown word."""
    spelled = token.group()
    if spelled.startswith(b'"'):
        return _ESCAPE.sub(lambda escape: escape.group() if escape["valid"] else b"", spelled)
    return spelled if _SCALAR.fullmatch(spelled) else b"null"


def _name_flaw(error: json.JSONDecodeError, kept: bytes) -> str:
    if error.msg == "Extra data":
        return "two documents"
    if error.msg.startswith("Unterminated string") or error.pos >= len(error.doc.rstrip()):
        return "cut short"
    try:
        kept.decode("utf-8")
    except UnicodeDecodeError:
        return "not UTF-8"
    return "not JSON"
