"""The answers to players of live songs."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.live.playlist import MEDIA_TYPE

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def playlist(text: str) -> Response[str]:
    """A playlist that no cache may store, because it grows and its address ends."""
    return Response(HTTPStatus.OK, MEDIA_TYPE, text, {"Cache-Control": "no-store"})


def open_to_pages(handler: Handler) -> Handler:
    """The handler with answers, problems too, that pages of every origin may read: only the token gives access."""

    def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        answer = handler(event, context)
        return {**answer, "headers": {**answer.get("headers", {}), "Access-Control-Allow-Origin": "*"}}

    return handle
