"""How both drivers speak HTTP with httpx: timeouts, names, and what its errors mean."""

import platform
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx

from fermata_client.core.flow import LostError, Request, Response
from fermata_client.version import __version__

TIMEOUT_S: Final = 60.0
"""For each step of a request: every answer of Fermata's begins within half a minute."""
CONNECT_TIMEOUT_S: Final = 10.0
USER_AGENT: Final = f"fermata-client/{__version__} Python/{platform.python_version()}"
_NEVER_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


def request_of(request: Request) -> httpx.Request:
    """The request as httpx sends it, without anything that a client of its caller would add."""
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", **request.headers}
    made = httpx.Request(request.method, request.url, headers=headers, content=request.body)
    longest_s = TIMEOUT_S if request.timeout_s is None else min(request.timeout_s, TIMEOUT_S)
    made.extensions["timeout"] = httpx.Timeout(longest_s, connect=min(longest_s, CONNECT_TIMEOUT_S)).as_dict()
    return made


def response_of(response: httpx.Response, *, with_body: bool) -> Response:
    """The answer as flows see it; its body has to be read already."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, response.content if with_body else b"")


def multipart(fields: Mapping[str, str], content: bytes, content_type: str) -> tuple[dict[str, str], bytes]:
    """The headers and the body of a form: its fields, then the file under the name `file`."""
    # The address is part of httpx's requests, and of nothing that is returned.
    form = httpx.Request("POST", "", data=fields, files={"file": ("file", content, content_type)})
    return {"Content-Type": form.headers["Content-Type"]}, form.read()


@contextmanager
def lost_where_it_fails() -> Iterator[None]:
    """Turn what httpx raises for a request without a whole answer into `LostError`."""
    try:
        yield
    except httpx.InvalidURL as error:
        raise LostError(f"the address is none: {error}", sent=False) from error
    except httpx.RequestError as error:
        cause = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise LostError(
            cause, sent=not isinstance(error, _NEVER_SENT), bad_certificate=_is_about_a_certificate(error)
        ) from error


def _is_about_a_certificate(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
