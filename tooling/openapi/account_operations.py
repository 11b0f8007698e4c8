"""The routes by which a tenant manages its account."""

from http import HTTPStatus
from typing import Any, Final

from fermata.api.responses.key import KeyList, NewKey
from fermata.use_cases.accounts.own_keys import KeyRequest, KeyRotation
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

ACCOUNT_OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/keys",
        "create_key",
        "Issue an API key, shown once",
        (Answer(HTTPStatus.CREATED, "The key; no other answer shows it.", NewKey, (), _NEW_KEY),),
        problems=(*OF_A_BODY, "beyond_own_key", "too_many_keys", "rate_limited"),
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
    ),
    Operation(
        "POST",
        "/v1/keys/{id}/rotate",
        "rotate_key",
        "Replace a key by a new one, shown once",
        (Answer(HTTPStatus.CREATED, "The new key, and when the old one ends.", NewKey, (), _ROTATED_KEY),),
        problems=(*OF_A_BODY, "not_found", "beyond_own_key", "too_many_keys", "rate_limited"),
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
        problems=("not_found", "beyond_own_key", "rate_limited"),
        parameters=("KeyId",),
        description="A key cannot revoke itself.",
        tag="account",
    ),
)
