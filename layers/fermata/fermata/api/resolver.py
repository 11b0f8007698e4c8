"""The resolver of a function behind the HTTP API: admission, errors and common routes."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.api.answers import document, healthy
from fermata.api.problems import facts_of, problem
from fermata.api.query import refuse_unknown_parameters
from fermata.api.rate_limit_headers import Limit, count_if_free, limit, reported_limits
from fermata.api.requests import caller, has_authorizer
from fermata.api.responses.problem import Charge
from fermata.domain.tenants.api_keys import Scope as Scope  # noqa: PLC0414 - for handlers, which name what they need
from fermata.domain.web.problem import problem_of
from fermata.errors import (
    DrainingError,
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
    count_changes: Limit | None = None,
    look: Limit | None = None,
    door: Callable[[APIGatewayHttpResolver], None] | None = None,
    admit: Callable[[str], None] | None = None,
) -> APIGatewayHttpResolver:
    """A resolver that checks `scope` for all routes with an authorizer, so that no route can forget it; with None, each
    route checks its own with `caller`. It also serves `/healthz` and `/openapi.json`, and turns errors into problem
    documents, whose `charged` it sets.

    `count` counts each request against a limit; beside `count_changes`, which counts all others, it counts the GETs.
    `look` reads a limit without counting, for answers that report none themselves. `door` counts requests that are
    refused before their route, for their scope or a parameter. `admit` raises for a tenant that may change
    nothing now; GETs go on.
    """
    api = APIGatewayHttpResolver()
    api.use([_Door(scope, count, count_changes, look, door, admit).admit])
    errors = _Errors(api, charged)
    api.exception_handler([RequestRefusedError, TransientError])(errors.refuse)
    api.exception_handler(Exception)(errors.fail)
    api.not_found(errors.no_route)
    api.get("/healthz")(healthy)
    api.get("/openapi.json")(document)
    return api


@dataclass(frozen=True)
class _Door:
    """The checks and counts before a request's route."""

    scope: Scope | None
    count: Limit | None
    count_changes: Limit | None
    look: Limit | None
    count_refused: Callable[[APIGatewayHttpResolver], None] | None
    admit_change: Callable[[str], None] | None

    def admit(self, api: APIGatewayHttpResolver, next_step: Callable[..., Response[str]]) -> Response[str]:
        """The route's answer, with the headers of the plan's limits."""
        if not has_authorizer(api.current_event):
            refuse_unknown_parameters(api.current_event)
            return next_step(api)
        tenant_id, look = caller(api.current_event).tenant_id, self.look
        if look is not None:
            api.context["allowances"] = [lambda: look(tenant_id)]
        is_change = api.current_event.http_method != "GET"
        count = self.count_changes if is_change and self.count_changes is not None else self.count
        if count is not None:
            limit(api, count)
        self._check(api)
        if is_change and self.admit_change is not None:
            self.admit_change(tenant_id)
        response = next_step(api)
        if "RateLimit" not in response.headers:
            response.headers.update(reported_limits(api))
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
    """Turns errors into problem documents with this `charged`."""

    api: APIGatewayHttpResolver
    charged: Charge

    def refuse(self, error: FermataError) -> Response[str]:
        """The problem of a request that was not carried out, because it is invalid or AWS failed."""
        if isinstance(error, RequestRefusedError):
            count_if_free(self.api)
        found = problem_of(error)
        # Logged only if AWS failed: other reasons may quote the request.
        reason = {"reason": str(error)} if isinstance(error, TransientError) else {}
        logger.info("request refused", extra={"problem": found.slug, "wrong_fields": len(found.fields), **reason})
        held: Charge = "held" if isinstance(error, NotStartedError) else self.charged
        headers = (
            {"Retry-After": str(error.retry_after_s)} if isinstance(error, LimitReachedError | DrainingError) else {}
        )
        return problem(
            self.api, found.status, found.slug, found.title, found.detail, held, found.fields, facts_of(error), headers
        )

    def fail(self, error: Exception) -> Response[str]:
        """The problem of an unexpected error."""
        logger.exception("unexpected error", extra={"error": type(error).__name__})
        detail = "something went wrong on our side; quote request_id when you report it"
        return problem(self.api, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", "Internal error", detail, self.charged)

    def no_route(self, _: Exception) -> Response[str]:
        """The problem of a request to an unknown route."""
        event = self.api.current_event
        detail = f"there is no {event.http_method} {event.path}; /openapi.json has the routes"
        return problem(self.api, HTTPStatus.NOT_FOUND, "not_found", "There is no such route", detail, self.charged)


def entry_point(api: APIGatewayHttpResolver) -> Callable[[dict[str, Any], LambdaContext], dict[str, Any]]:
    """The Lambda handler of an API."""
    handler: Callable[[dict[str, Any], LambdaContext], dict[str, Any]] = logger.inject_lambda_context(api.resolve)
    return handler
