"""What a route of the API is, as the document tells of it."""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

OF_A_BODY: Final = ("malformed_body", "body_too_large", "invalid_request")
"""What may be wrong with any body."""
COSTS: Final = (
    "**Costs credits.** An accepted order holds its price at once and spends it for what is delivered. `quote_job` "
    "tells the price for free, and `max_credits` bounds it. Send an `Idempotency-Key`, and repeat an order whose "
    "answer was lost under the same one: without it the repeat is a second order, which is paid as well."
)
"""What the description of an operation that buys begins with."""


@dataclass(frozen=True)
class Answer:
    """One way in which an operation succeeds; without `body` there is none. `headers` are names in `HEADERS`, `links`
    the operations that take the body's `id` from here; `csv` is whether the body is there in CSV, too.
    """

    status: int
    description: str
    body: type[BaseModel] | dict[str, Any] | None = None
    headers: tuple[str, ...] = ()
    example: object = None
    links: tuple[str, ...] = ()
    csv: bool = False


@dataclass(frozen=True)
class Operation:
    """One route. `problems` are slugs of what may be wrong, besides what may go wrong anywhere; `parameters` are names
    in `PARAMETERS`; `public` is a route without a key, `buys` one whose request may cost credits.
    """

    method: str
    path: str
    id: str
    summary: str
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_examples: tuple[tuple[str, dict[str, Any]], ...] = ()
    body_optional: bool = False
    description: str = ""
    tag: str = "jobs"
    public: bool = False
    buys: bool = False

    @property
    def route_key(self) -> str:
        """The route as API Gateway names it."""
        return f"{self.method} {self.path}"


TAGS: Final = {
    "jobs": "Orders and what became of them.",
    "webhooks": "Posts about the ends of jobs, and where they go.",
    "models": "What can be ordered.",
    "references": "Recordings that songs follow.",
    "account": "Credits, usage and keys.",
    "providers": "What providers call.",
    "service": "The API itself.",
}
"""What the operations are about, by the tags that they have."""
