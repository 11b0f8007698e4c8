"""Fetches links to audio from providers and callers. Every URL, redirect and address is checked before it is used."""

import re
import time
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import chain
from typing import Final

import httpx
import idna

from fermata.adapters.http.bodies import BodyOutOfBoundsError, decoded, peek, reads_as_text
from fermata.adapters.http.guarded import guarded_client
from fermata.adapters.http.transport import Resolver, SlowestRate, locations, resolve
from fermata.domain.audio.container import HEAD_BYTES, MAX_AUDIO_BYTES, begins_as_audio
from fermata.domain.providers.answers import parse_retry_after
from fermata.domain.web.clean_url import clean_link, location_text, resolve_location
from fermata.domain.web.safe_url import LinkTarget, check_link, check_public_link
from fermata.errors import (
    AudioTooLargeError,
    LinkExpiredError,
    LinkTroubleError,
    SlowLinkError,
    TransientError,
    UnsafeLinkError,
)
from fermata.log import logger

MAX_REDIRECTS: Final = 3
"""Limit for callers' links, which are fetched before anything is paid."""
MAX_AUDIO_REDIRECTS: Final = 10
"""Limit for links to paid songs; browsers follow 20."""
READ_GAP_S: Final = 30
FETCH_TEXT_WITHIN_S: Final = 20
FETCH_WITHIN_S: Final = 480
FETCH_REFERENCE_WITHIN_S: Final = 90
REFERENCE_WINDOW_S: Final = 10
REFERENCE_WINDOW_BYTES: Final = 64 * 1024
"""The least that a caller's server must send in each window. A slower server would send less than 600 KiB before the
deadline.
"""
QUICK_TROUBLE_S: Final = 10
"""A failure of a caller's link within this time is cheap to retry; a slower one raises `SlowLinkError`."""
MOST_OF_NO_SONG_BYTES: Final = 64 * 1024
"""Limit for the yielded bytes of an answer that is not audio: enough to identify it, and less than the part of a song
that an earlier try may have yielded.
"""

MOST_READ_BYTES: Final = 2 * MAX_AUDIO_BYTES
"""Limit for all bytes of a connection: as much again for headers and the framing of the body."""

