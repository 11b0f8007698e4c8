"""API Gateway's HTTP API on one machine: serves the template's routes, authorizers and functions over plain HTTP."""

import json
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from local.deploy.deployment import Route, unqualified
from local.http.authorizers import AuthorizerCache, AuthorizerError
from local.http.cors import is_preflight, mark, preflight_answer, wanted_method
from local.http.events import BadAnswerError, authorizer_event, request_event, response
from local.http.routes import RouteMatch, RouteTable
from local.http.throttling import Throttling
from local.logs import JsonLines, now
from local.runtime.crowding import crowding
from local.runtime.lambda_answers import Answer
from local.runtime.lambda_runtime import TooManyRequestsError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Payload quota of HTTP APIs."""
BUSY_PATIENCE_S: Final = 5.0
_RETRY_EVERY_S: Final = 0.05
CONSOLE_PATH: Final = "/console"
INTEGRATION_TIMEOUT_S: Final = 30.0
"""Quota of HTTP APIs. After it, the caller gets 503 while the function continues."""


@dataclass(frozen=True)
class Exchange:
    """A request in progress; `function` is the invoked function, not the authorizer."""

    request: Request
    request_id: str
    match: RouteMatch | None = None
    function: str | None = None


class _Refusal(Exception):  # noqa: N818 (an answer to the client, not an error of this program)
    """An answer of API Gateway itself, with AWS's message."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class _FaultySource(Exception):  # noqa: N818 (an answer to the client, not an error of this program)
    """A function cannot run because of an error in its source."""


class _LimitedRequest(Request):
    max_content_length = MAX_BODY_BYTES


class Faults(Protocol):
    """Which functions cannot run because of their source; both answers name the file."""

    def fault_of(self, function_arn: str) -> str | None:
        """Return the error in a function's newest source, None where there is none."""

    def failed_start_of(self, function_arn: str) -> str | None:
        """Return why a function's handler could not be imported, None where it could."""


Submit = Callable[[str, bytes], Future[Answer]]
"""Runs a function by name or ARN; raises TooManyRequestsError where all of its environments are busy."""


def patient(submit: Submit, clock: Callable[[], float], pause: Callable[[float], object]) -> Submit:
    """A `submit` that retries for `BUSY_PATIENCE_S` seconds while all environments are busy. A burst of requests that
    fits into an account's thousand environments has to wait for a laptop's few.
    """

    def submit_in_time(name: str, payload: bytes) -> Future[Answer]:
        until = clock() + BUSY_PATIENCE_S
        while True:
            try:
                return submit(name, payload)
            except TooManyRequestsError:
                if clock() >= until:
                    raise
            pause(_RETRY_EVERY_S)

    return submit_in_time


