"""Where Fermata is, who asks, and the clock and the dice that tests set."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import httpx

from fermata_client.core.flow import Request
from fermata_client.core.retries import Retries
from fermata_client.errors import SettingsError

_KEY: Final = re.compile(r"[\x21-\x7e]+")
_LONGEST_ORDER_KEY: Final = 255


@dataclass(frozen=True)
class Clock:
    """Time and chance. `wall` is in seconds since 1970, `monotonic` never goes back, `chance` is 0 up to 1."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    new_key: Callable[[], str] = lambda: str(uuid.uuid4())


@dataclass(frozen=True)
class Context:
    """What every request needs."""

    base_url: str
    api_key: str = field(repr=False)
    retries: Retries
    clock: Clock

    def request(
        self,
        method: str,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """A request to Fermata with the key. Parts of the path are escaped, and what is None is left out.

        Raises `SettingsError` for a body that is no JSON.
        """
        url = f"{self.base_url}/v1/{'/'.join(quote(part, safe='', errors='replace') for part in path)}"
        named = {name: value for name, value in (query or {}).items() if value is not None}
        sent = {"Authorization": f"Bearer {self.api_key}", "Accept": "application/json", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            text = None if body is None else json.dumps(body, allow_nan=False).encode()
        except (TypeError, ValueError) as error:
            raise SettingsError(f"the request is no JSON: {error}") from error
        return Request(method, f"{url}?{urlencode(named)}" if named else url, sent, text)


def checked_order_key(key: str) -> str:
    """The key of an order where it can be one; raises `SettingsError`."""
    if len(key) > _LONGEST_ORDER_KEY or not _KEY.fullmatch(key):
        raise SettingsError(f"expected an idempotency key of 1 to 255 visible ASCII characters, found {key!r}")
    return key


def checked_key(api_key: str | None) -> str:
    """The key where it can be one; raises `SettingsError`, which does not show it."""
    if not api_key:
        raise SettingsError("there is no API key; pass api_key or set FERMATA_API_KEY")
    if not _KEY.fullmatch(api_key.strip()):
        raise SettingsError("the API key has characters that no key has; copy it anew, without quotes or spaces")
    return api_key.strip()


def checked_url(base_url: str | None) -> str:
    """The address of the API without a trailing slash or `/v1`; raises `SettingsError`.

    The key is sent there, so only this machine may be named without https.
    """
    if not base_url:
        raise SettingsError("there is no base URL; pass base_url or set FERMATA_BASE_URL")
    parts = _split(base_url.strip())
    if any(each.isspace() for each in base_url.strip()):
        raise SettingsError(f"the base URL {base_url!r} cannot be read: it has spaces")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"expected a base URL such as https://api.example.com, found {base_url!r}")
    if parts.username is not None or parts.password is not None:
        raise SettingsError("the base URL has a user or a password; Fermata takes neither, so leave them out")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise SettingsError(f"the base URL of {parts.hostname} is http, which would show the key; use https")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/v1').rstrip('/')}"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise SettingsError(f"the base URL {url!r} cannot be read: {error}") from error
    return parts


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
