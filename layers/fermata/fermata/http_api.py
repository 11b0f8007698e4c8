"""The HTTP side of the handlers: who calls, what was sent, and how answers and errors look (RFC 9457 problem
documents).
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, Protocol, TypedDict

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.api.query import refuse_unknown_parameters
from fermata.api.responses.body import Body
from fermata.api.responses.problem import Charge, Health, Problem, WrongField
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.view import Link, finished_tracks, missing_tracks, why_missing
from fermata.domain.orders.idempotency import is_idempotency_key
from fermata.domain.tenants.api_keys import Scope as Scope  # noqa: PLC0414 - for handlers, which name what they need
from fermata.domain.tenants.plan_limits import Allowance
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.prefer import preferred_wait
from fermata.domain.web.problem import is_retryable, problem_of, problem_type
from fermata.errors import (
    FermataError,
    FieldError,
    InsufficientScopeError,
    InvalidRequestError,
    LimitReachedError,
    MalformedBodyError,
    MalformedHeaderError,
    NotStartedError,
    OutOfCreditError,
    RequestRefusedError,
    TransientError,
)
from fermata.log import logger


class Facts(TypedDict, total=False):
    """Members that only some problems have."""

    required_scope: str
    balance_credits: int
    available_credits: int
    price_credits: int


Limit = Callable[[str], Allowance | None]
"""What a tenant's plan leaves of a limit, if that is known."""


class FreeCalls(Protocol):
    """Calls of a kind that are counted once it is known that nobody paid for them."""

    def known(self, tenant_id: str) -> Allowance | None:
        """What is left, without asking anybody."""

    def count(self, tenant_id: str) -> Allowance | None:
        """Count one such call."""


def create_api(
    scope: Scope | None,
    charged: Charge = None,
    *,
    count: Limit | None = None,
    look: Limit | None = None,
    door: Callable[[APIGatewayHttpResolver], None] | None = None,
) -> APIGatewayHttpResolver:
    """A resolver whose routes, as far as they have an authorizer, need a scope, so that none can forget it; None leaves
    that to `caller`. Each request is counted against a limit with `count`, or was counted by its answer, and `look`
    tells where that does not. `door` counts what is refused before its route could, for its scope or a
    parameter. Errors are problem documents; `charged` is what each says about the caller's money. It tells of its
    health, and what the API is like, wherever those routes lead to it.
    """
    api = APIGatewayHttpResolver()

    def identify(app: APIGatewayHttpResolver, next_step: Callable[..., Response[str]]) -> Response[str]:
        if not _context(app.current_event):
            refuse_unknown_parameters(app.current_event)
            return next_step(app)
        tenant_id = caller(app.current_event).tenant_id
        if look is not None:
            app.context["allowances"] = [lambda: look(tenant_id)]
        if count is not None:
            limit(app, count)
        _let_in(app, scope, door)
        response = next_step(app)
        if "RateLimit" not in response.headers:
            response.headers.update(_limits_told(app))
        return response

    def refuse(error: FermataError) -> Response[str]:
        if isinstance(error, RequestRefusedError):
            count_if_free(api)
        told = problem_of(error)
        # Only where AWS failed: other reasons may quote what was sent.
        reason = {"reason": str(error)} if isinstance(error, TransientError) else {}
        logger.info("request refused", extra={"problem": told.slug, "wrong_fields": len(told.fields), **reason})
        held: Charge = "held" if isinstance(error, NotStartedError) else charged
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, LimitReachedError) else {}
        return problem(api, told.status, told.slug, told.title, told.detail, held, told.fields, _facts(error), headers)

    def fail(error: Exception) -> Response[str]:
        logger.exception("unexpected error", extra={"error": type(error).__name__})
        detail = "something went wrong on our side; quote request_id when you report it"
        return problem(api, 500, "internal", "Internal error", detail, charged)

    def no_route(_: Exception) -> Response[str]:
        detail = f"there is no {api.current_event.http_method} {api.current_event.path}; /openapi.json has the routes"
        return problem(api, 404, "not_found", "There is no such route", detail, charged)

    api.use([identify])
    api.exception_handler([RequestRefusedError, TransientError])(refuse)
    api.exception_handler(Exception)(fail)
    api.not_found(no_route)
    api.get("/healthz")(healthy)
    api.get("/openapi.json")(document)
    return api


