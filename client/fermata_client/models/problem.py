"""Problem documents (RFC 9457)."""

from pydantic import Field

from fermata_client.models.answer import Answer


class WrongField(Answer):
    """One wrong field: a JSON pointer into the request, or the name of a query parameter, and the rule."""

    pointer: str
    message: str


class Problem(Answer):
    """Why a request was refused, and what that did to the caller's credits (null if it could do nothing)."""

    type: str
    title: str = ""
    status: int
    detail: str = ""
    errors: list[WrongField] = Field(default_factory=list)
    retryable: bool = False
    charged: str | None = None
    request_id: str | None = None
    balance_credits: int | None = None
    available_credits: int | None = None
    price_credits: int | None = None
    required_scope: str | None = None

    @property
    def code(self) -> str:
        """The kind of problem in one word."""
        return self.type.rpartition(":")[2]
