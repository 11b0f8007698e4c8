"""Answers the calls of DynamoDB's data without moto's web framework, parser and serializer."""

import json
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Final

from local.emulator import moto_seams
from local.emulator.capacity.measuring import measuring
from local.emulator.moto_seams import MotoValue

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_METHODS: Final = {
    "BatchGetItem": "batch_get_item",
    "BatchWriteItem": "batch_write_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactGetItems": "transact_get_items",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
"""The actions whose requests and answers are items, and moto's methods for them."""
_BINARY: Final = (b'"B"', b'"BS"')
"""Attributes that moto's parser and serializer convert."""


def straight_to_dynamodb(moto: "WSGIApplication") -> "WSGIApplication":
    """Answer calls to DynamoDB, the majority of all calls, without moto's web framework. Those whose JSON is already
    what moto computes with, and answers, are not converted either.
    """
    from moto.core.request import Request
    from werkzeug.wrappers import Response

    whole, quick = moto_seams.DYNAMODB.owner, _quick_handler()

    class ServerRequest(Request):
        from_wsgi_server = True

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith("DynamoDB_"):
            return moto(environ, start_response)
        request = ServerRequest(environ)
        body, action = request.get_data(), target.rpartition(".")[2]
        handler = whole if action not in _METHODS or any(each in body for each in _BINARY) else quick
        with measuring(environ):
            status, headers, content = handler.dispatch(request, request.raw_url, request.headers)
        return Response(content, status, headers)(environ, start_response)

    return application


@cache
def _quick_handler() -> type[MotoValue]:
    from moto.core.responses import BaseResponse

    base = type("Straight", (BaseResponse,), {"setup_class": _read, "call_action": _answer, "serialized": _write})
    # Between moto's handler and its base, so that what else replaces the handler's methods holds here as well.
    return type("QuickDynamoHandler", (moto_seams.DYNAMODB.owner, base), {})


def _read(self: MotoValue, request: MotoValue, full_url: str, headers: MotoValue) -> None:
    self.headers, self.normalized_request, self.uri = headers, request, full_url
    self.raw_body = self.body = request.get_data()
    self.querystring, self.uri_match = {}, {}
    self.method, self.path = request.method, request.path
    self.is_werkzeug_request = True
    self.response_headers = {"server": "amazon.com"}
    self.region = self.get_region_from_url(request, full_url)
    self.access_key = self.get_access_key()
    self.current_account = self.get_current_account()
    self.action = headers["X-Amz-Target"].rpartition(".")[2]
    self.params = json.loads(self.body or b"{}")


def _answer(self: MotoValue) -> tuple[int | None, dict[str, str], str | None]:
    from moto.core.exceptions import ServiceException
    from moto.core.responses import ActionResult
    from moto.utilities.aws_headers import gen_amzn_requestid_long
    from werkzeug.exceptions import HTTPException

    status: int | None
    try:
        status, headers, body = self.serialized(getattr(self, _METHODS[self.action])())
    except ServiceException as error:
        status, headers, body = self.serialized(ActionResult(error))
    except HTTPException as error:
        status, body = error.code, error.description
        headers = {**self.response_headers, **dict(error.get_headers())}
    gen_amzn_requestid_long(headers)
    return status, headers, body


def _write(self: MotoValue, action_result: MotoValue) -> MotoValue:
    from moto.core.responses import BaseResponse

    answer = action_result.result
    if isinstance(answer, dict):
        kept = {name: answer[name] for name in _members(self.action) if answer.get(name) is not None}
        # What was stored as bytes has to be encoded.
        with suppress(TypeError):
            body = json.dumps(kept)
            return 200, {**self.response_headers, "Content-Type": "application/x-amz-json-1.0"}, body
    return BaseResponse.serialized(self, action_result)


@cache
def _members(action: str) -> tuple[str, ...]:
    """The members of an action's answer."""
    from moto.core.utils import get_service_model

    return tuple(get_service_model("dynamodb").operation_model(action).output_shape.members)
