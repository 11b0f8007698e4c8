"""Refuse query parameters that the served OpenAPI document does not list for the request's operation."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from fermata.domain.web.json_body import MAX_FIELDS_TOLD
from fermata.domain.web.metadata_names import ANY_NAME, METADATA
from fermata.errors import FieldError, InvalidRequestError

_OPEN: Final = re.compile(r"/v1/(callbacks|live)/.*|/healthz", re.DOTALL)
_PLACE: Final = re.compile(r"\\{\w+\\}")


def takes_any_query(path: str) -> bool:
    """Whether a path accepts any query parameter: its requests come from providers, players and probes, which add their
    own.
    """
    return _OPEN.fullmatch(path) is not None


def refuse_unknown_parameters(event: APIGatewayProxyEventV2) -> None:
    """Raise `InvalidRequestError` that names the query parameters that the request's operation does not have, and the
    names of metadata that are given twice. Otherwise a misspelled parameter would be ignored silently, and two values
    would be read as one with a comma.
    """
    asked = _sent_names(event)
    if not asked or takes_any_query(event.path):
        return
    allowed = _allowed(event.http_method, event.path)
    unknown = [] if allowed is None else [name for name in asked if not _is_allowed(name, allowed)]
    wrong = [FieldError(_pointer(name), _hint(allowed or ())) for name in unknown]
    once = "must be given once: a job has one value of each name"
    wrong += [FieldError(_pointer(name), once) for name in _repeated(event) if name not in unknown]
    if wrong:
        raise InvalidRequestError(wrong[:MAX_FIELDS_TOLD])


def _hint(allowed: tuple[str, ...]) -> str:
    hint = f"allowed: {', '.join(allowed)}" if allowed else "this operation has none"
    return f"is not a query parameter here; {hint}"


def _repeated(event: APIGatewayProxyEventV2) -> list[str]:
    names = [name for name, _ in _sent(event) if name.startswith(METADATA)]
    return [name for name in dict.fromkeys(names) if names.count(name) > 1]


def _is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    return name in allowed or (name.startswith(METADATA) and ANY_NAME in allowed)


def _sent(event: APIGatewayProxyEventV2) -> list[tuple[str, str]]:
    return parse_qsl(event.raw_query_string, keep_blank_values=True)


def _sent_names(event: APIGatewayProxyEventV2) -> list[str]:
    return list(dict.fromkeys([*(name for name, _ in _sent(event)), *event.query_string_parameters]))


def _allowed(method: str, path: str) -> tuple[str, ...] | None:
    """The query parameters of an operation; None if there is no such operation."""
    found = (names for route, names in _operations().get(method, {}).items() if re.fullmatch(route, path))
    return next(found, None)


@lru_cache(maxsize=1)
def _operations() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """The query parameters by method and by the pattern of the path. The document is read at the first request with a
    query.
    """
    document = json.loads(files("fermata").joinpath("openapi.json").read_text(encoding="utf-8"))
    parameters = document["components"]["parameters"]
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for path, operations in document["paths"].items():
        route = _PLACE.sub("[^/]+", re.escape(path))
        for method, operation in operations.items():
            found.setdefault(method.upper(), {})[route] = tuple(_query_names(operation, parameters))
    return found


def _query_names(operation: Mapping[str, Any], parameters: Mapping[str, Any]) -> Iterator[str]:
    for each in operation.get("parameters", ()):
        parameter = parameters[each["$ref"].rpartition("/")[2]]
        if parameter["in"] == "query":
            yield parameter["name"]


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")
