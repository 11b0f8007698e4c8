"""AWS::CloudFormation::CustomResource and Custom::*: a function of the stack creates them.

The deployer invokes the function as CloudFormation does. The function answers with a PUT to the event's `ResponseURL`.
"""

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal
from werkzeug.wrappers import Request, Response

from local.deploy.deployment import ACCOUNT_ID, REGION, FunctionSpec
from local.deploy.intrinsics import TemplateValue, as_text
from local.deploy.resources.resource_type import Created, Properties, ResourceType, Stack, UnsupportedValueError
from local.errors import CustomResourceError, ResourceCreationError
from local.http.server import HttpServer, listen

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

CUSTOM_RESOURCE: Final = "AWS::CloudFormation::CustomResource"
CUSTOM_PREFIX: Final = "Custom::"
MOST_ANSWER_BYTES: Final = 4096
"""Maximum size of an answer in CloudFormation."""


class CustomResourceProperties(Properties):
    """The properties that CloudFormation itself reads; the function defines all others."""

    model_config = ConfigDict(extra="allow")

    service_token: str
    service_timeout: int = Field(default=3600, ge=1, le=3600)

    def for_the_function(self) -> dict[str, Any]:
        """Return all properties as the function's event holds them, with every scalar as text."""
        given = {**(self.model_extra or {}), "ServiceToken": self.service_token}
        if "service_timeout" in self.model_fields_set:
            given["ServiceTimeout"] = self.service_timeout
        return {name: _with_texts(value) for name, value in given.items()}


class _Answer(BaseModel):
    """The answer that a function puts to its event's `ResponseURL`."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid", hide_input_in_errors=True)

    status: Literal["SUCCESS", "FAILED"]
    reason: str = "no reason was given"
    physical_resource_id: str = Field(min_length=1, max_length=1024)
    stack_id: str
    request_id: str
    logical_resource_id: str
    no_echo: bool = False
    data: dict[str, Any] = {}


class _AnyAttribute(frozenset[str]):
    """The attributes of a custom resource: any name, because the function's answer defines them."""

    def __contains__(self, _name: object) -> bool:
        return True


class _Mailbox:
    """A WSGI application that takes the answer to one event under one secret path."""

    def __init__(self) -> None:
        self.path: Final = f"/{secrets.token_urlsafe(16)}"
        self.body: bytes | None = None

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Keep the body of a PUT to the path, unless it exceeds CloudFormation's limit."""
        request = Request(environ)
        if request.method != "PUT" or request.path != self.path:
            return Response(status=403)(environ, start_response)
        body = request.get_data()
        if len(body) > MOST_ANSWER_BYTES:
            return Response(status=400)(environ, start_response)
        self.body = body
        return Response(status=200)(environ, start_response)


def custom_resource_type(type_name: str) -> ResourceType[CustomResourceProperties]:
    """Return the type of custom resources that a template calls `type_name`."""

    def create(logical_id: str, properties: CustomResourceProperties, stack: Stack) -> Created:
        return _create(type_name, logical_id, properties, stack)

    return ResourceType(CUSTOM_RESOURCE, CustomResourceProperties, create, _AnyAttribute())


def _create(type_name: str, logical_id: str, properties: CustomResourceProperties, stack: Stack) -> Created:
    label = f"{logical_id} ({type_name})"
    function = _function(properties.service_token, stack)
    event = {
        "RequestType": "Create",
        "RequestId": str(uuid4()),
        "StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT_ID}:stack/{stack.name}/local",
        "ResourceType": type_name,
        "LogicalResourceId": logical_id,
        "ServiceToken": properties.service_token,
        "ResourceProperties": properties.for_the_function(),
    }
    with _mailbox() as (mailbox, url):
        failure = stack.run(function, json.dumps({**event, "ResponseURL": url}).encode())
    if mailbox.body is None:
        cause = f"it failed with {failure}" if failure else "it ended without an answer"
        raise ResourceCreationError(f"{label}: {cause}; see the log of {function.logical_id}")
    answer = _read(mailbox.body, event, label)
    if answer.status == "FAILED":
        raise CustomResourceError(f"{label}: {answer.reason}")
    return Created(answer.physical_resource_id, {name: as_text(value) for name, value in answer.data.items()})


def _function(service_token: str, stack: Stack) -> FunctionSpec:
    functions = (function for created in stack.created.values() for function in created.functions)
    found = next((function for function in functions if function.arn == service_token), None)
    if found is None:
        raise UnsupportedValueError("ServiceToken", f"{service_token} is not a function of this template")
    return found


@contextmanager
def _mailbox() -> Iterator[tuple[_Mailbox, str]]:
    mailbox = _Mailbox()
    server = HttpServer(listen(0), mailbox)
    server.start()
    try:
        yield mailbox, f"{server.url}{mailbox.path}"
    finally:
        server.stop()


def _read(body: bytes, event: dict[str, Any], label: str) -> _Answer:
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc']))} {each['msg']}" for each in error.errors())
        raise ResourceCreationError(f"{label}: CloudFormation would refuse its answer: {problems}") from None
    named = (answer.stack_id, answer.request_id, answer.logical_resource_id)
    if named != (event["StackId"], event["RequestId"], event["LogicalResourceId"]):
        raise ResourceCreationError(f"{label}: its answer names another stack, request or resource")
    return answer


def _with_texts(value: TemplateValue) -> TemplateValue:
    if isinstance(value, dict):
        return {name: _with_texts(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_with_texts(child) for child in value]
    return as_text(value)


RESOURCE_TYPES: Final = (custom_resource_type(CUSTOM_RESOURCE),)
