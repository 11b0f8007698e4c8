"""Extracts the audio text from a streamed JSON answer, so that a song never has to fit into memory."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fermata.domain.audio.answer_position import AnswerPosition
from fermata.domain.audio.answer_skeleton import LIMIT_BYTES, LONGEST_NAME, AnswerSkeleton

_STRUCTURAL: Final = re.compile(rb'["{}\[\],]')
# Content beside the path to the song that one match can skip: words, commas, short texts without escapes, and lists and
# objects of those.
_WORDS: Final = rb'[^"{}\[\]\\]++|"[^"\\]{0,1000}+"'
_PLAIN: Final = re.compile(rb"(?:%(words)s|\{(?:%(words)s)*+\}|\[(?:%(words)s)*+\])*+" % {b"words": _WORDS})
_BEGINNING: Final = re.compile(rb'["{\[<]')
_TEXT_WITH_ESCAPES: Final = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_UNICODE_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
# One answer as a server-sent event: perhaps comments and other fields, then the field that holds the document.
_FRAME: Final = re.compile(rb"(?:(?::|event:|id:|retry:)[^\n]*\n\s*)*data:[ \t\r\n]*")
_FRAMES_AFTER: Final = re.compile(rb"(?:(?::|event:|id:|retry:|data:\s*\[DONE\])[^\n]*\n?\s*)*")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WHITE_SPACE: Final = b" \t\r\n\x00"
# JSON can escape one character as six bytes.
_LINK: Final = "http"
_LINK_BYTES: Final = len(_LINK) * 6
_DATA_URI: Final = "data:audio/"
_DATA_URI_BYTES: Final = len(_DATA_URI) * 6
_LEAD_BYTES: Final = 1024
# Bounds the work for a hostile document: no real answer has so many marks that one match cannot skip, at about
# 6 microseconds each.
MARKS_LIMIT: Final = 400_000
_LONGEST_KEY_BYTES: Final = 6 * LONGEST_NAME


@dataclass(frozen=True)
class ScannedDocument:
    """The answer without its audio text.

    `document` is None if `flaw` says why the body is not one whole JSON document (or if the document is `null`).
    Oddities that leave it readable are no flaw: unknown words become None, bytes outside UTF-8 are replaced, and parts
    that are too large or too deep are left out.
    `text_length` counts the returned bytes of the audio text, at the song's place or as a data URI; None without such a
    text.
    """

    document: JsonValue
    flaw: str | None
    text_length: int | None


class AnswerScanner:
    """Returns the first text at `$.data.audio` or `$.result.data.audio` that is not a link, and keeps the rest of one
    JSON document: every link, but no further audio text. `data` may be a list of objects, and the document the only
    event of a stream. If neither such a text nor a link came before, the first `data:audio/` URI (RFC 2397) at any
    other place is the audio text.

    Chunks may be cut anywhere. Memory does not grow with the answer. An empty text does not count. Nothing raises:
    `ScannedDocument.flaw` reports every fault. The decoder, not the scanner, interprets backslashes in the text.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._skeleton = AnswerSkeleton(limit_bytes)
        self._position = AnswerPosition()
        self._scan: Callable[[bytes, int, list[bytes]], int] = self._scan_lead
        self._lead = b""
        self._framed = False
        self._rest = b""
        self._escaped = False
        self._marks = 0
        self._key = b""
        self._head = b""
        self._in_songs_place = False
        self._has_song = False
        self._has_text = False
        self._text_length: int | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The audio text found in this chunk, often none and mostly all of it."""
        audio: list[bytes] = []
        at = 0
        while at < len(chunk) and self._skeleton.flaw is None:
            at = self._scan(chunk, at, audio)
        return b"".join(audio)

    @property
    def is_whole(self) -> bool:
        """Whether the document has ended."""
        return self._scan == self._scan_remainder

    def close(self) -> ScannedDocument:
        """The document, after the last chunk."""
        if self._scan == self._scan_lead:
            self._skeleton.add(self._lead)
        document, flaw = self._skeleton.read(framed=self._framed)
        if flaw is None and self._is_followed():
            document, flaw = None, "two documents"
        return ScannedDocument(document, flaw, self._text_length)

    def _is_followed(self) -> bool:
        """Whether another document follows; any other remainder is ignored."""
        rest = _FRAMES_AFTER.sub(b"", self._rest, count=1) if self._framed else self._rest
        rest = rest.removeprefix(b"data:").lstrip() if self._framed else rest
        return rest.startswith((b"{", b"["))

    def _scan_lead(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        found = _BEGINNING.search(chunk, at)
        end = found.start() if found else len(chunk)
        lead = (self._lead + chunk[at:end]).lstrip(_WHITE_SPACE)
        self._lead = lead.removeprefix(_BYTE_ORDER_MARK).lstrip(_WHITE_SPACE)
        if found or len(self._lead) > _LEAD_BYTES:
            self._framed = bool(_FRAME.fullmatch(self._lead))
            self._skeleton.add(b"" if self._framed else self._lead)
            self._scan = self._scan_structure
        return end

    def _scan_structure(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        if self._position.is_beside:
            run = _PLAIN.match(chunk, at)
            plain = run.end() if run else at
            self._skeleton.add(chunk[at:plain])
            at = plain
        found = _STRUCTURAL.search(chunk, at)
        end = found.start() if found else len(chunk)
        self._skeleton.add(chunk[at:end])
        if not found:
            return end
        self._pass_structural(found.group())
        return found.end()

    def _pass_structural(self, mark: bytes) -> None:
        self._marks += 1
        if self._marks > MARKS_LIMIT:
            self._skeleton.flaw = "too large"
        match mark:
            case b'"':
                self._open_text()
            case b"{" | b"[":
                self._position.open(mark)
                self._skeleton.open(mark, outer=self._position.is_outer)
            case b"}" | b"]":
                self._position.close()
                self._skeleton.close(mark)
                if self._position.depth == 0:
                    self._scan = self._scan_remainder
            case b",":
                self._position.pass_comma()
                self._skeleton.pass_comma()

    def _scan_remainder(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        self._rest = (self._rest + chunk[at : at + _LEAD_BYTES]).lstrip(_WHITE_SPACE)[:_LEAD_BYTES]
        return len(chunk)

    def _open_text(self) -> None:
        self._skeleton.open_text()
        self._key, self._head = b"", b""
        self._in_songs_place = self._position.takes_audio()
        is_mere_text = self._has_song and not self._in_songs_place
        self._scan = self._scan_text if is_mere_text else self._scan_start

    def _scan_start(self, chunk: bytes, at: int, audio: list[bytes]) -> int:
        """Decide by the start of a text whether it is audio: anything but a link in the song's place, only a data URI
        elsewhere.
        """
        if self._in_songs_place and not self._head:
            at += len(chunk[at:]) - len(chunk[at:].lstrip(_WHITE_SPACE))
        decisive = _LINK_BYTES if self._in_songs_place else _DATA_URI_BYTES
        window = chunk[at : at + decisive - len(self._head)]
        end, closed = self._find_text_end(window, 0)
        self._head += window[:end]
        if not closed and len(self._head) < decisive:
            return at + end
        head = _spelled(self._head)
        is_audio = not head.startswith(_LINK) if self._in_songs_place else head.startswith(_DATA_URI)
        if is_audio:
            self._begin_audio(audio)
            return self._end_audio(at + end) if closed else at + end
        self._has_song = self._has_song or self._in_songs_place
        self._scan = self._scan_text
        return self._add_text(self._head, at + end, closed=closed)

    def _scan_text(self, chunk: bytes, at: int, _audio: list[bytes]) -> int:
        end, closed = self._find_text_end(chunk, at)
        return self._add_text(chunk[at:end], end, closed=closed)

    def _add_text(self, piece: bytes, end: int, *, closed: bool) -> int:
        self._skeleton.add_text(piece)
        if self._position.expects_key:
            self._key += piece[: _LONGEST_KEY_BYTES + 1 - len(self._key)]
        return self._end_text(end) if closed else end

    def _begin_audio(self, audio: list[bytes]) -> None:
        self._text_length = self._text_length or 0
        self._scan = self._scan_audio
        self._hand_out(self._head, audio)

    def _scan_audio(self, chunk: bytes, at: int, audio: list[bytes]) -> int:
        end, closed = self._find_text_end(chunk, at)
        self._hand_out(chunk[at:end], audio)
        return self._end_audio(end) if closed else end

    def _hand_out(self, piece: bytes, audio: list[bytes]) -> None:
        # The whole answer is staged, so skipping a second text loses nothing.
        if not self._has_text:
            audio.append(piece)
            self._text_length = (self._text_length or 0) + len(piece)

    def _end_audio(self, quote: int) -> int:
        self._has_text = self._has_text or bool(self._text_length)
        self._has_song = self._has_song or self._has_text
        return self._end_text(quote)

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
        self._skeleton.close_text()
        self._scan = self._scan_structure
        if self._position.expects_key:
            name = _read_key(self._key)
            self._position.name_key(name)
            if self._position.at_outer:
                self._skeleton.name_member(name)
        return quote + 1


def _spelled(head: bytes) -> str:
    """The start of a text in lower case, with its JSON escapes resolved."""
    text = _UNICODE_ESCAPE.sub(lambda escape: chr(int(escape[1], 16)), head.decode("latin-1"))
    return text.replace("\\/", "/").lower()


def _read_key(spelled: bytes) -> str | None:
    if len(spelled) > _LONGEST_KEY_BYTES:
        return None
    try:
        return str(json.loads(b'"%s"' % spelled))
    except ValueError:
        return None
