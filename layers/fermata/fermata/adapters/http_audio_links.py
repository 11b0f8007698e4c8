"""Fetches foreign links: every address and every redirect is checked before a connection is made."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final

import httpx

from fermata.adapters.guarded_http import guarded_client
from fermata.adapters.http_transport import Resolver, resolve
from fermata.domain.links import LinkTarget, check_link, check_public_link, redirected
from fermata.errors import BadAudioError, LinkExpiredError, TransientError, UnsafeLinkError

MAX_AUDIO_BYTES: Final = 256 * 1024 * 1024
MAX_REDIRECTS: Final = 3
READ_GAP_S: Final = 30
FETCH_WITHIN_S: Final = 480
FETCH_REFERENCE_WITHIN_S: Final = 90

_CHUNK_BYTES: Final = 256 * 1024
_GONE: Final = frozenset({403, 404, 410})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class HttpAudioLinks:
    """Fetches providers' links with GET and without any key. `audio_hosts` lists host names per provider, `extra_hosts`
    those for every provider.
    """

    def __init__(
        self,
        audio_hosts: Mapping[str, Collection[str]],
        extra_hosts: Collection[str],
        trusted_origins: Collection[str],
        connect_timeout_s: float,
        resolver: Resolver = resolve,
    ) -> None:
        self._audio_hosts = audio_hosts
        self._extra_hosts = extra_hosts
        self._trusted_origins = _lower(trusted_origins)
        self._guard = _Guard(connect_timeout_s, FETCH_WITHIN_S, resolver)

    def fetch(self, provider: str, url: str) -> Iterator[bytes]:
        """The file behind a link. Raises `LinkExpiredError`, `UnsafeLinkError`, `BadAudioError` (too large) or
        `TransientError`.
        """
        allowed = (*self._audio_hosts.get(provider, ()), *self._extra_hosts)
        return self._guard.fetch(url, lambda link: check_link(link, allowed, self._trusted_origins))


class HttpReferenceLinks:
    """Fetches callers' links, which may name any public host, with GET and without any key."""

    def __init__(
        self, trusted_origins: Collection[str], connect_timeout_s: float, resolver: Resolver = resolve
    ) -> None:
        self._trusted_origins = _lower(trusted_origins)
        self._guard = _Guard(connect_timeout_s, FETCH_REFERENCE_WITHIN_S, resolver)

    def fetch(self, url: str) -> Iterator[bytes]:
        """The file behind a link; raises like `HttpAudioLinks.fetch`."""
        return self._guard.fetch(url, lambda link: check_public_link(link, self._trusted_origins))


class _Guard:
    def __init__(self, connect_timeout_s: float, within_s: float, resolver: Resolver) -> None:
        self._timeout = httpx.Timeout(READ_GAP_S, connect=connect_timeout_s)
        self._within_s = within_s
        self._resolver = resolver

    def fetch(self, url: str, check: Callable[[str], LinkTarget]) -> Iterator[bytes]:
        deadline = time.monotonic() + self._within_s
        for _ in range(MAX_REDIRECTS + 1):
            target = check(url)
            with guarded_client(target, deadline, self._timeout, self._resolver) as client:
                try:
                    with client.stream("GET", target.url, extensions={"target": target.target.encode()}) as response:
                        if response.status_code not in _REDIRECTS:
                            yield from _body(response, target)
                            return
                        url = redirected(target, response.headers.get("location", ""))
                except httpx.InvalidURL:
                    raise UnsafeLinkError(f"the link to {target.host} is no address that can be called") from None
                except httpx.HTTPError as error:
                    raise TransientError(f"fetching audio from {target.host} failed: {type(error).__name__}") from error
        raise UnsafeLinkError(f"a link was redirected more than {MAX_REDIRECTS} times")


def _lower(origins: Collection[str]) -> frozenset[str]:
    return frozenset(origin.lower() for origin in origins)


def _body(response: httpx.Response, target: LinkTarget) -> Iterator[bytes]:
    if response.status_code in _GONE:
        raise LinkExpiredError(f"{target.host} answered {response.status_code}")
    if response.status_code != httpx.codes.OK:
        raise TransientError(f"{target.host} answered {response.status_code}; expected 200")
    received = 0
    for chunk in response.iter_bytes(_CHUNK_BYTES):
        received += len(chunk)
        if received > MAX_AUDIO_BYTES:
            raise BadAudioError(f"the file is longer than {MAX_AUDIO_BYTES} bytes")
        yield chunk
