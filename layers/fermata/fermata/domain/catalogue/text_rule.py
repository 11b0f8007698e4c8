"""The length of a text that a model takes."""

from pydantic import BaseModel, ConfigDict, NonNegativeInt


class TextRule(BaseModel):
    """Length of a text in Unicode code points, and whether it is required. `max` 0: the model takes no such text."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    min: NonNegativeInt
    max: NonNegativeInt
    required: bool

    @property
    def is_taken(self) -> bool:
        """Whether the model takes such a text at all."""
        return self.max > 0
