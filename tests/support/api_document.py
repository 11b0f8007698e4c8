"""The committed OpenAPI document, and whether an answer is one that it describes."""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

DOCUMENT: Final = Path(__file__).parents[2] / "layers" / "fermata" / "fermata" / "openapi.json"
ADVICE: Final = (
    "describe it in fermata.api.responses or tooling/openapi (operations.py, parameters.py), then run `make openapi`"
)

Json = dict[str, Any]


@lru_cache(maxsize=1)
def read_document() -> Json:
    document: Json = json.loads(DOCUMENT.read_text("utf-8"))
    return document


def assert_documented(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """Hold one answer of the API against the document; a field or a header of ours that it does not name is wrong."""
    if path.startswith(("/v1/live/", "/console")) or path == "/":
        # Live songs have an API of their own; a job's `urls.live` leads there. The console is a page, not the API.
        return
    operation = operation_of(method, path)
    if operation is None:
        assert status in (400, 404, 413), f"{method} {path} answers {status} and is no operation; {ADVICE}"
        return
    said = f"{method} {path} -> {status}"
    assert str(status) in operation["responses"], f"{said}: the status is not documented; {ADVICE}"
    answer = response_of(operation, status)
    _assert_headers(said, answer, {name.lower(): value for name, value in headers.items()})
    content = answer.get("content")
    if content is None:
        assert text == "", f"{said}: a body that is not documented; {ADVICE}"
        return
    media_type = next(value for name, value in headers.items() if name.lower() == "content-type").partition(";")[0]
    assert media_type in content, f"{said}: {media_type} is not documented; {ADVICE}"
    _assert_body(said, content[media_type], json.loads(text) if media_type.endswith("json") else text)


def operation_of(method: str, path: str) -> Json | None:
    """The operation behind a path, None where there is none."""
    for template, operations in read_document()["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation: Json = operations[method.lower()]
            return operation
    return None


def response_of(operation: Json, status: int | str) -> Json:
    """How an operation answers with a status; failures are shared between operations."""
    return target(operation["responses"][str(status)])


def problems_with(schema: Json, value: object) -> list[str]:
    """Where a value is not what a schema of the document says, in words."""
    validator = Draft202012Validator({**schema, "components": _strict_components()})
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


_OURS: Final = ("etag", "location", "retry-after", "idempotency-replayed", "preference-applied", "next-cursor")
_FROM_ELSEWHERE: Final = ("ratelimit", "ratelimit-policy")


def _assert_headers(said: str, answer: Json, headers: Mapping[str, str]) -> None:
    documented = {name.lower(): target(header) for name, header in answer.get("headers", {}).items()}
    for name in (*_OURS, *_FROM_ELSEWHERE):
        assert name not in headers or name in documented, f"{said}: the header {name} is not documented; {ADVICE}"
    for name, header in documented.items():
        if header.get("required"):
            assert name in headers, f"{said}: the header {name} is missing"
        if name in headers:
            value = int(headers[name]) if header["schema"]["type"] == "integer" else headers[name]
            assert problems_with(header["schema"], value) == [], f"{said}: the header {name} is {value}"


def _assert_body(said: str, content: Json, body: object) -> None:
    wrong = problems_with(content["schema"], body)
    assert wrong == [], f"{said}: {'; '.join(wrong)}; {ADVICE}"
    if isinstance(body, dict) and str(body.get("type", "")).startswith("urn:"):
        known = {(each["value"]["type"], each["value"]["status"]) for each in content["examples"].values()}
        told = (body["type"], body["status"])
        assert told in known, f"{said}: {told} is not among the problems of this operation; {ADVICE}"


def target(reference: Json) -> Json:
    """What a reference of the document leads to; anything else as it is."""
    if "$ref" not in reference:
        return reference
    value: Any = read_document()
    for step in reference["$ref"].removeprefix("#/").split("/"):
        value = value[step]
    found: Json = value
    return found


@lru_cache(maxsize=1)
def _strict_components() -> Json:
    """The schemas, with no property allowed that they do not name: callers accept those, but none may be forgotten."""
    schemas = read_document()["components"]["schemas"]
    return {"schemas": {name: _closed(schema) for name, schema in schemas.items()}}


def _closed(schema: Json) -> Json:
    return {"additionalProperties": False, **schema} if "properties" in schema else schema
