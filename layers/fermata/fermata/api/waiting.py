"""How long a caller would like to wait for a job's end."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from fermata.api.rate_limit_headers import Limit, count_if_free, tell_too
from fermata.domain.tenants.api_keys import Scope
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.prefer import preferred_wait


def wished_wait_s(api: APIGatewayHttpResolver, who: Caller, count: Limit | None) -> int | None:
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
