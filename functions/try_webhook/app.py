"""POST /v1/webhook/test: one signed post to the tenant's webhook endpoint, and what came of it."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.rate_limit_headers import limit
from fermata.api.requests import caller, raw_body
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.endpoint import WebhookTest
from fermata.use_cases.webhooks.try_webhook import try_webhook
from fermata.wiring.accounts import admit, count_change
from fermata.wiring.runtime import job_randomness, now
from fermata.wiring.webhooks import count_test, try_ports

api = create_api(Scope.ACCOUNT_MANAGE, count=count_change, admit=admit)
lambda_handler = entry_point(api)


@api.post("/v1/webhook/test")
def post_test() -> Response[str]:
    """200 with the receiver's answer, whatever it is; 409 without an endpoint."""
    limit(api, count_test)
    tenant_id, body = caller(api.current_event).tenant_id, raw_body(api.current_event)
    return answer(200, WebhookTest.of(try_webhook(body, tenant_id, try_ports(), now(), job_randomness())))
