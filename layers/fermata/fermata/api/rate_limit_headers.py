"""Counts requests against limits, and reports those limits in the headers of answers."""

from collections.abc import Callable, Sequence
from typing import Protocol

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from fermata.api.requests import caller
from fermata.domain.tenants.plan_limits import Allowance

Limit = Callable[[str], Allowance | None]
"""What a tenant's plan leaves of a limit, if that is known."""


class FreeCalls(Protocol):
    """Calls of a kind that are counted once it is known that nobody paid for them."""

    def known(self, tenant_id: str) -> Allowance | None:
        """What is left, without asking anybody."""

    def count(self, tenant_id: str) -> Allowance | None:
        """Count one such call."""


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


def limits_told(api: APIGatewayHttpResolver) -> dict[str, str]:
    """The headers of the limits that this request was counted against."""
    allowances: Sequence[Callable[[], Allowance | None]] = api.context.get("allowances", ())
    return limit_headers(*(allowance() for allowance in allowances))
