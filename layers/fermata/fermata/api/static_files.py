"""Files of a page over HTTP: compressed as the browser accepts it, cached as long as their names allow, and under a
Content-Security-Policy. It imports the standard library only, so that a page waits for no cold start of more than that.
"""

import gzip
import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

CONTENT_TYPES: Final[Mapping[str, str]] = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""The kinds of files that a page may have, by the end of their name."""
FOREVER: Final = "static/"
"""The folder of files whose names change with their content."""

_CODINGS: Final[Mapping[str, str]] = {"br": ".br", "gzip": ".gz"}
"""The codings of a file in the order of preference, and what each adds to the file's name."""
_IDENTITY: Final = "identity"
_SECURITY: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_UNKNOWN: Final = {
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "Expected a file of the console, found no such name. Open /console again: new versions rename files.",
}

Answer = dict[str, Any]


def page_policy(audio_origin: str, live_url: str) -> str:
    """Return the Content-Security-Policy of a page that calls its own origin and plays from these two alone.

    `blob:` is what hls.js plays from: the page's own bytes, never another origin's.
    """
    elsewhere = f"{audio_origin} {live_url}"
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self'",
        "manifest-src": "'self'",
        "connect-src": f"'self' {elsewhere}",
        "media-src": f"'self' blob: {elsewhere}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


class StaticFiles:
    """The files of one folder. A file may lie there as it is, compressed (`NAME.br`, `NAME.gz`), or both.

    A name is looked up among those that the folder had at the start, so that no name leads out of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stored = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        self._read = lru_cache(maxsize=None)(self._read_once)

    def names(self) -> set[str]:
        """The names of all files, without what a coding adds."""
        return {name.removesuffix(".br").removesuffix(".gz") for name in self._stored}

    def answer(self, name: str, event: Mapping[str, Any], policy: str) -> Answer:
        """Return the answer to an event of payload format 2.0 that asks for a file, under a Content-Security-Policy."""
        headers = {**_SECURITY, "Content-Security-Policy": policy}
        found = self._codings_of(name)
        if not found:
            not_found = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
            return _answer(404, {**headers, **not_found}, json.dumps(_UNKNOWN).encode(), event)
        asked = event.get("headers") or {}
        coding = _chosen(found, asked.get("accept-encoding", ""))
        body, tag = self._read(name, coding)
        headers |= {"ETag": tag, "Cache-Control": _caching(name), "Vary": "Accept-Encoding"}
        if _is_current(tag, asked.get("if-none-match", "")):
            return _answer(304, headers, b"", event)
        headers["Content-Type"] = CONTENT_TYPES[Path(name).suffix]
        if coding != _IDENTITY:
            headers["Content-Encoding"] = coding
        return _answer(200, headers, body, event)

    def _codings_of(self, name: str) -> list[str]:
        """The codings in which a file can be sent, the best first; none where there is no such file."""
        if Path(name).suffix not in CONTENT_TYPES:
            return []
        compressed = [coding for coding, end in _CODINGS.items() if name + end in self._stored]
        is_readable = name in self._stored or "gzip" in compressed
        return [*compressed, *([_IDENTITY] if is_readable else [])]

    def _read_once(self, name: str, coding: str) -> tuple[bytes, str]:
        """The bytes of a file in one coding, and their entity tag."""
        if coding != _IDENTITY:
            body = (self._folder / (name + _CODINGS[coding])).read_bytes()
        elif name in self._stored:
            body = (self._folder / name).read_bytes()
        else:
            body = gzip.decompress((self._folder / f"{name}.gz").read_bytes())
        return body, f'"{hashlib.sha256(body).hexdigest()[:24]}"'


def _chosen(found: list[str], accepted: str) -> str:
    """The best coding that a request accepts, else the file as it is, which RFC 9110 allows instead of a 406."""
    qualities = dict(map(_quality, accepted.lower().split(",")))
    return next(
        (each for each in found if each != _IDENTITY and qualities.get(each, qualities.get("*", 0.0)) > 0), found[-1]
    )


def _quality(part: str) -> tuple[str, float]:
    """A coding of `Accept-Encoding` and its weight, which is 0 where it cannot be read."""
    coding, _, weight = part.partition(";")
    name, _, value = weight.partition("=")
    if not weight.strip():
        return coding.strip(), 1.0
    try:
        return coding.strip(), float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return coding.strip(), 0.0


def _is_current(tag: str, given: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in given.split(",")]
    return "*" in tags or tag in tags


def _caching(name: str) -> str:
    return "public, max-age=31536000, immutable" if name.startswith(FOREVER) else "no-cache"


def _answer(status: int, headers: Mapping[str, str], body: bytes, event: Mapping[str, Any]) -> Answer:
    """An answer of payload format 2.0. Every body is base64, because API Gateway takes bytes in no other form."""
    is_head = event["requestContext"]["http"]["method"] == "HEAD"
    text = "" if is_head else b64encode(body).decode()
    return {"statusCode": status, "headers": dict(headers), "body": text, "isBase64Encoded": bool(text)}
