"""Posts webhooks to tenants' URLs, with the same address checks as all other URLs from outside."""

import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import httpx

from fermata.adapters.http.guarded import guarded_client
from fermata.adapters.http.transport import Resolver, resolve
from fermata.domain.providers.answers import parse_retry_after
from fermata.domain.web.safe_url import LinkTarget, check_public_link
from fermata.domain.webhooks.delivery import Answered, NoAnswer, NotAnswered, Reply
from fermata.errors import UnsafeLinkError

MOST_ANSWER_BYTES: Final = 4096
"""Limit for the bytes read of an answer's body, which is discarded undecoded, before the connection is closed."""
MOST_READ_BYTES: Final = 256 * 1024
"""Limit for all bytes of a connection: the longest header is 100 KiB (h11), and reads are of 64 KiB."""


class HttpWebhookSender:
    """`WebhookSender` over HTTP. A whole exchange ends within `within_s` seconds, a connect within
    `connect_timeout_s`.
    """

    def __init__(
        self,
        trusted_origins: Collection[str],
        connect_timeout_s: float,
        within_s: float,
        resolver: Resolver = resolve,
    ) -> None:
        self._trusted_origins = frozenset(origin.lower() for origin in trusted_origins)
        self._timeout = httpx.Timeout(within_s, connect=min(connect_timeout_s, within_s))
        self._within_s = within_s
        self._resolver = resolver

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post once and follow no redirect. Every failure to get an answer becomes a `NotAnswered` with its reason."""
        try:
            return self._post(check_public_link(url, self._trusted_origins), headers, body)
        except (UnsafeLinkError, httpx.InvalidURL):
            return NotAnswered(NoAnswer.ADDRESS_REFUSED)
        except httpx.ConnectError:
            return NotAnswered(NoAnswer.NO_CONNECTION)
        except httpx.TimeoutException:
            return NotAnswered(NoAnswer.TIMEOUT)
        except httpx.HTTPError:
            return NotAnswered(NoAnswer.ANSWER_LOST)

    def _post(self, target: LinkTarget, headers: Mapping[str, str], body: bytes) -> Reply:
        deadline = time.monotonic() + self._within_s
        extensions = {"target": target.target.encode()}
        with (
            guarded_client(target, deadline, MOST_READ_BYTES, self._timeout, self._resolver) as client,
            client.stream("POST", target.url, content=body, headers=headers, extensions=extensions) as response,
        ):
            _drop_body(response)
            retry_after_s = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
            return Answered(response.status_code, retry_after_s)


def _drop_body(response: httpx.Response) -> None:
    # Only the status matters; reading a short body to its end lets the receiver close the connection cleanly.
    read = 0
    with suppress(httpx.HTTPError):
        for chunk in response.iter_raw(MOST_ANSWER_BYTES):
            read += len(chunk)
            if read >= MOST_ANSWER_BYTES:
                return
