"""The routes by which a tenant manages its account."""

from http import HTTPStatus
from typing import Any, Final

from fermata.api.responses.endpoint import SetWebhook, Webhook, WebhookSecret, WebhookTest
from fermata.api.responses.key import KeyList, NewKey
from fermata.use_cases.accounts.own_keys import KeyRequest, KeyRotation
from fermata.use_cases.webhooks.own_webhook import SecretRotation, WebhookRequest
from tooling.openapi.operation import OF_A_BODY, Answer, Operation

Example = dict[str, Any]

_KEY: Final[Example] = {
    "id": "mfzwizlt",
    "object": "api_key",
    "name": "shop",
    "scopes": ["jobs:read", "jobs:write"],
    "monthly_credits": 600,
    "created_at": "2026-11-21T07:47:55.020Z",
    "expires_at": "2027-01-01T00:00:00.000Z",
    "revoked_at": None,
    "rotated_to": None,
    "last_used_at": None,
}
_NEW_KEY: Final[Example] = {
    **_KEY,
    "api_key": "fk_mfzwizlt_onsxg5dbojxw63tfmfzwizltonsxg5dbojxw63t",
    "replaces": None,
}
_ROTATED_KEY: Final[Example] = {**_NEW_KEY, "replaces": {"id": "nbswy3dp", "expires_at": "2026-11-22T07:47:55.020Z"}}

_SECRET: Final = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"  # noqa: S105 - an example
_WEBHOOK: Final[Example] = {
    "object": "webhook",
    "url": "https://shop.example.com/fermata",
    "disabled_at": None,
    "has_secret": True,
}
_WEBHOOK_TEST: Final[Example] = {
    "object": "webhook_test",
    "webhook_id": "test_01M7YH6Z0CE2E33SRX04YDPZZK",
    "origin": "https://shop.example.com",
    "delivered": False,
    "status_code": 404,
    "error": None,
    "duration_ms": 87,
    "advice": "The receiver has no such path; check the URL.",
}

ACCOUNT_OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/keys",
        "create_key",
        "Issue an API key, shown once",
        (Answer(HTTPStatus.CREATED, "The key; no other answer shows it.", NewKey, (), _NEW_KEY),),
        problems=(*OF_A_BODY, "beyond_own_key", "too_many_keys", "tenant_suspended", "rate_limited"),
        body=KeyRequest,
        body_examples=(
            ("shop", {"name": "shop", "scopes": ["jobs:read", "jobs:write"], "monthly_credits": 600}),
            ("ends", {"scopes": ["jobs:read"], "expires_at": "2027-01-01T00:00:00Z"}),
        ),
        description="The new key does no more, spends no more and lasts no longer than the key of the request.",
        tag="account",
    ),
    Operation(
        "GET",
        "/v1/keys",
        "list_keys",
        "The tenant's keys without their secrets, newest first",
        (
            Answer(
                HTTPStatus.OK,
                "A page of keys.",
                KeyList,
                (),
                {"data": [{**_KEY, "used_credits": 90}], "next_cursor": None},
            ),
        ),
        problems=("invalid_request", "rate_limited"),
        parameters=("Limit", "Cursor"),
        tag="account",
        description="Ended keys stay in the list for a while.",
    ),
    Operation(
        "POST",
        "/v1/keys/{id}/rotate",
        "rotate_key",
        "Replace a key by a new one, shown once",
        (Answer(HTTPStatus.CREATED, "The new key, and when the old one ends.", NewKey, (), _ROTATED_KEY),),
        problems=(
            *OF_A_BODY,
            "not_found",
            "beyond_own_key",
            "not_rotatable",
            "too_many_keys",
            "tenant_suspended",
            "rate_limited",
        ),
        parameters=("KeyId",),
        body=KeyRotation,
        body_examples=(("an_hour", {"overlap_s": 3600}),),
        body_optional=True,
        description="Both count the month's credits together. A key cannot rotate itself.",
        tag="account",
    ),
    Operation(
        "DELETE",
        "/v1/keys/{id}",
        "revoke_key",
        "Revoke a key",
        (Answer(HTTPStatus.NO_CONTENT, "It is refused within a minute, where the operator sets no other time."),),
        problems=("not_found", "beyond_own_key", "tenant_suspended", "rate_limited"),
        parameters=("KeyId",),
        description="A key cannot revoke itself.",
        tag="account",
    ),
    Operation(
        "GET",
        "/v1/webhook",
        "get_webhook",
        "Where the ends of the tenant's jobs are posted",
        (Answer(HTTPStatus.OK, "The endpoint, without its secret.", Webhook, (), _WEBHOOK),),
        problems=("rate_limited",),
        tag="webhooks",
        description="The secret is shown once, when it is made.",
    ),
    Operation(
        "PUT",
        "/v1/webhook",
        "put_webhook",
        "Set where the ends of the tenant's jobs are posted",
        (
            Answer(
                HTTPStatus.OK, "The endpoint, and the first secret.", SetWebhook, (), {**_WEBHOOK, "secret": _SECRET}
            ),
        ),
        problems=(*OF_A_BODY, "tenant_suspended", "rate_limited"),
        body=WebhookRequest,
        body_examples=(("endpoint", {"url": "https://shop.example.com/fermata"}),),
        description="Switches an endpoint on again that is off because its receiver answered 410.",
        tag="webhooks",
    ),
    Operation(
        "DELETE",
        "/v1/webhook",
        "delete_webhook",
        "Post the ends of jobs to no endpoint of the tenant",
        (Answer(HTTPStatus.NO_CONTENT, "Only jobs with a `callback_url` have a webhook now; the secret stays."),),
        problems=("tenant_suspended", "rate_limited"),
        tag="webhooks",
        description="A job's own `callback_url` still gets its post.",
    ),
    Operation(
        "POST",
        "/v1/webhook/rotate",
        "rotate_webhook_secret",
        "Make a new secret, shown once",
        (
            Answer(
                HTTPStatus.OK,
                "The secret, and until when the previous one also signs.",
                WebhookSecret,
                (),
                {"object": "webhook_secret", "secret": _SECRET, "previous_until": "2026-11-22T07:47:55.020Z"},
            ),
        ),
        problems=(*OF_A_BODY, "tenant_suspended", "rate_limited"),
        body=SecretRotation,
        body_examples=(("leaked", {"overlap_s": 0}),),
        body_optional=True,
        tag="webhooks",
        description="For a while both secrets sign, so that receivers can change over without losing a webhook.",
    ),
    Operation(
        "POST",
        "/v1/webhook/test",
        "test_webhook",
        "Post one signed message to the endpoint now",
        (Answer(HTTPStatus.OK, "What the receiver answered, whatever it is.", WebhookTest, (), _WEBHOOK_TEST),),
        problems=(*OF_A_BODY, "no_webhook", "tenant_suspended", "rate_limited"),
        description="Its `type` is `webhook.test`. It changes nothing, and counts as a post that repeats a webhook. It "
        "takes no fields.",
        tag="webhooks",
    ),
)
