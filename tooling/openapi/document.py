"""Puts the document together from the operations, the models and the problem types."""

import json
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel

from fermata.api.query import takes_any_query
from fermata.api.responses.problem import GatewayMessage, Problem
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.webhooks.message import WebhookEvent, event_type
from tooling.openapi import examples
from tooling.openapi.enumerations import ENUMERATIONS, with_named_enumerations
from tooling.openapi.model_examples import model_examples
from tooling.openapi.operation import COSTS, TAGS, Answer, Operation
from tooling.openapi.operations import OPERATIONS, WEBHOOKS
from tooling.openapi.parameters import HEADERS, LIMIT_HEADERS, PARAMETERS, WEBHOOK_PARAMETERS
from tooling.openapi.problems import FAILURE, PROBLEM_TYPES, ProblemType, table_of_types
from tooling.openapi.schemas import schemas_of

Json = dict[str, Any]

_VERSION: Final = "1.0.0"
_INTRODUCTION: Final = """\
Orders songs from paid music providers and keeps what they made. Times are in UTC, prices in credits.

Send `Authorization: Bearer fk_...` with everything below `/v1`, save callbacks and live songs. Bodies are JSON in
UTF-8. Fields may be added to answers. A field or a query parameter that an operation does not have is refused (422),
never passed over.

## Problems

Whatever is wrong is a `Problem`, `application/problem+json` (RFC 9457); its `type` is one of these:

{problems}
## What API Gateway answers itself

The one exception: before a function is asked, or instead of it, API Gateway answers in the form of AWS, as a
`GatewayMessage`, `{{"message": "..."}}`: 401 without a key, 403 for a wrong one, 413 for a body over 10 MB, 429 where
the account's own limit is reached, 500 where a function broke, and 503 where none answered in time. Statuses that both
may answer have the schema `Failure`, which is either of the two. After a 500 or 503 an order may be stored all the
same: repeat it with its `Idempotency-Key`.
"""
_GATEWAY: Final = {401: "Unauthorized", 403: "Forbidden", 413: "Request Entity Too Large", 429: "Too Many Requests"}
_GATEWAY_ALWAYS: Final = {429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
_MOST_NAMED: Final = 3
"""Most ways to fail that make up the name of a response; one with more has the name of its operation."""


def openapi_document() -> Json:
    """The whole document as a value."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fermata",
            "version": _VERSION,
            "description": _INTRODUCTION.format(problems=table_of_types()),
            "contact": {"name": "The operator of this deployment"},
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": []}],
        "tags": [{"name": name, "description": told} for name, told in TAGS.items()],
        "paths": paths,
        "webhooks": {event_type(status): _webhook(event_type(status), told) for status, told in WEBHOOKS.items()},
        "components": {
            "securitySchemes": {
                "ApiKey": {"type": "http", "scheme": "bearer", "description": "An API key, `fk_<id>_<secret>`."}
            },
            "parameters": with_named_enumerations({**PARAMETERS, **WEBHOOK_PARAMETERS}),
            "headers": HEADERS,
            "examples": {name: {"value": value} for name, value in model_examples(read_catalogue()).items()},
            "responses": {
                name: response
                for operation in OPERATIONS
                for _, name, response in _failures(operation, _limited(operation))
            },
            "schemas": _schemas(),
        },
    }


def written() -> str:
    """The document as it is committed and served."""
    return json.dumps(openapi_document(), indent=1, ensure_ascii=False) + "\n"


def _operation(operation: Operation) -> Json:
    entry: Json = {"operationId": operation.id, "tags": [operation.tag], "summary": operation.summary}
    entry["description"] = f"{COSTS} {operation.description}" if operation.buys else operation.description
    if operation.public:
        entry["security"] = []
    if operation.parameters:
        entry["parameters"] = [_ref("parameters", name) for name in operation.parameters]
    if operation.body:
        shown: Json = {name: {"value": value} for name, value in operation.body_examples}
        if operation.body is SongRequest:
            shown |= {name: _ref("examples", name) for name in model_examples(read_catalogue())}
        content = {"schema": _ref("schemas", operation.body.__name__), "examples": shown}
        entry["requestBody"] = {"required": not operation.body_optional, "content": {"application/json": content}}
    limited = _limited(operation)
    succeeded = {str(int(answer.status)): _success(answer, limited) for answer in operation.answers}
    failed = {status: _ref("responses", name) for status, name, _ in _failures(operation, limited)}
    return {**entry, "responses": {**succeeded, **failed}}


def _webhook(kind: str, told: str) -> Json:
    where = "the job's `callback_url`, else to its tenant's endpoint"
    content = {"schema": _ref("schemas", "WebhookEvent"), "example": {**examples.WEBHOOK_EVENT, "type": kind}}
    return {
        "post": {
            "operationId": kind.replace(".", "_"),
            "tags": ["webhooks"],
            "summary": told,
            "description": f"Signed as Standard Webhooks has it; posted to {where}.",
            "security": [],
            "parameters": [_ref("parameters", name) for name in WEBHOOK_PARAMETERS],
            "requestBody": {"required": True, "content": {"application/json": content}},
            "responses": {
                "2XX": {"description": "It has arrived."},
                "410": {"description": "Do not send anything to this endpoint any more."},
                "default": {"description": "It is sent again, ten times in all; `Retry-After` lengthens the pause."},
            },
        }
    }


def _limited(operation: Operation) -> tuple[str, ...]:
    return () if operation.public else LIMIT_HEADERS


def _success(answer: Answer, limited: tuple[str, ...]) -> Json:
    entry: Json = {"description": answer.description}
    headers = (*answer.headers, *limited)
    if headers:
        entry["headers"] = {name: _ref("headers", name) for name in headers}
    if answer.body is not None:
        body = answer.body
        content: Json = {"schema": body if isinstance(body, dict) else _ref("schemas", body.__name__)}
        if answer.example is not None:
            content["example"] = answer.example
        csv: Json = {"text/csv": {"schema": {"type": "string"}}} if answer.csv else {}
        entry["content"] = {"application/json": content, **csv}
    if answer.links:
        taken = {"id": "$response.body#/id"}
        entry["links"] = {name: {"operationId": name, "parameters": taken} for name in answer.links}
    return entry


def _failures(operation: Operation, limited: tuple[str, ...]) -> Iterator[tuple[str, str, Json]]:
    """Status, name in `components` and response of each way in which an operation fails."""
    own = [PROBLEM_TYPES[slug] for slug in (*operation.problems, *_anywhere(operation))]
    gateway = _gateway(operation)
    for status in sorted({*gateway, *(problem.status for problem in own)}):
        problems = [problem for problem in own if problem.status == status]
        message = gateway.get(status)
        told_by = [*(kind.slug for kind in problems), *(["gateway"] if message else [])]
        # Some clients make a type of each name.
        told = "_".join(told_by) if len(told_by) <= _MOST_NAMED else operation.id
        name = f"{told}_{status}" if limited else f"{told}_{status}_public"
        yield str(status), name, _failure(status, problems, message, limited)


def _anywhere(operation: Operation) -> Iterable[str]:
    query = () if takes_any_query(operation.path) or "invalid_request" in operation.problems else ("invalid_request",)
    if operation.tag == "service":
        return (*query, "internal")
    if operation.public:
        return (*query, "internal", "unavailable")
    return (*query, "insufficient_scope", "internal", "unavailable")


def _gateway(operation: Operation) -> dict[int, str]:
    with_key = {} if operation.public else {status: _GATEWAY[status] for status in (401, 403)}
    with_body = {413: _GATEWAY[413]} if operation.body else {}
    return {**with_key, **with_body, **_GATEWAY_ALWAYS}


def _failure(status: int, problems: list[ProblemType], message: str | None, limited: tuple[str, ...]) -> Json:
    content: Json = {}
    # Clients that `openapi-python-client` writes read one schema per status, whatever the type of the content.
    either = _ref("schemas", "Failure") if problems and message is not None else None
    if problems:
        shown = {kind.slug: {"summary": kind.when, "value": kind.example()} for kind in problems}
        content["application/problem+json"] = {"schema": either or _ref("schemas", "Problem"), "examples": shown}
    if message is not None:
        example = {"message": message}
        content["application/json"] = {"schema": either or _ref("schemas", "GatewayMessage"), "example": example}
    says_when = status in (429, 503) or any(kind.slug == "no_such_track" for kind in problems)
    headers = (*(("Retry-After",) if says_when else ()), *limited)
    entry: Json = {"description": _what_went_wrong(status, problems, message)}
    if headers:
        entry["headers"] = {name: _ref("headers", name) for name in headers}
    return {**entry, "content": content}


def _what_went_wrong(status: int, problems: list[ProblemType], message: str | None) -> str:
    of_gateway = [f"API Gateway itself: {message}."] if message else []
    described = [f"`{kind.slug}`: {kind.when}" for kind in problems]
    return " ".join([*described, *of_gateway]) or HTTPStatus(status).phrase


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schemas() -> Json:
    schemas = schemas_of([*_models(), Problem, GatewayMessage, WebhookEvent], read_catalogue())
    return dict(sorted({**with_named_enumerations(schemas), **ENUMERATIONS, "Failure": FAILURE}.items()))


def _models() -> Iterator[type[BaseModel]]:
    for operation in OPERATIONS:
        if operation.body:
            yield operation.body
        yield from (each.body for each in operation.answers if each.body and not isinstance(each.body, dict))
