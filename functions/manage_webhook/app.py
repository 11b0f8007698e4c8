"""GET, PUT and DELETE /v1/webhook, and POST /v1/webhook/rotate: a tenant's own webhook endpoint and its secret."""

from aws_lambda_powertools.event_handler import Response

from fermata.api import answers, requests, resolver
from fermata.api.responses.endpoint import SetWebhook, Webhook, WebhookSecret
from fermata.use_cases.webhooks.own_webhook import put_webhook, replace_secret, show_webhook
from fermata.wiring.accounts import admit, count_change, count_read
from fermata.wiring.runtime import key_randomness, now
from fermata.wiring.webhooks import endpoint_ports

api = resolver.create_api(resolver.Scope.ACCOUNT_MANAGE, count=count_read, count_changes=count_change, admit=admit)
lambda_handler = resolver.entry_point(api)


@api.get("/v1/webhook")
def get_endpoint() -> Response[str]:
    """The tenant's endpoint, without its secret."""
    return answers.answer(200, Webhook.of(show_webhook(requests.caller(api.current_event).tenant_id, endpoint_ports())))


@api.put("/v1/webhook")
def put_endpoint() -> Response[str]:
    """200 with the endpoint, and with the tenant's first secret."""
    who, body = requests.caller(api.current_event), requests.raw_body(api.current_event)
    return answers.answer(200, SetWebhook.of(put_webhook(body, who, endpoint_ports(), key_randomness())))


@api.delete("/v1/webhook")
def delete_endpoint() -> Response[str]:
    """204 once no webhook is posted to the endpoint; the secret stays."""
    endpoint_ports().webhooks.switch_off(requests.caller(api.current_event).tenant_id)
    return answers.accepted_silently()


@api.post("/v1/webhook/rotate")
def post_rotation() -> Response[str]:
    """200 with a new secret."""
    who, body = requests.caller(api.current_event), requests.raw_body(api.current_event)
    return answers.answer(200, WebhookSecret.of(replace_secret(body, who, endpoint_ports(), now(), key_randomness())))