_GONE: Final = frozenset({HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REDIRECTS: Final = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_WHOLE_RANGE: Final = re.compile(r"bytes 0-([0-9]{1,18})/([0-9]{1,18})")
_NO_AUDIO_TYPE: Final = re.compile(r"html|xml|json|multipart/", re.IGNORECASE)


class HttpAudioLinks:
    """Fetches providers' links with GET and without a key. With `audio_hosts`, only those hosts and `extra_hosts` are
    allowed; otherwise every public host is.
    """

    def __init__(
        self,
        audio_hosts: Collection[str],
        extra_hosts: Collection[str],
        trusted_origins: Collection[str],
        connect_timeout_s: float,
        resolver: Resolver = resolve,
    ) -> None:
        self._allowed = frozenset((*audio_hosts, *extra_hosts)) if audio_hosts else frozenset()
        self._trusted_origins = _lowered(trusted_origins)
        self._guard = _Guard(connect_timeout_s, FETCH_WITHIN_S, MAX_AUDIO_REDIRECTS, _song, resolver)
        self._text_guard = _Guard(connect_timeout_s, FETCH_TEXT_WITHIN_S, MAX_AUDIO_REDIRECTS, _file, resolver)

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        """The bytes of the file behind a link, which is first cleaned as browsers do. Raises `LinkTroubleError` where
        the whole file is not available for now (after the received bytes), `UnsafeLinkError`, or `AudioTooLargeError`.
        """
        yield from self._fetched(self._guard, provider, url)

    def fetch_text(self, provider: str, url: str) -> Iterator[bytes]:
        """The bytes of a text behind a link, under the same guard; raises as `fetch` does, after
        `FETCH_TEXT_WITHIN_S` at the latest.
        """
        yield from self._fetched(self._text_guard, provider, url)

    def _fetched(self, guard: "_Guard", provider: str, url: str) -> Iterator[bytes]:
        try:
            yield from guard.fetch(clean_link(url, _ascii_name), self._check)
        except UnsafeLinkError as refusal:
            if refusal.unlisted_host is not None:
                logger.warning(
                    "A provider's link was refused because AudioHosts is set and does not list its host; "
                    "if the provider really uses it, add it to AudioHosts or ExtraAudioHosts",
                    extra={"provider": provider, "host": refusal.unlisted_host},
                )
            raise

    def _check(self, link: str) -> LinkTarget:
        return check_link(link, self._allowed, self._trusted_origins)


class HttpReferenceLinks:
    """Fetches callers' links, which may name any public host, with GET and without a key."""

    def __init__(
        self,
        trusted_origins: Collection[str],
        connect_timeout_s: float,
        resolver: Resolver = resolve,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._trusted_origins = _lowered(trusted_origins)
        self._clock = clock
        slowest = SlowestRate(REFERENCE_WINDOW_BYTES, REFERENCE_WINDOW_S, clock)
        self._guard = _Guard(connect_timeout_s, FETCH_REFERENCE_WITHIN_S, MAX_REDIRECTS, _file, resolver, slowest)

    def fetch(self, url: str) -> Iterator[bytes]:
        """The bytes of the file behind a link, which is used unchanged. Raises `LinkExpiredError` (403, 404, 410),
        `UnsafeLinkError` (also for too many redirects), `AudioTooLargeError`, and for any other failure
        `TransientError`, or `SlowLinkError` where that took `QUICK_TROUBLE_S` seconds or longer.
        """
        began_s = self._clock()
        try:
            yield from self._guard.fetch(url, lambda link: check_public_link(link, self._trusted_origins))
        except LinkTroubleError as trouble:
            if trouble.status in _REDIRECTS:
                raise UnsafeLinkError(str(trouble)) from trouble
            if trouble.status in _GONE:
                raise LinkExpiredError(str(trouble)) from trouble
            is_quick = self._clock() - began_s < QUICK_TROUBLE_S
            error = TransientError if is_quick else SlowLinkError
            raise error(str(trouble)) from trouble


class _Guard:
    def __init__(
        self,
        connect_timeout_s: float,
        within_s: float,
        most_redirects: int,
        read: Callable[[httpx.Response, str], Iterator[bytes]],
        resolver: Resolver,
        slowest: SlowestRate | None = None,
    ) -> None:
        self._slowest = slowest
        self._timeout = httpx.Timeout(READ_GAP_S, connect=connect_timeout_s)
        self._within_s = within_s
        self._most_redirects = most_redirects
        self._read = read
        self._resolver = resolver

    def fetch(self, url: str, check: Callable[[str], LinkTarget]) -> Iterator[bytes]:
        deadline = time.monotonic() + self._within_s
        status: int | None = None
        for _ in range(self._most_redirects + 1):
            target, status = check(url), None
            with guarded_client(
                target, deadline, MOST_READ_BYTES, self._timeout, self._resolver, self._slowest
            ) as client:
                try:
                    with client.stream("GET", target.url, extensions={"target": target.target.encode()}) as response:
                        status = response.status_code
                        if status not in _REDIRECTS:
                            yield from self._read(response, target.host)
                            return
                        url = _redirect_target(response, target)
                except httpx.InvalidURL:
                    raise UnsafeLinkError(f"the link to {target.host} is no address that can be called") from None
                except BodyOutOfBoundsError as error:
                    raise AudioTooLargeError(f"expected audio from {target.host}, found a file {error}") from error
                except httpx.HTTPError as error:
                    raise LinkTroubleError(f"{target.host} {_describe_failure(error)}", status) from error
        raise LinkTroubleError(f"a link was redirected more than {self._most_redirects} times", status)


def _lowered(origins: Collection[str]) -> frozenset[str]:
    return frozenset(origin.lower() for origin in origins)


def _ascii_name(name: str) -> str:
    return idna.encode(name, uts46=True).decode("ascii")


def _redirect_target(response: httpx.Response, target: LinkTarget) -> str:
    found = locations(response)
    if len(found) != 1:
        raise _trouble(response, f"{target.host} answered {response.status_code} without saying where to go on")
    return resolve_location(target.url, clean_link(location_text(found[0]), _ascii_name))


def _song(response: httpx.Response, host: str) -> Iterator[bytes]:
    """The bytes of a file that may be audio; measuring it decides. Raises `LinkTroubleError` for an empty file or a
    text, after yielding the start of the text, so that the operator can see the paid answer.
    """
    head, rest = peek(_file(response, host), HEAD_BYTES)
    if not head:
        yield from rest
        raise _trouble(response, f"{host} answered {response.status_code} with an empty file")
    flaw = None if begins_as_audio(head) else _flaw(response, head)
    if flaw is None:
        yield head
        yield from rest
        return
    yield from _up_to(chain((head,), rest), MOST_OF_NO_SONG_BYTES)
    raise _trouble(response, f"{host} answered {response.status_code} with {flaw}")


def _up_to(pieces: Iterator[bytes], most_bytes: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:most_bytes]
        most_bytes -= len(piece)
        if most_bytes <= 0:
            return


def _flaw(response: httpx.Response, head: bytes) -> str | None:
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if reads_as_text(head) or _NO_AUDIO_TYPE.search(response.headers.get("content-type", "")):
        return "a text instead of audio"
    return None if encoding in {"", "identity"} else "an encoding that cannot be read"


def _file(response: httpx.Response, host: str) -> Iterator[bytes]:
    if not response.is_success:
        raise _trouble(response, f"{host} answered {response.status_code}")
    yield from decoded(response.iter_raw(), response.headers.get("content-encoding", ""), MAX_AUDIO_BYTES)
    if not _is_whole(response):
        raise _trouble(response, f"{host} answered {response.status_code} with a part of the file")


def _is_whole(response: httpx.Response) -> bool:
    said = response.headers.get("content-range")
    if response.status_code != HTTPStatus.PARTIAL_CONTENT or said is None:
        return True
    found = _WHOLE_RANGE.fullmatch(said.strip())
    return found is not None and int(found[1]) + 1 == int(found[2])


def _trouble(response: httpx.Response, found: str) -> LinkTroubleError:
    retry_after_s = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
    return LinkTroubleError(found, response.status_code, retry_after_s)


def _describe_failure(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return "could not be reached"
        case httpx.TimeoutException():
            return "fell silent or took too long"
        case httpx.DecodingError():
            return "sent a compressed file that is broken or cut"
        case _:
            return "ended its answer before the file was whole"
