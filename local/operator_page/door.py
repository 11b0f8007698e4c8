"""Who may use the operator's page: a browser that was opened at the printed address, and no page elsewhere.

A page elsewhere can make a browser call this machine (CSRF), also under a name of its own that leads to 127.0.0.1 (DNS
rebinding). So a request has to name this machine in `Host`, come from no other page, and bring the token.
"""

import hmac
from typing import Final

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

_SECURITY: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_READS: Final = ("GET", "HEAD")


class Door:
    """Lets requests to one port pass that bring the token in a cookie or as a Bearer token."""

    def __init__(self, port: int, token: str) -> None:
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._token = token
        # Cookies know no ports, so that each cloud needs a name of its own.
        self._cookie = f"fermata_operator_{port}"

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not pass, None for one that may. The printed address, which has the
        token, is answered by a cookie and the same address without it.
        """
        if (refused := self._foreign(request)) is not None:
            return refused
        given = request.args.get("token")
        if given is not None and request.path == "/" and request.method in _READS and self._is_token(given):
            opened = redirect("/", 303)
            opened.set_cookie(self._cookie, self._token, httponly=True, samesite="Strict")
            return opened
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self._is_token(bearer):
            return None
        if not self._is_token(request.cookies.get(self._cookie, "")):
            return _refused(401, "expected the token: open the address that the cloud printed at its start")
        if request.method not in _READS and "Origin" not in request.headers:
            return _refused(
                403, "expected an Origin header beside a cookie, found none: send the token as a Bearer token"
            )
        return None

    def _foreign(self, request: Request) -> Response | None:
        host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
        if host not in self._hosts:
            return _refused(403, "expected this machine's own name and port in Host: open the printed address")
        if origin is not None and origin != f"http://{host}":
            return _refused(403, "expected no page of another origin: open the printed address")
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())


def secured(response: Response) -> Response:
    """The response with the headers that keep its page to itself."""
    response.headers.update(_SECURITY)
    return response


def _refused(status: int, why: str) -> Response:
    return Response(f"{why}\n", status, content_type="text/plain; charset=utf-8")
