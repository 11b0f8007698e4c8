"""POST /v1/jobs/{id}/webhooks/replay, and GET /v1/jobs/{id}/webhooks, which lists the delivery attempts."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from fermata.api.answers import answer
from fermata.api.rate_limit_headers import limit
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.webhook import WebhookAttemptList, WebhookReplay
from fermata.use_cases.webhooks.replay_webhook import list_webhook_attempts, replay_webhook
from fermata.wiring.accounts import count_change, count_read
from fermata.wiring.runtime import now
from fermata.wiring.webhooks import replay_ports


def count_refused(api: APIGatewayHttpResolver) -> None:
    """Count a request that is refused for a parameter like an accepted one."""
    limit(api, count_change if api.current_event.http_method == "POST" else count_read)


api = create_api(None, door=count_refused)
lambda_handler = entry_point(api)


@api.post("/v1/jobs/<job_id>/webhooks/replay")
def post_replay(job_id: str) -> Response[str]:
    """202 once another delivery has started, or 409 if the job has not ended or has no receiver."""
    limit(api, count_change)
    tenant_id = caller(api.current_event, Scope.JOBS_WRITE).tenant_id
    return answer(202, WebhookReplay.of(replay_webhook(job_id, tenant_id, replay_ports(), now())))


@api.get("/v1/jobs/<job_id>/webhooks")
def get_webhooks(job_id: str) -> Response[str]:
    """Every recorded try to deliver the job's webhook."""
    limit(api, count_read)
    tenant_id = caller(api.current_event, Scope.JOBS_READ).tenant_id
    return answer(200, WebhookAttemptList.of(list_webhook_attempts(job_id, tenant_id, replay_ports())))
