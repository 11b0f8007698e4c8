"""CloudFormation's events about a custom resource, and the answers that it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_pascal

_REFUSED: Final = "refused"
_LONGEST_REASON: Final = 1500
"""Characters of a reason; CloudFormation takes an answer of 4,096 bytes."""


class RequestType(StrEnum):
    """What happens to the resource."""

    CREATE = "Create"
    UPDATE = "Update"
    DELETE = "Delete"


class StackEvent(BaseModel):
    """One event. `physical_resource_id` is what the answer to the event before named, empty where there was none."""

    model_config = ConfigDict(defer_build=True, alias_generator=to_pascal, frozen=True, hide_input_in_errors=True)

    request_type: RequestType
    request_id: str
    response_url: str = Field(alias="ResponseURL")
    stack_id: str
    logical_resource_id: str
    resource_type: str = ""
    physical_resource_id: str = ""
    resource_properties: Mapping[str, JsonValue] = {}


@dataclass(frozen=True)
class StackAnswer:
    """What CloudFormation is told. Where `physical_id` differs from the one before, it deletes the one before later;
    `refusal` is why the deployment fails, None where it goes on; `attributes` are there for the template.
    """

    physical_id: str
    refusal: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def refused(event: StackEvent, why: str) -> StackAnswer:
    """The answer that fails a deployment, so that it is rolled back; the resource stays what it was.

    A deletion is never refused: what it leaves behind harms nobody, but a stack that cannot be deleted does.
    """
    refusal = None if event.request_type is RequestType.DELETE else why[:_LONGEST_REASON]
    return StackAnswer(event.physical_resource_id or _REFUSED, refusal)
