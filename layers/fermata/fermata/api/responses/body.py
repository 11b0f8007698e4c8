"""What all bodies of answers have in common, and the types that several of them use."""

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Body(BaseModel):
    """The body of an answer, or a part of one.

    Bodies are made with `model_construct`: mypy checks it against the fields, nothing does at run time. So a record
    that could be read can be shown, whatever another version stored in it; that types and bounds hold for every record
    that the domain can make is tested against the served document. A model is built on its first use, which keeps the
    import of a family cheap.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    def as_json(self) -> dict[str, JsonValue]:
        """The body as a JSON object, its members in the order of the fields; what was not set is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)

    def text(self) -> str:
        """The body as it is sent."""
        return json.dumps(self.as_json())


Url = Annotated[str, Field(json_schema_extra={"format": "uri"})]
Seconds = Annotated[int, Field(ge=1)]
Credits = Annotated[int, Field(ge=0)]
