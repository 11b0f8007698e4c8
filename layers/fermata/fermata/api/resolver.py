"""The resolver of a function behind the HTTP API: its door, its errors and its common routes."""

from collections.abc import Callable
from dataclasses import dataclass
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
    api.use([_Door(scope, count, look, door).admit])
    errors = _Errors(api, charged)
    api.exception_handler([RequestRefusedError, TransientError])(errors.refuse)
    api.exception_handler(Exception)(errors.fail)
    api.not_found(errors.no_route)
    api.get("/healthz")(healthy)
    api.get("/openapi.json")(document)
    return api


@dataclass(frozen=True)
class _Door:
    """What a request passes before its route."""

    scope: Scope | None
    count: Limit | None
    look: Limit | None
    count_refused: Callable[[APIGatewayHttpResolver], None] | None

    def admit(self, api: APIGatewayHttpResolver, next_step: Callable[..., Response[str]]) -> Response[str]:
        """The route's answer, with what the plan leaves of a limit."""
        if not has_authorizer(api.current_event):
            refuse_unknown_parameters(api.current_event)
            return next_step(api)
        tenant_id, look = caller(api.current_event).tenant_id, self.look
        if look is not None:
            api.context["allowances"] = [lambda: look(tenant_id)]
        if self.count is not None:
            limit(api, self.count)
        self._check(api)
        response = next_step(api)
        if "RateLimit" not in response.headers:
            response.headers.update(limits_told(api))
        return response

    def _check(self, api: APIGatewayHttpResolver) -> None:
        try:
            caller(api.current_event, self.scope)
            refuse_unknown_parameters(api.current_event)
        except RequestRefusedError:
            if self.count_refused is not None:
                self.count_refused(api)
            raise


@dataclass(frozen=True)
class _Errors:
    """The problem documents in place of answers; `charged` is what each says about the caller's money."""

    api: APIGatewayHttpResolver
    charged: Charge

    def refuse(self, error: FermataError) -> Response[str]:
        """For a request that was not carried out, by its own fault or AWS's."""
        if isinstance(error, RequestRefusedError):
            count_if_free(self.api)
        told = problem_of(error)
        # Only where AWS failed: other reasons may quote what was sent.
        reason = {"reason": str(error)} if isinstance(error, TransientError) else {}
        logger.info("request refused", extra={"problem": told.slug, "wrong_fields": len(told.fields), **reason})
        held: Charge = "held" if isinstance(error, NotStartedError) else self.charged
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, LimitReachedError) else {}
        return problem(
            self.api, told.status, told.slug, told.title, told.detail, held, told.fields, facts_of(error), headers
        )

    def fail(self, error: Exception) -> Response[str]:
        """For an error that nobody foresaw."""
        logger.exception("unexpected error", extra={"error": type(error).__name__})
        detail = "something went wrong on our side; quote request_id when you report it"
        return problem(self.api, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error", detail, self.charged)

    def no_route(self, _: Exception) -> Response[str]:
        """For a method and path that no route has."""
        event = self.api.current_event
        detail = f"there is no {event.http_method} {event.path}; /openapi.json has the routes"
        return problem(self.api, HTTPStatus.NOT_FOUND, "not_found", "There is no such route", detail, self.charged)


def entry_point(api: APIGatewayHttpResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The function that Lambda calls for an API."""
    handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]] = logger.inject_lambda_context(api.resolve)
    return handler
