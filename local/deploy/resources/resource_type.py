"""The parts of every supported resource type: a strict model of its properties, its attributes and its creation."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_pascal

from local.deploy.deployment import ACCOUNT_ID, REGION, FunctionSpec, Route, Throttle

Clients: TypeAlias = Callable[[str], Any]
"""Returns the boto3 client of a service. The type is loose, because the name decides it at run time."""


RunFunction: TypeAlias = Callable[[FunctionSpec, bytes], str | None]
"""Runs a function of an unfinished stack to its end; returns its error type, or None on success."""


class UnsupportedValueError(Exception):
    """A property has a valid form but an unsupported value."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


def _as_cloudformation_text(value: object) -> object:
    return ("true" if value else "false") if isinstance(value, bool) else value


Text: TypeAlias = Annotated[str, BeforeValidator(_as_cloudformation_text)]
"""A string; numbers and booleans are written as CloudFormation writes them."""
Document: TypeAlias = dict[str, Any]
"""JSON that AWS defines and that the deployer passes on unchanged, such as an IAM policy or an event pattern."""


class Properties(BaseModel):
    """The supported properties of one resource type; the model refuses any other."""

    model_config = ConfigDict(
        alias_generator=to_pascal, coerce_numbers_to_str=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    def as_request(self) -> dict[str, Any]:
        """Return the given properties under the names that CloudFormation and the AWS API share."""
        return self.model_dump(by_alias=True, exclude_none=True)


class S3Location(Properties):
    """The location of packaged code in AWS; its key identifies the code on disk."""

    s3_bucket: str
    s3_key: str


@dataclass(frozen=True)
class Created:
    """A created resource: its values for `Ref` and `Fn::GetAtt`, and the values that the bridges need."""

    physical_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    functions: tuple[FunctionSpec, ...] = ()
    routes: tuple[Route, ...] = ()
    throttles: Mapping[str, Throttle] = field(default_factory=dict)
    """The limit for each route by the physical id of the API; of one route, by that id, a space and the route's key."""
    layer_dir: Path | None = None


@dataclass(frozen=True)
class Stack:
    """The view that a resource has of its stack; `created` grows with each created resource."""

    name: str
    client: Clients
    artifacts: Mapping[str, Path]
    created: Mapping[str, Created]
    run: RunFunction

    def physical_name(self, logical_id: str, limit: int) -> str:
        """Return a name of at most `limit` characters that is the same at every start."""
        name = f"{self.name}-{logical_id}"
        return name if len(name) <= limit else f"{name[: limit - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def layer_dir(self, layer_version_arn: str) -> Path:
        """Return the folder of a layer of this stack, for the functions' import path."""
        for created in self.created.values():
            if created.layer_dir and created.physical_id == layer_version_arn:
                return created.layer_dir
        raise UnsupportedValueError(
            "Layers", f"{layer_version_arn} is not a layer of this template, and others cannot be fetched"
        )


P = TypeVar("P", bound=Properties)
Artifacts: TypeAlias = Mapping[str, Path]
"""The path of each piece of packaged code on disk, by its key."""


def _accept(_properties: Properties, _artifacts: Artifacts) -> None:
    """Accept all properties that fit their model."""


@dataclass(frozen=True)
class ResourceType(Generic[P]):
    """One CloudFormation type; `create` returns exactly the named `attributes`."""

    name: str
    properties: type[P]
    create: Callable[[str, P, Stack], Created]
    attributes: frozenset[str] = frozenset()
    check: Callable[[P, Artifacts], None] = _accept
    """Raises UnsupportedValueError for errors that are visible before anything is created."""
    update: Callable[[str, P, Stack, Created], Created] | None = None
    """Applies new properties to a created resource. Without it, a resource stays as it is in an update."""


def as_json(document: object) -> str:
    """Write a policy or a pattern as JSON; YAML turns an unquoted `2012-10-17` into a date."""
    return json.dumps(document, default=str)


def arn(service: str, resource: str) -> str:
    """Return the ARN of a resource of the local account and region."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}:{resource}"
