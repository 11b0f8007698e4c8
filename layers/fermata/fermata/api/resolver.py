"""The resolver of a function behind the HTTP API: its door, its errors and its common routes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.api.answers import document, healthy
from fermata.api.problems import facts_of, problem
from fermata.api.query import refuse_unknown_parameters
from fermata.api.rate_limit_headers import Limit, count_if_free, limit, limits_told
from fermata.api.requests import caller, has_authorizer
from fermata.api.responses.problem import Charge
from fermata.domain.tenants.api_keys import Scope as Scope  # noqa: PLC0414 - for handlers, which name what they need
from fermata.domain.web.problem import problem_of
from fermata.errors import (
    FermataError,
    LimitReachedError,
    NotStartedError,
    RequestRefusedError,
    TransientError,
)
from fermata.log import logger


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
        if not has_authorizer(app.current_event):
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
            response.headers.update(limits_told(app))
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
        return problem(
            api, told.status, told.slug, told.title, told.detail, held, told.fields, facts_of(error), headers
        )

    def fail(error: Exception) -> Response[str]:
        logger.exception("unexpected error", extra={"error": type(error).__name__})
        detail = "something went wrong on our side; quote request_id when you report it"
        return problem(api, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error", detail, charged)

    def no_route(_: Exception) -> Response[str]:
        detail = f"there is no {api.current_event.http_method} {api.current_event.path}; /openapi.json has the routes"
        return problem(api, HTTPStatus.NOT_FOUND, "not_found", "There is no such route", detail, charged)

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
