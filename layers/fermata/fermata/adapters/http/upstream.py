"""HTTP requests to the providers' APIs: each is sent once and ends within one deadline."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from fermata.adapters.http.bodies import BodyOutOfBoundsError, decoded
from fermata.adapters.http.transport import USER_AGENT, DeadlineBackend, DeadlineTransport, Resolver, resolve
from fermata.domain.providers.answers import parse_retry_after
from fermata.domain.providers.calls import UploadCall, UpstreamCall
from fermata.domain.providers.tracing import trace_id_in_headers
from fermata.errors import AnswerLostError, NotSentError

MAX_ANSWER_BYTES: Final = 256 * 1024 * 1024
"""Limit for a decompressed body. Five minutes of 44.1 kHz stereo WAV are 106 MB as hex text."""
MOST_READ_BYTES: Final = 2 * MAX_ANSWER_BYTES
"""Limit for all bytes of a connection: as much again for headers and the framing of the body."""

# httpx raises the last three before it writes the first byte.
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class HttpUpstream:
    """Sends calls to the providers' base URLs. `connect_timeout_s` bounds each connect, `read_gap_s` each pause between
    bytes, both in seconds.
    """

    def __init__(
        self,
        base_url: Callable[[str], str],
        connect_timeout_s: float,
        read_gap_s: float,
        resolver: Resolver = resolve,
    ) -> None:
        self._base_url = base_url
        self._timeout = httpx.Timeout(read_gap_s, connect=connect_timeout_s)
        self._resolver = resolver

    @contextmanager
    def send(self, provider: str, call: UpstreamCall, key: str, within_s: float) -> Iterator["HttpAnswer"]:
        """Send a call once and follow no redirect; the exchange ends within `within_s` seconds. Raises `NotSentError`
        where nothing was sent, `AnswerLostError` where the outcome is unknown.
        """
        content = {"params": dict(call.query) or None, "json": call.body}
        with self._exchange(provider, call.method, call.path, key, within_s, content) as answer:
            yield answer

    @contextmanager
    def upload(self, provider: str, call: UploadCall, file: Path, key: str, within_s: float) -> Iterator["HttpAnswer"]:
        """Send a file as one part of a form, streamed from disk. Raises as `send` does."""
        with file.open("rb") as opened:
            part = (call.file_name, opened, call.content_type)
            content = {"data": dict(call.fields), "files": {call.file_field: part}}
            with self._exchange(provider, "POST", call.path, key, within_s, content) as answer:
                yield answer

    @contextmanager
    def _exchange(
        self, provider: str, method: str, path: str, key: str, within_s: float, content: Mapping[str, Any]
    ) -> Iterator["HttpAnswer"]:
        deadline = time.monotonic() + within_s
        transport = DeadlineTransport(DeadlineBackend(deadline, self._resolver, MOST_READ_BYTES), connect_retries=1)
        with httpx.Client(
            transport=transport, timeout=self._timeout, trust_env=False, follow_redirects=False
        ) as client:
            try:
                headers = {
                    "Authorization": f"Bearer {key}",
                    "Accept-Encoding": "identity",
                    "User-Agent": USER_AGENT,
                }
                request = client.build_request(method, self._base_url(provider) + path, headers=headers, **content)
                response = client.send(request, stream=True)
            except _NOT_SENT as error:
                raise NotSentError(f"no connection to {provider}: {_cause(error)}; nothing was ordered") from error
            except httpx.HTTPError as error:
                raise AnswerLostError(f"{provider} did not answer the request: {_cause(error)}") from error
            try:
                yield HttpAnswer(provider, response, deadline)
            finally:
                response.close()


class HttpAnswer:
    """A provider's answer whose body has not been read yet."""

    def __init__(self, provider: str, response: httpx.Response, deadline: float) -> None:
        self._provider = provider
        self._response = response
        self._deadline = deadline
        self.http_status = response.status_code
        self.content_type = response.headers.get("content-type", "")
        self.retry_after_s = parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC))
        self.trace_id = trace_id_in_headers(response.headers)

    def chunks(self) -> Iterator[bytes]:
        """The decompressed body as it arrives; raises `AnswerLostError` where it is cut, stalls, is late or far too
        long, after yielding all bytes before that.
        """
        received = 0
        encoding = self._response.headers.get("content-encoding", "")
        try:
            for chunk in decoded(self._response.iter_raw(), encoding, MAX_ANSWER_BYTES):
                received += len(chunk)
                if time.monotonic() > self._deadline:
                    raise AnswerLostError(f"{self._provider}'s answer was given up after {received} bytes: too late")
                yield chunk
        except BodyOutOfBoundsError as error:
            raise AnswerLostError(f"{self._provider}'s answer was given up after {received} bytes: {error}") from error
        except httpx.HTTPError as error:
            raise AnswerLostError(f"{self._provider}'s answer ended after {received} bytes: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    # The text of an httpx error may hold the URL, so only its class is reported.
    return type(error).__name__
