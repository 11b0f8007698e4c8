"""Problem documents and health: the answers that every function of the API may give."""

from typing import Annotated, Literal

from pydantic import Field

from fermata.api.responses.body import Body
from fermata.domain.web.http_status import ERRORS
from fermata.errors import FieldError

Charge = Literal["no", "held"] | None
"""The effect of a refused request on the caller's credits; None if it could have none."""


class WrongField(Body):
    """One invalid field: a JSON pointer (RFC 6901) into the body, or the name of a query parameter, and the rule that
    it violates.
    """

    pointer: str
    message: str

    @classmethod
    def of(cls, field: FieldError) -> "WrongField":
        """A wrong field of a request."""
        return cls.model_construct(pointer=field.pointer, message=field.message)


class Problem(Body):
    """A problem document (RFC 9457). `retryable` says whether the same request may succeed later, `charged` how the
    request affected the caller's credits (null if it could not).
    """

    type: str
    title: str
    status: Annotated[int, Field(ge=ERRORS[0], le=ERRORS[-1])]
    detail: str
    errors: list[WrongField]
    retryable: bool
    charged: Charge
    request_id: str
    balance_credits: int | None = None
    available_credits: int | None = None
    price_credits: int | None = None
    required_scope: str | None = None


class Health(Body):
    """Requests reach a function, and it answers."""

    status: Literal["ok"]


class GatewayMessage(Body):
    """API Gateway's own answer, in AWS's format, instead of a function's."""

    message: str | None
