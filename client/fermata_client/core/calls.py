"""One call: the request, and its repetitions."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Final, TypeVar

from fermata_client.core.answers import error_of, is_success, value_of
from fermata_client.core.context import Context
from fermata_client.core.flow import Flow, LostError, Pause, Request, Response, send
from fermata_client.core.retries import Retries
from fermata_client.errors import FermataError, LimitError, NetworkError, NoAnswerError, NotFermataError, ServerError
from fermata_client.models.answer import Answer

M = TypeVar("M", bound=Answer)

_SHORTEST_S: Final = 1.0
"""What is left of a wait is never less, so that its last look can be answered."""
_WORTH_REPEATING: Final = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        *(HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY),
        *(HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT),
    }
)


def call(
    context: Context,
    request: Request,
    *,
    repeatable: bool = True,
    retries: Retries | None = None,
    until: float | None = None,
) -> Flow[Response]:
    """The answer to a request, which is a success. Raises an error of `fermata_client.errors`.

    A request that is not `repeatable` is sent again only where it surely did nothing. `until` is the moment of the
    monotonic clock at which it ends.
    """
    policy, failures = retries or context.retries, 0
    while True:
        trouble = yield from _once(context, _in_time(context, request, until))
        if isinstance(trouble, Response):
            return trouble
        failures += 1
        if not _may_repeat(trouble, repeatable=repeatable):
            raise trouble
        pause_s = policy.pause_s(failures, _retry_after(trouble), context.clock.chance)
        if pause_s is None:
            raise trouble
        left_s = pause_s if until is None else max(0.0, until - context.clock.monotonic())
        yield Pause(min(pause_s, left_s))
        if left_s < pause_s:
            raise trouble


def value(context: Context, request: Request, kind: type[M], *, repeatable: bool = True) -> Flow[M]:
    """The value that answers a request; raises as `call` does."""
    return value_of((yield from call(context, request, repeatable=repeatable)), kind)


def get(context: Context, kind: type[M], *path: str, query: Mapping[str, object] | None = None) -> Flow[M]:
    """The value at a path; raises as `call` does."""
    return (yield from value(context, context.request("GET", *path, query=query), kind))


def network_error(lost: LostError) -> NetworkError:
    """The error of a request without an answer."""
    advice = "look at the network and at the base URL"
    if lost.bad_certificate:
        advice = "the server's certificate or this machine's clock is wrong; set the clock, or look at the base URL"
    return NetworkError(f"no answer came ({lost}); {advice}", sent=lost.sent)


def _in_time(context: Context, request: Request, until: float | None) -> Request:
    """The request with what is left as its timeout."""
    if until is None:
        return request
    return replace(request, timeout_s=max(_SHORTEST_S, until - context.clock.monotonic()))


def _once(context: Context, request: Request) -> Flow[Response | FermataError]:
    try:
        response = yield from send(request)
    except LostError as lost:
        error = network_error(lost)
        error.__cause__ = lost
        return error
    return response if is_success(response) else error_of(response, context.clock.wall())


def _may_repeat(error: FermataError, *, repeatable: bool) -> bool:
    if isinstance(error, LimitError):
        return True
    if isinstance(error, NetworkError):
        certificate = isinstance(error.__cause__, LostError) and error.__cause__.bad_certificate
        return (repeatable or not error.sent) and not certificate
    if isinstance(error, ServerError | NotFermataError):
        return repeatable and error.status in _WORTH_REPEATING
    return False


def _retry_after(error: FermataError) -> float | None:
    return error.retry_after_s if isinstance(error, LimitError | NoAnswerError) else None
