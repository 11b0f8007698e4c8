"""Payload format 2.0 of HTTP APIs: makes the event for a request, and the response from a function's answer."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.http.routes import DEFAULT_ROUTE, RouteMatch

API_ID: Final = "local"
_TEXT_TYPES: Final = frozenset({"application/json", "application/javascript", "application/xml"})


class BadAnswerError(Exception):
    """API Gateway cannot turn the function's answer into a response."""


def request_event(
    request: Request, match: RouteMatch, body: bytes, request_id: str, context: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the event for a function behind a route; `context` comes from the authorizer."""
    event = _common(request, match, request_id)
    if context is not None:
        event["requestContext"]["authorizer"] = {"lambda": context}
    text = _as_text(request.mimetype, body)
    event["isBase64Encoded"] = bool(body) and text is None
    if body:
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def authorizer_event(request: Request, match: RouteMatch, identity: str, request_id: str) -> dict[str, Any]:
    """Return the event of format 2.0 for a Lambda authorizer, which has no body."""
    http = f"{match.route.method}{match.route.path}"
    arn = f"arn:aws:execute-api:{REGION}:{ACCOUNT_ID}:{API_ID}/{DEFAULT_ROUTE}/{http}"
    return {**_common(request, match, request_id), "type": "REQUEST", "routeArn": arn, "identitySource": [identity]}


def _common(request: Request, match: RouteMatch, request_id: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route_key,
        # API Gateway decodes this path despite its name.
        "rawPath": request.path,
        "rawQueryString": request.query_string.decode("latin-1"),
        "headers": _headers(request),
        "requestContext": _request_context(request, match, request_id),
    }
    if cookies := request.headers.getlist("Cookie"):
        event["cookies"] = [cookie.strip() for line in cookies for cookie in line.split(";")]
    if request.args:
        event["queryStringParameters"] = {name: ",".join(request.args.getlist(name)) for name in request.args}
    if match.path_parameters:
        event["pathParameters"] = dict(match.path_parameters)
    return event


def _headers(request: Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        lower = name.lower()
        if lower != "cookie":
            headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    port = request.environ["SERVER_PORT"]
    return {**headers, "x-forwarded-for": _source(request), "x-forwarded-port": port, "x-forwarded-proto": "http"}


def _source(request: Request) -> str:
    return request.remote_addr or "127.0.0.1"


def _request_context(request: Request, match: RouteMatch, request_id: str) -> dict[str, Any]:
    instant = datetime.now(UTC)
    domain = f"127.0.0.1:{request.environ['SERVER_PORT']}"
    return {
        "accountId": ACCOUNT_ID,
        "apiId": API_ID,
        "domainName": domain,
        "domainPrefix": API_ID,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.environ["SERVER_PROTOCOL"],
            "sourceIp": _source(request),
            "userAgent": request.headers.get("User-Agent", ""),
        },
        "requestId": request_id,
        "routeKey": match.route_key,
        "stage": DEFAULT_ROUTE,
        "time": instant.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(instant.timestamp() * 1000),
    }


def _as_text(mimetype: str, body: bytes) -> str | None:
    """Return the body as text where API Gateway does: for text content types and valid UTF-8; None otherwise."""
    if not (mimetype.startswith("text/") or mimetype in _TEXT_TYPES or mimetype.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def response(payload: bytes) -> Response:
    """Turn a function's answer into a response; raises `BadAnswerError` where API Gateway answers 500."""
    try:
        answer = json.loads(payload)
    except ValueError as error:
        raise BadAnswerError("the function's answer is not JSON") from error
    if not (isinstance(answer, dict) and "statusCode" in answer):
        return Response(payload, 200, content_type="application/json")
    built = Response(_body(answer), _status(answer["statusCode"]), content_type="text/plain;charset=UTF-8")
    for name, value in _map(answer, "headers").items():
        built.headers[name] = str(value)
    for cookie in answer.get("cookies") or []:
        built.headers.add("Set-Cookie", str(cookie))
    return built


def _status(value: object) -> int:
    try:
        status = int(str(value))
    except ValueError as error:
        raise BadAnswerError("statusCode is not a number") from error
    if not 200 <= status <= 599:
        raise BadAnswerError("statusCode is not between 200 and 599")
    return status


def _body(answer: dict[str, Any]) -> bytes:
    body = answer.get("body") or ""
    if not isinstance(body, str):
        raise BadAnswerError("body is not a string")
    if not answer.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise BadAnswerError("body is not base64") from error


def _map(answer: dict[str, Any], name: str) -> dict[str, Any]:
    value = answer.get(name) or {}
    if not isinstance(value, dict) or any(
        "\n" in f"{key}{item}" or "\r" in f"{key}{item}" for key, item in value.items()
    ):
        raise BadAnswerError(f"{name} is not a map of single lines")
    return value
