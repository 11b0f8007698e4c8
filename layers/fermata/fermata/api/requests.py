"""Read a request: its caller, headers, parameters and body."""

import base64
import binascii
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from fermata.domain.orders.idempotency import is_idempotency_key
from fermata.domain.tenants.api_keys import Scope
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.tenant import Caller
from fermata.errors import (
    FieldError,
    InsufficientScopeError,
    InvalidRequestError,
    MalformedBodyError,
    MalformedHeaderError,
)

if TYPE_CHECKING:
    from fermata.domain.catalogue.view import ModelQuery
    from fermata.domain.jobs.view import WantedAudio


def wanted_audio(event: APIGatewayProxyEventV2) -> "WantedAudio":
    """The file that a caller of an audio route wants, by `?track=` and `?original=`; raises `InvalidRequestError`."""
    from fermata.domain.jobs.view import WantedAudio

    asked = event.query_string_parameters
    text, original = asked.get("track"), asked.get("original", "false")
    if text is not None and not (text.isascii() and text.isdigit() and 0 < int(text[:4]) < 100):
        raise InvalidRequestError([FieldError("/track", "must be a track's number, 1 or more")])
    if original not in ("true", "false"):
        raise InvalidRequestError([FieldError("/original", "must be true or false, and given once")])
    return WantedAudio(caller(event).tenant_id, None if text is None else int(text), original == "true")


def models(event: APIGatewayProxyEventV2) -> "ModelQuery":
    """Which models are wanted, by `?kind=` and `?sort=`; raises `InvalidRequestError`."""
    from fermata.domain.catalogue.view import parse_model_query

    return parse_model_query(event.query_string_parameters)


def wants_request(event: APIGatewayProxyEventV2) -> bool:
    """Whether a read of a job asks for its request (`?include=request`); raises `InvalidRequestError` for any other
    value.
    """
    text = event.query_string_parameters.get("include")
    if text not in (None, "request"):
        raise InvalidRequestError([FieldError("/include", "must be request, and given once")])
    return text is not None


def caller(event: APIGatewayProxyEventV2, needed: Scope | None = None) -> Caller:
    """The caller according to the authorizer, the only source of a tenant id. Raises `InsufficientScopeError` if the
    key lacks the `needed` scope.
    """
    context = _context(event)
    if not context:
        raise RuntimeError("this route has no authorizer; expected one on every route that needs a tenant")
    found = Caller(context["tenant_id"], context["key_id"], tuple(context["scopes"].split()), _cap(context))
    if needed is not None and not found.may(needed):
        raise InsufficientScopeError(needed.value)
    return found


def has_authorizer(event: APIGatewayProxyEventV2) -> bool:
    """Whether the route of this request has an authorizer."""
    return bool(_context(event))


def _cap(context: dict[str, Any]) -> KeyCap | None:
    if "monthly_credits" not in context:
        return None
    return KeyCap(counter_id=context["counter_id"], monthly_credits=int(context["monthly_credits"]))


def _context(event: APIGatewayProxyEventV2) -> dict[str, Any] | None:
    authorizer = event.request_context.authorizer
    return authorizer.get_lambda if authorizer else None


def idempotency_key(event: APIGatewayProxyEventV2) -> str | None:
    """The key by which an order may be repeated without being made twice, or None; raises `MalformedHeaderError`."""
    key = event.headers.get("idempotency-key")
    if key is not None and not is_idempotency_key(key):
        raise MalformedHeaderError(
            f"Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, got {len(key)} characters"
        )
    return key


def raw_body(event: APIGatewayProxyEventV2) -> bytes:
    """The body as it was sent, with the Base64 decoded in which API Gateway passes binary bodies.

    Raises `MalformedBodyError`.
    """
    text = event.body or ""
    if not event.is_base64_encoded:
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise MalformedBodyError("the body is not valid Base64") from None


def api_url(event: APIGatewayProxyEventV2) -> str:
    """The URL of this API as its caller sees it, without a trailing slash."""
    scheme = event.headers.get("x-forwarded-proto", "https")
    return f"{scheme}://{event.request_context.domain_name}"
