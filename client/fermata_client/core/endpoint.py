"""The account's webhook endpoint; all of it needs the scope `account:manage`."""

from fermata_client.core.calls import call, get, value
from fermata_client.core.context import Context
from fermata_client.core.flow import Flow
from fermata_client.models.endpoint import SetWebhook, Webhook, WebhookSecret, WebhookTest


def shown(context: Context) -> Flow[Webhook]:
    """Where the ends of jobs are posted."""
    return (yield from get(context, Webhook, "webhook"))


def put(context: Context, url: str) -> Flow[SetWebhook]:
    """Post the ends of jobs there, or switch the address on again.

    Not repeated where its answer was lost, because that may have had the first secret: `rotate` makes another.
    """
    request = context.request("PUT", "webhook", body={"url": url})
    return (yield from value(context, request, SetWebhook, repeatable=False))


def remove(context: Context) -> Flow[None]:
    """Post nothing there any more; the secret stays."""
    yield from call(context, context.request("DELETE", "webhook"))


def rotate(context: Context, *, overlap_s: int | None = None) -> Flow[WebhookSecret]:
    """A new secret, shown once; the previous one signs, too, for `overlap_s` seconds (a day). Not repeated."""
    body = {} if overlap_s is None else {"overlap_s": overlap_s}
    request = context.request("POST", "webhook", "rotate", body=body)
    return (yield from value(context, request, WebhookSecret, repeatable=False))


def test(context: Context) -> Flow[WebhookTest]:
    """Post one signed message now and tell what came of it. Not repeated: each is a post to the receiver.

    Raises `ConflictError`, code `no_webhook`, where no endpoint is set.
    """
    request = context.request("POST", "webhook", "test")
    return (yield from value(context, request, WebhookTest, repeatable=False))
