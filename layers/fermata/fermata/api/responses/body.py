"""The base of all bodies of answers, and the types that several of them use."""

import json
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

if TYPE_CHECKING:
    from fermata.domain.catalogue.models import Estimate


class Body(BaseModel):
    """The body of an answer, or a part of one.

    Bodies are made with `model_construct`: mypy checks the call against the fields; there is no validation at run time.
    So every record that can be read can be shown, even if another version stored it. Tests against the served document
    check that types and bounds hold for every record that the domain can make. Models are built on first use, which
    keeps their import cheap. The docstring below a field describes it in the served document. A field of the type
    `X | SkipJsonSchema[None]` is absent from some answers and never null.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    def as_json(self) -> dict[str, JsonValue]:
        """The body as a JSON object. Its members have the order of the fields; fields that were not set are omitted."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)

    def text(self) -> str:
        """The body as JSON text."""
        return json.dumps(self.as_json())


Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Seconds = Annotated[int, Field(ge=1)]
Credits = Annotated[int, Field(ge=0)]
Percent = Annotated[int, Field(ge=0, le=100)]
Units = Annotated[float, Field(ge=0)]


class ModelEstimate(Body):
    """How long a model's songs take."""

    p50_s: Seconds
    """Half of the latest songs took at most so many seconds."""
    p80_s: Seconds
    """Four of five of the latest songs took at most so many seconds."""

    @classmethod
    def of(cls, estimate: "Estimate") -> "ModelEstimate":
        """The estimate as shown to callers."""
        return cls.model_construct(p50_s=estimate.p50_s, p80_s=estimate.p80_s)
