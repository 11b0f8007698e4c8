"""Count requests against limits, and report those limits in the headers of answers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from fermata.api.requests import caller
from fermata.domain.tenants.plan_limits import Allowance

Limit = Callable[[str], Allowance | None]
"""Returns the rest of a limit of a tenant's plan, None if unknown."""


class FreeCalls(Protocol):
    """Calls of one kind that are counted only once they have turned out to be free."""

    def known(self, tenant_id: str) -> Allowance | None:
        """The allowance as far as this environment knows, without any request."""

    def count(self, tenant_id: str) -> Allowance | None:
        """Count one such call."""


def limit(api: APIGatewayHttpResolver, count: Limit) -> None:
    """Count this request against a limit and report that in its answer. Raises `RateLimitedError` beyond the limit."""
    _enforce(api, count(caller(api.current_event).tenant_id))


def limit_free_calls(api: APIGatewayHttpResolver, calls: FreeCalls) -> None:
    """Let `count_if_free` count this request if it turns out to be free. Raises `RateLimitedError` if this environment
    already knows of too many. It reads no shared count, because the request may be a paid one.
    """
    tenant_id = caller(api.current_event).tenant_id
    known = calls.known(tenant_id)
    if known is not None and known.exceeded:
        _enforce(api, known)
    api.context["free_calls"] = lambda: calls.count(tenant_id)


def count_if_free(api: APIGatewayHttpResolver) -> None:
    """Count this free request, at most once, if its route limits such calls, and report that in its answer."""
    count: Callable[[], Allowance | None] | None = api.context.pop("free_calls", None)
    if count is not None:
        report_limit(api, count())


def limit_headers(*allowances: Allowance | None) -> dict[str, str]:
    """The headers that report limits (draft-ietf-httpapi-ratelimit-headers-10): each quota with its window in seconds,
    and the remaining calls with the seconds until the reset.
    """
    known = [allowance for allowance in allowances if allowance is not None]
    if not known:
        return {}
    return {
        "RateLimit-Policy": ", ".join(f'"{each.policy}";q={each.quota};w={each.window_s}' for each in known),
        "RateLimit": ", ".join(f'"{each.policy}";r={each.remaining};t={each.resets_in_s}' for each in known),
    }


def _enforce(api: APIGatewayHttpResolver, allowance: Allowance | None) -> None:
    api.context["allowances"] = [lambda: allowance]
    if allowance is not None and allowance.exceeded:
        raise allowance.refusal()


def report_limit(api: APIGatewayHttpResolver, allowance: Allowance | None) -> None:
    """Report one more limit in the answer, if it is known."""
    api.context["allowances"] = [*api.context.get("allowances", ()), lambda: allowance]


def reported_limits(api: APIGatewayHttpResolver) -> dict[str, str]:
    """The headers of the limits that this request was counted against."""
    allowances: Sequence[Callable[[], Allowance | None]] = api.context.get("allowances", ())
    return limit_headers(*(allowance() for allowance in allowances))
