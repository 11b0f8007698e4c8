"""Reference recordings as a provider checks them, behind a link or in an uploaded form."""

import http.client
import re
from dataclasses import dataclass
from email.message import Message
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

import miniaudio

from local.simulators.http.exchange import Request

_DECODERS: Final = {
    "mp3": miniaudio.mp3_get_info,
    "wav": miniaudio.wav_get_info,
    "flac": miniaudio.flac_get_info,
}
_MAGIC: Final = {b"RIFF": "wav", b"fLaC": "flac"}
_FETCH_S: Final = 5.0
_MOST_BYTES: Final = 112 * 1024 * 1024
_NAME: Final = re.compile(rb'\bname="([^"]*)"')


class BadRecordingError(ValueError):
    """The provider refuses the recording; the message is the reason."""


class BadFormError(ValueError):
    """The body is no form with the expected parts; the message is the provider's reason."""


def fetch_from_this_machine(url: str) -> bytes:
    """The file behind a loopback http link, which is used unchanged; raises `BadRecordingError`."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_FETCH_S)
    try:
        connection.request("GET", url.partition(parts.netloc)[2])
        answer = connection.getresponse()
        content = answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise BadRecordingError(f"could not be fetched: {type(error).__name__}") from error
    finally:
        connection.close()
    if answer.status != 200:
        raise BadRecordingError(f"could not be fetched: HTTP {answer.status}")
    return content


def is_on_this_machine(url: str) -> bool:
    """Whether a simulator may follow a link; raises `BadRecordingError` where it is no http(s) link."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRecordingError("expected an http or https link")
    try:
        loopback = ip_address(parts.hostname).is_loopback
    except ValueError:
        loopback = parts.hostname == "localhost"
    return loopback and parts.scheme == "http"


@dataclass(frozen=True)
class RecordingRule:
    """A provider's limits for recordings: length in seconds (more than `longer_than_s` or, where that is None, at least
    `min_s`), size in bytes, and formats.
    """

    longer_than_s: int | None = None
    min_s: int = 0
    max_s: int = 600
    max_bytes: int = _MOST_BYTES
    formats: tuple[str, ...] = ("wav", "mp3")

    def takes(self, seconds: float) -> bool:
        """Whether this length is allowed."""
        long_enough = seconds >= self.min_s if self.longer_than_s is None else seconds > self.longer_than_s
        return long_enough and seconds <= self.max_s


COVER: Final = RecordingRule(min_s=6, max_s=360, max_bytes=50_000_000, formats=("mp3", "wav", "flac"))
"""The rule of MiniMax and its resellers for `music-cover`."""


def check_recording(content: bytes, rule: RecordingRule) -> None:
    """Raise `BadRecordingError` where a recording violates the provider's rule."""
    kind = _MAGIC.get(content[:4], "mp3")
    if kind not in rule.formats:
        raise BadRecordingError(f"expected {' or '.join(rule.formats)}")
    if len(content) > rule.max_bytes:
        raise BadRecordingError(f"expected at most {rule.max_bytes} bytes, found {len(content)}")
    try:
        seconds: float = _DECODERS[kind](content).duration
    except miniaudio.DecodeError as error:
        raise BadRecordingError(f"expected {' or '.join(rule.formats)}") from error
    if not rule.takes(seconds):
        shortest = f"at least {rule.min_s}" if rule.longer_than_s is None else f"more than {rule.longer_than_s}"
        raise BadRecordingError(f"expected {shortest} s and at most {rule.max_s} s, found {seconds:.1f} s")


@dataclass(frozen=True)
class Form:
    """A multipart form: its text fields, and the content of its file parts by name."""

    fields: dict[str, str]
    files: dict[str, bytes]


def read_form(request: Request) -> Form:
    """The form in a multipart body; raises `BadFormError` where the body is no form."""
    kind = Message()
    kind["content-type"] = request.headers.get("content-type", "")
    boundary = kind.get_param("boundary")
    if kind.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        raise BadFormError("expected multipart/form-data with a boundary")
    mark = b"\r\n--" + boundary.encode("latin-1")
    pieces = (b"\r\n" + request.body).split(mark)
    if len(pieces) < 3 or pieces[0] or not pieces[-1].startswith(b"--"):
        raise BadFormError("expected whole parts between boundaries")
    form = Form({}, {})
    for piece in pieces[1:-1]:
        _take_part(piece, form)
    return form


def _take_part(piece: bytes, form: Form) -> None:
    head, blank, content = piece.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not blank or name is None:
        raise BadFormError("expected a name in every part")
    if b"filename" in head:
        form.files[name[1].decode("utf-8", "replace")] = content
    else:
        form.fields[name[1].decode("utf-8", "replace")] = content.decode("utf-8", "replace")