class HttpBridge:
    """A WSGI application; `submit` runs a function by name or ARN."""

    def __init__(
        self,
        routes: Iterable[Route],
        submit: Callable[[str, bytes], Future[Answer]],
        log: JsonLines,
        integration_timeout_s: float = INTEGRATION_TIMEOUT_S,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
        crowding: Callable[[], float] = crowding,
    ) -> None:
        """`crowding` tells how many processes want each core; a function has the timeout as many times."""
        self._routes = RouteTable(routes)
        self._submit, self._log = submit, log
        self._timeout_s, self._crowding = integration_timeout_s, crowding
        self._authorizers = AuthorizerCache(submit, clock)
        self._throttling = Throttling(clock)
        self._faults = faults

    def forget_decisions(self) -> None:
        """Ask the authorizers again at their next requests."""
        self._authorizers.clear()

    def __call__(self, environ: dict[str, Any], start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request and log it in one line."""
        begun = time.monotonic()
        exchange = Exchange(_LimitedRequest(environ), str(uuid4()))
        exchange, answer = self._answer(exchange)
        answer.headers["apigw-requestid"] = exchange.request_id
        self._write(exchange, answer.status_code, time.monotonic() - begun)
        return answer(environ, start_response)

    def _answer(self, exchange: Exchange) -> tuple[Exchange, Response]:
        cors = self._routes.cors(wanted_method(exchange.request), exchange.request.path)
        if cors and is_preflight(exchange.request):
            return exchange, preflight_answer(cors, exchange.request)
        try:
            body = _read_body(exchange.request)
            match = self._routes.match(exchange.request.method, exchange.request.path)
            exchange = replace(exchange, match=match)
            if self._leads_to_the_console(exchange.request):
                return exchange, redirect(CONSOLE_PATH)
            if match is None:
                raise _Refusal(404, "Not Found")
            if not self._throttling.admits(match.route):
                raise _Refusal(429, "Too Many Requests")
            self._refuse_faulty(match.route)
            context = self._authorize(exchange, match)
            exchange = replace(exchange, function=unqualified(match.route.function_arn).rsplit(":", 1)[-1])
            event = request_event(exchange.request, match, body, exchange.request_id, context)
            answer = self._integrate(match.route.function_arn, event)
            if cors:
                mark(cors, exchange.request, answer)
            return exchange, answer
        except _Refusal as refusal:
            return exchange, _gateway_answer(refusal.status, refusal.message)
        except _FaultySource as fault:
            return exchange, _problem(str(fault), exchange.request_id)

    def _leads_to_the_console(self, request: Request) -> bool:
        """Whether a request opens this machine's address itself, at which a deployed API has nothing."""
        return request.path == "/" and request.method == "GET" and self._routes.has("GET", CONSOLE_PATH)

    def _refuse_faulty(self, route: Route) -> None:
        functions = [route.function_arn, *([route.authorizer.function_arn] if route.authorizer else [])]
        for function in functions if self._faults else []:
            if fault := self._faults and self._faults.fault_of(function):
                raise _FaultySource(fault)

    def _failure_of(self, function_arn: str) -> Exception:
        """Return what a failed function is answered with: its source's error where it could not start."""
        fault = self._faults and self._faults.failed_start_of(function_arn)
        return _FaultySource(fault) if fault else _Refusal(500, "Internal Server Error")

    def _authorize(self, exchange: Exchange, match: RouteMatch) -> dict[str, Any] | None:
        authorizer = match.route.authorizer
        if authorizer is None:
            return None
        identity = exchange.request.headers.get(authorizer.identity_header)
        if not identity:
            # API Gateway does not call an authorizer without its identity source.
            raise _Refusal(401, "Unauthorized")
        try:
            decision = self._authorizers.decide(
                authorizer,
                identity,
                lambda: authorizer_event(exchange.request, match, identity, exchange.request_id),
                self._timeout_s * self._crowding(),
            )
        except TooManyRequestsError as error:
            raise _Refusal(503, "Service Unavailable") from error
        except (AuthorizerError, TimeoutError) as error:
            raise self._failure_of(authorizer.function_arn) from error
        if not decision.allowed:
            raise _Refusal(403, "Forbidden")
        return decision.context

    def _integrate(self, function_arn: str, event: dict[str, Any]) -> Response:
        # API Gateway answers 500 when the function fails or returns an invalid response,
        # and 503 when it is throttled or does not answer within the integration timeout.
        try:
            running = self._submit(function_arn, json.dumps(event).encode())
            answer = running.result(timeout=self._timeout_s * self._crowding())
        except (TooManyRequestsError, TimeoutError) as error:
            raise _Refusal(503, "Service Unavailable") from error
        if answer.failed:
            raise self._failure_of(function_arn)
        try:
            return response(answer.payload)
        except BadAnswerError as error:
            raise _Refusal(500, "Internal Server Error") from error

    def _write(self, exchange: Exchange, status: int, seconds: float) -> None:
        match = exchange.match
        self._log.write(
            {
                "time": now(),
                "method": exchange.request.method,
                "route": match.route_key if match else None,
                "status": status,
                "ms": round(seconds * 1000, 1),
                "function": exchange.function,
                "request_id": exchange.request_id,
            }
        )


def _read_body(request: Request) -> bytes:
    """Read the whole body; a client that disconnects or sends an invalid length gets 400."""
    length = request.environ.get("CONTENT_LENGTH")
    if (length and not length.isascii()) or (length and not length.isdigit()):
        raise _Refusal(400, "Bad Request")
    try:
        return request.get_data(cache=False, parse_form_data=False)
    except RequestEntityTooLarge as error:
        raise _Refusal(413, "Request Entity Too Large") from error
    except TimeoutError as error:
        raise _Refusal(408, "Request Timeout") from error
    except (ClientDisconnected, HTTPException, OSError) as error:
        raise _Refusal(400, "Bad Request") from error


def _gateway_answer(status: int, message: str) -> Response:
    # AWS sends no Retry-After, but an immediate retry would only keep this machine busy.
    headers = {"Retry-After": "1"} if status == 503 else {}
    return Response(json.dumps({"message": message}), status, headers, content_type="application/json")


def _problem(detail: str, request_id: str) -> Response:
    """Return the answer for an error in a source, in the form of Fermata's own problems."""
    body = {
        "type": "about:blank",
        "title": "A source of this function has an error",
        "status": 500,
        "detail": detail,
        "errors": [],
        "retryable": False,
        "charged": "no",
        "request_id": request_id,
    }
    return Response(json.dumps(body), 500, content_type="application/problem+json")
