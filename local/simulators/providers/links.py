"""Signed links to finished files on the simulator's own origin, like those of an object store."""

import base64
import hmac
import secrets
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from threading import Lock
from typing import Final
from urllib.parse import quote

from local.simulators.http.exchange import Answer, RefusedError, Request, text_answer
from local.simulators.memory import Memory, NoMemory
from local.simulators.recording import Song

LINK_TTL_S: Final = 24 * 3600
_KIND: Final = "link"
_EXPIRED: Final = "expired link"
NOT_AUDIO: Final = b"This is not a song, whatever its name and its type say.\n" * 80


@dataclass(frozen=True)
class LinkedFile:
    """The target of a link; `genuine` is False for a file that is no audio. `is_subtitles`: the subtitles of a speech,
    not its audio.
    """

    target: str
    song: Song
    genuine: bool
    is_subtitles: bool = False


class Links:
    """Makes links and finds their files; thread-safe. A link is valid only byte for byte."""

    def __init__(self, origin: str, memory: Memory | None = None) -> None:
        self._origin, self._memory = origin, memory or NoMemory()
        self._secret = secrets.token_bytes(32)
        self._lock = Lock()
        kept = self._memory.saved(_KIND)
        self._files = {path: LinkedFile(**{**file, "song": Song(**file["song"])}) for path, file in kept.items()}
        self._expired = set(self._memory.saved(_EXPIRED))

    def mint(self, song: Song, *, genuine: bool = True, subtitles: bool = False) -> str:
        """A new link to the file of `song`, or to its subtitles."""
        name = "titles.json" if subtitles else f"song.{song.container}"
        path = f"/files/{secrets.token_hex(12)}/{name}"
        expires = int(time.time()) + LINK_TTL_S
        signature = base64.b64encode(hmac.digest(self._secret, f"{expires}{path}".encode(), sha256)).decode()
        target = f"{path}?Expires={expires}&OSSAccessKeyId=simulated%2Faccount&Signature={quote(signature, safe='')}"
        file = LinkedFile(target, song, genuine, subtitles)
        self._memory.save(_KIND, path, asdict(file))
        with self._lock:
            self._files[path] = file
        return self._origin + target

    def find(self, request: Request) -> LinkedFile:
        """The requested file; raises `RefusedError` with an object store's answer."""
        with self._lock:
            file = self._files.get(request.path)
            expired = request.path in self._expired
        if file is None:
            raise RefusedError(_store_error(404, "NoSuchKey", "The specified key does not exist."))
        if "authorization" in request.headers:
            raise RefusedError(_store_error(400, "InvalidArgument", "Only one auth mechanism allowed."))
        if f"{request.path}?{request.query}" != file.target:
            raise RefusedError(_store_error(403, "SignatureDoesNotMatch", "The request signature does not match."))
        if expired:
            raise RefusedError(expired_answer())
        return file

    def expire(self, file: LinkedFile) -> None:
        """Expire the link to `file`."""
        path = file.target.partition("?")[0]
        self._memory.save(_EXPIRED, path, {})
        with self._lock:
            self._expired.add(path)

    def clear(self) -> None:
        """Remove all links."""
        for kind in (_KIND, _EXPIRED):
            self._memory.drop(kind)
        with self._lock:
            self._files.clear()
            self._expired.clear()


def expired_answer() -> Answer:
    """An object store's answer to an expired link."""
    return _store_error(403, "AccessDenied", "Request has expired.")


def _store_error(status: int, code: str, message: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return text_answer(status, body, "application/xml")
