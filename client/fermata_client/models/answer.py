"""The base of all answers."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal["song", "speech"]
"""What a model makes."""


class Answer(BaseModel):
    """An answer, or a part of one. A later version of Fermata may add fields; they are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True, populate_by_name=True)
