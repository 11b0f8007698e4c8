"""The time for which a caller prefers to wait for a job's end."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from fermata.api.rate_limit_headers import Limit, count_if_free, report_limit
from fermata.domain.tenants.api_keys import Scope
from fermata.domain.tenants.tenant import Caller
from fermata.domain.web.prefer import preferred_wait


def wished_wait_s(api: APIGatewayHttpResolver, who: Caller, count: Limit | None) -> int | None:
    """The seconds for which the caller of an order prefers to wait for its end. None for no wait, and for a key that
    may not read jobs.

    For a replayed order pass `count`: the replay is a free call, and waiting for it counts as a read. A caller beyond
    its limit of reads gets its answer without a wait.
    """
    wished = preferred_wait(api.current_event.headers.get("prefer", "")) if who.may(Scope.JOBS_READ) else None
    if count is None:
        return wished
    count_if_free(api)
    if wished is None:
        return None
    allowance = count(who.tenant_id)
    report_limit(api, allowance)
    return None if allowance is not None and allowance.exceeded else wished
