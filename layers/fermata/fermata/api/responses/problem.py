"""Problem documents and health: the answers that every function of the API may give."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from fermata.api.responses.body import Body
from fermata.domain.web.http_status import ERRORS
from fermata.errors import FieldError

Charge = Literal["no", "held"] | None
"""The effect of a refused request on the caller's credits; None if it could have none."""


class WrongField(Body):
    """One invalid field of a request."""

    pointer: str
    """A JSON pointer (RFC 6901) into the body, or the name of a query parameter."""
    message: str
    """The rule that the field violates."""

    @classmethod
    def of(cls, field: FieldError) -> "WrongField":
        """A wrong field of a request."""
        return cls.model_construct(pointer=field.pointer, message=field.message)


class Problem(Body):
    """The error of this API: a problem document (RFC 9457)."""

    type: str
    """Which type of problem it is, an URN; the list is at the head of this document. Types may be added."""
    title: str
    """What the type means, in a few words."""
    status: Annotated[int, Field(ge=ERRORS[0], le=ERRORS[-1])]
    """The HTTP status of the answer."""
    detail: str
    """What is wrong with this request, what was expected, and what to do."""
    errors: list[WrongField]
    """Every wrong field of the request, a hundred at most; empty where no field is wrong."""
    retryable: bool
    """Whether the same request may succeed later."""
    charged: Charge
    """How the request affected your credits; null if it could not."""
    request_id: str
    """The id to quote to the operator."""
    balance_credits: int | SkipJsonSchema[None] = None
    """The balance in credits; only for `out_of_credit`."""
    available_credits: int | SkipJsonSchema[None] = None
    """The credits that a new job may hold; only for `out_of_credit`."""
    price_credits: int | SkipJsonSchema[None] = None
    """The credits that the order would hold; only for `out_of_credit`."""
    required_scope: str | SkipJsonSchema[None] = None
    """The scope that the key lacks; only for `insufficient_scope`."""


class Health(Body):
    """Requests reach a function, and it answers."""

    status: Literal["ok"]
    """The service answers."""


class GatewayMessage(Body):
    """The only other error: API Gateway's own answer, in AWS's format, instead of a function's."""

    message: str | None
    """What AWS says, in a few words; null if it says nothing."""
