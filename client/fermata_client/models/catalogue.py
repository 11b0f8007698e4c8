"""What can be ordered, and for how much."""

from typing import Any

from pydantic import Field

from fermata_client.models.answer import Answer
from fermata_client.models.job import Expectation


class Model(Answer):
    """A model on offer. `price_credits` is the price of one `unit`; `example` is an order that works as it stands."""

    id: str
    kind: str = "song"
    provider: str
    available: bool
    price_credits: int
    unit: str = "song"
    unit_credits: int | None = None
    songs: int = 1
    inputs: list[str] = Field(default_factory=list)
    outputs: list[str] = Field(default_factory=list)
    live: bool = False
    callbacks: bool = False
    voices: int | None = None
    hints: list[str] = Field(default_factory=list)
    example: dict[str, Any] = Field(default_factory=dict)
    limits: dict[str, Any] = Field(default_factory=dict)
    estimate: Expectation


class Voice(Answer):
    """A voice that an order names by its `id`; what is unknown is null."""

    id: str
    name: str | None = None
    language: str | None = None
    gender: str | None = None
    preview_url: str | None = None


class QuoteCandidate(Answer):
    """A model that `auto` looked at; `why_not` says why it is not asked."""

    model: str
    price_credits: int | None = None
    estimate: Expectation
    why_not: str | None = None


class Quote(Answer):
    """The price of an order. `hold_credits` is what the order would hold until it ends, the dearest of its chain."""

    kind: str = "song"
    model: str
    fallbacks: list[str] = Field(default_factory=list)
    units: float | None = None
    unit: str = "song"
    unit_credits: int | None = None
    discount_percent: int = 0
    price_credits: int
    hold_credits: int
    estimate: Expectation
    candidates: list[QuoteCandidate] | None = None