def _let_in(
    api: APIGatewayHttpResolver, scope: Scope | None, count_refused: Callable[[APIGatewayHttpResolver], None] | None
) -> None:
    try:
        caller(api.current_event, scope)
        refuse_unknown_parameters(api.current_event)
    except RequestRefusedError:
        if count_refused is not None:
            count_refused(api)
        raise


def entry_point(api: APIGatewayHttpResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The function that Lambda calls for an API."""
    handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]] = logger.inject_lambda_context(api.resolve)
    return handler


def problem(
    api: APIGatewayHttpResolver,
    status: int,
    slug: str,
    title: str,
    detail: str,
    charged: Charge = None,
    fields: Sequence[FieldError] = (),
    facts: Facts | None = None,
    headers: dict[str, str] | None = None,
    *,
    retryable: bool = False,
) -> Response[str]:
    """A problem document, with `facts` as members of its own; 429 and 503 are worth the same request again, and what is
    called `retryable`.
    """
    body = Problem.model_construct(
        type=problem_type(slug),
        title=title,
        status=status,
        detail=detail,
        errors=[WrongField.of(field) for field in fields],
        retryable=retryable or is_retryable(status),
        charged=charged,
        request_id=api.current_event.request_context.request_id,
        **(facts or {}),
    )
    again = {"Retry-After": "2"} if status == 503 else {}
    told = {**_limits_told(api), **again, **(headers or {})}
    return Response(status, "application/problem+json", body.text(), told)


def limit(api: APIGatewayHttpResolver, count: Limit) -> None:
    """Count this request against a limit, which its answer then tells of; raises `RateLimitedError` beyond it."""
    _keep_to(api, count(caller(api.current_event).tenant_id))


def limit_free_calls(api: APIGatewayHttpResolver, calls: FreeCalls) -> None:
    """Count this request if it turns out to be free; raises `RateLimitedError` where too many were, as far as that is
    known here: nobody is asked, because the request may well be one that is paid for.
    """
    tenant_id = caller(api.current_event).tenant_id
    known = calls.known(tenant_id)
    if known is not None and known.exceeded:
        _keep_to(api, known)
    api.context["free_calls"] = lambda: calls.count(tenant_id)


def count_if_free(api: APIGatewayHttpResolver) -> None:
    """Count this request, which was free, once, where its route limits such calls; its answer tells of that, too."""
    count: Callable[[], Allowance | None] | None = api.context.pop("free_calls", None)
    if count is not None:
        tell_too(api, count())


def limit_headers(*allowances: Allowance | None) -> dict[str, str]:
    """How limits are told (draft-ietf-httpapi-ratelimit-headers-10): of each quota and window, what is left and for how
    long; seconds both.
    """
    known = [allowance for allowance in allowances if allowance is not None]
    if not known:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{each.policy}";q={each.quota};w={each.window_s}' for each in known),
        "RateLimit": ", ".join(f'"{each.policy}";r={each.remaining};t={each.resets_in_s}' for each in known),
    }


def _keep_to(api: APIGatewayHttpResolver, allowance: Allowance | None) -> None:
    api.context["allowances"] = [lambda: allowance]
    if allowance is not None and allowance.exceeded:
        raise allowance.refusal()


def tell_too(api: APIGatewayHttpResolver, allowance: Allowance | None) -> None:
    """Let the answer tell of one more limit, if it is known."""
    api.context["allowances"] = [*api.context.get("allowances", ()), lambda: allowance]


def _limits_told(api: APIGatewayHttpResolver) -> dict[str, str]:
    allowances: Sequence[Callable[[], Allowance | None]] = api.context.get("allowances", ())
    return limit_headers(*(allowance() for allowance in allowances))


def _facts(error: FermataError) -> Facts:
    if isinstance(error, InsufficientScopeError):
        return {"required_scope": error.scope}
    if not isinstance(error, OutOfCreditError):
        return {}
    return {
        "balance_credits": error.balance,
        "available_credits": error.available,
        "price_credits": error.price,
    }


def answer(status: int, body: Body, headers: dict[str, str] | None = None) -> Response[str]:
    """A JSON answer that nobody may cache."""
    return Response(status, "application/json", body.text(), {"Cache-Control": "no-store", **(headers or {})})


def healthy() -> Response[str]:
    """200 for whoever asks, without a look at anything else: requests reach a function and it answers."""
    return answer(200, Health.model_construct(status="ok"))


def document() -> Response[str]:
    """The OpenAPI document, for whoever asks; it changes with the deployment only."""
    text = files("fermata").joinpath("openapi.json").read_text(encoding="utf-8")
    return Response(200, "application/json", text, {"Cache-Control": "public, max-age=300"})


def accepted_silently() -> Response[str]:
    """A 204 that tells nothing."""
    return Response(204, "text/plain", "", {"Cache-Control": "no-store"})


def redirect_to_track(link: Link) -> Response[str]:
    """A 302 to a link that is good for a while."""
    return Response(302, "text/plain", "", {"Location": link.url, "Cache-Control": "no-store"})


def track_number(event: APIGatewayProxyEventV2) -> int | None:
    """The `?track=` of an audio route, None where there is none; raises `InvalidRequestError`."""
    text = event.query_string_parameters.get("track")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:4]) < 100):
        raise InvalidRequestError([FieldError("/track", "must be a track's number, 1 or more")])
    return int(text)


def without_track(
    api: APIGatewayHttpResolver, job: Job, number: int | None, later: dict[str, str] | None = None
) -> Response[str]:
    """404 for a track that a delivered job lacks for good, 409 for one that it does not have, or not yet: then the same
    request is worth sending again, and `later` says when.
    """
    missing = next((each for each in missing_tracks(job) if each.number == number), None)
    if missing is not None:
        there = ", ".join(str(track.number) for track in finished_tracks(job))
        detail = f"track {number} is missing: {why_missing(missing)}; tracks of this job: {there}"
        return problem(api, 404, "not_found", "There is no such thing", detail)
    wanted = "track yet" if number is None else f"track {number}"
    is_open = not job.status.is_terminal
    hint = "; look again when its status is succeeded" if is_open else ""
    detail = f"the job is {job.status} and has no {wanted}{hint}"
    return problem(api, 409, "no_such_track", "There is no such track", detail, headers=later, retryable=is_open)


def caller(event: APIGatewayProxyEventV2, needed: Scope | None = None) -> Caller:
    """Who the authorizer says is calling; the only source of a tenant id. Raises `InsufficientScopeError` where that
    key lacks the scope that is needed.
    """
    context = _context(event)
    if not context:
        raise RuntimeError("this route has no authorizer; expected one on every route that needs a tenant")
    found = Caller(context["tenant_id"], context["key_id"], tuple(context["scopes"].split()))
    if needed is not None and not found.may(needed):
        raise InsufficientScopeError(needed.value)
    return found


def _context(event: APIGatewayProxyEventV2) -> dict[str, Any] | None:
    authorizer = event.request_context.authorizer
    return authorizer.get_lambda if authorizer else None


def wait_s(api: APIGatewayHttpResolver, who: Caller, count: Limit | None) -> int | None:
    """How many seconds the caller of an order would like to wait for its end; None for no wait, and for a key that may
    not read what would be told.

    An order that was made before is free, and a wish to wait for it a read, which `count` counts: beyond the caller's
    reads it may not wait, but is answered all the same.
    """
    wished = preferred_wait(api.current_event.headers.get("prefer", "")) if who.may(Scope.JOBS_READ) else None
    if count is None:
        return wished
    count_if_free(api)
    if wished is None:
        return None
    allowance = count(who.tenant_id)
    tell_too(api, allowance)
    return None if allowance is not None and allowance.exceeded else wished


def idempotency_key(event: APIGatewayProxyEventV2) -> str | None:
    """The key by which an order may be repeated without being made twice, or None; raises `MalformedHeaderError`."""
    key = event.headers.get("idempotency-key")
    if key is not None and not is_idempotency_key(key):
        raise MalformedHeaderError(
            f"Idempotency-Key must be 1 to 255 visible ASCII characters without spaces, got {len(key)} characters"
        )
    return key


def raw_body(event: APIGatewayProxyEventV2) -> bytes:
    """The body of an order as it was sent; API Gateway hands over what is not text as Base64.

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
    """Where this API answers, as its caller knows it."""
    scheme = event.headers.get("x-forwarded-proto", "https")
    return f"{scheme}://{event.request_context.domain_name}"
