"""What requests say beside their bodies, and what answers say in their headers."""

from typing import Any, Final, get_args

from fermata.domain.catalogue.units import Kind
from fermata.domain.catalogue.view import Sort
from fermata.domain.lists.page import DEFAULT_LIMIT, LONGEST_LIMIT
from fermata.domain.money.reports.day_pages import DEFAULT_LIMIT as USAGE_LIMIT
from fermata.domain.money.reports.day_pages import LONGEST_LIMIT as USAGE_LONGEST_LIMIT
from fermata.domain.money.reports.day_pages import LONGEST_SPAN_DAYS
from fermata.domain.money.reports.usage_groups import MOST_GROUPS, MOST_JOBS
from fermata.domain.tenants.api_keys import KEY_ID_PATTERN
from fermata.domain.web.formats import JOB_ID_PATTERN
from fermata.domain.web.metadata_names import ANY_NAME

Schema = dict[str, Any]


def _parameter(place: str, name: str, description: str, schema: Schema, example: object = None) -> Schema:
    written: Schema = {"name": name, "in": place, "description": description, "schema": schema}
    if place == "path":
        written["required"] = True
    return written if example is None else {**written, "example": example}


_JOB: Final = "job_01M7YH6Z0CE2E33SRX04YDPZZK"
PARAMETERS: Final[dict[str, Schema]] = {
    "JobId": _parameter("path", "id", "The job's id.", {"type": "string", "pattern": JOB_ID_PATTERN}, _JOB),
    "KeyId": _parameter(
        "path",
        "id",
        "The key's id, the part between `fk_` and the next `_`.",
        {"type": "string", "pattern": KEY_ID_PATTERN},
        "mfzwizlt",
    ),
    "CallbackToken": _parameter(
        "path", "token", "The secret of one attempt, from the address that a provider was given.", {"type": "string"}
    ),
    "Status": _parameter("query", "status", "Only jobs of this status.", {"$ref": "#/components/schemas/JobStatus"}),
    "OfModel": _parameter(
        "query", "model", "Only jobs of this model, as the job's `model` has it.", {"type": "string"}
    ),
    "FromDay": _parameter(
        "query", "from", "Only jobs of this day and later, in UTC.", {"type": "string", "format": "date"}, "2026-11-01"
    ),
    "ToDay": _parameter(
        "query", "to", "Only jobs of this day and earlier, in UTC.", {"type": "string", "format": "date"}, "2026-11-30"
    ),
    "OfMetadata": _parameter(
        "query",
        ANY_NAME,
        "Only jobs whose metadata has this value under NAME, which the caller replaces by a name of its own, for "
        "example `metadata.order=42`. Up to 16 names, each once; a job has to fit all.",
        {"type": "string"},
    ),
    "Limit": _parameter(
        "query",
        "limit",
        f"Most items on the page, {DEFAULT_LIMIT} without it; a page may have fewer and still not be the last.",
        {"type": "integer", "minimum": 1, "maximum": LONGEST_LIMIT},
    ),
    "Cursor": _parameter("query", "cursor", "The `next_cursor` of the page before.", {"type": "string"}),
    "OfKind": _parameter(
        "query", "kind", "Only models that make this.", {"type": "string", "enum": list(get_args(Kind))}
    ),
    "Sort": _parameter(
        "query",
        "sort",
        "By the price of one unit, or by the median time; smallest first. Without it in the catalogue's order.",
        {"type": "string", "enum": list(get_args(Sort))},
    ),
    "SpeakingModel": _parameter("query", "model", "Only voices of this model.", {"type": "string"}),
    "Language": _parameter(
        "query", "language", "Only voices that are made for this language, a BCP 47 code.", {"type": "string"}
    ),
    "From": _parameter(
        "query",
        "from",
        f"The first day, in UTC; without it the first of the month of `to`. At most {LONGEST_SPAN_DAYS} days in all.",
        {"type": "string", "format": "date"},
        "2026-11-01",
    ),
    "To": _parameter(
        "query",
        "to",
        "The last day, in UTC; without it today.",
        {"type": "string", "format": "date"},
        "2026-11-30",
    ),
    "GroupBy": _parameter(
        "query",
        "group_by",
        "What makes a group: `day`, `model`, `key` and one `metadata.NAME`, with commas between them; a comma within "
        "NAME has a backslash before it. Without the parameter `day,model`. Other groups come at once, at most "
        f"{MOST_GROUPS}; groups by key or metadata are of at most {MOST_JOBS} jobs.",
        {"type": "string"},
        "key,metadata.project",
    ),
    "UsageLimit": _parameter(
        "query",
        "limit",
        f"Most entries on the page, {USAGE_LIMIT} without it.",
        {"type": "integer", "minimum": 1, "maximum": USAGE_LONGEST_LIMIT},
    ),
    "Include": _parameter(
        "query",
        "include",
        "`request` adds the accepted order to the job, until the job is deleted.",
        {"type": "string", "enum": ["request"]},
    ),
    "TrackNumber": _parameter(
        "query",
        "track",
        "Which of the job's songs; without it the first that is there.",
        {"type": "integer", "minimum": 1, "maximum": 99},
    ),
    "Original": _parameter(
        "query",
        "original",
        "`true` leads to the file that the provider sent, without Fermata's marks, for 30 days after the job's end.",
        {"type": "string", "enum": ["true", "false"]},
    ),
    "IdempotencyKey": _parameter(
        "header",
        "Idempotency-Key",
        "Makes repeating safe: for 24 hours the same request under the same key is one order with one answer.",
        {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
        "order-42",
    ),
    "Prefer": _parameter(
        "header",
        "Prefer",
        "`wait=n` (RFC 7240) holds the request until the job has ended, n seconds at most, 25 in all, where the tenant "
        "and all tenants together hold fewer requests than they may; what is no such preference is ignored, and so is "
        "the wish of a key without the scope `jobs:read`.",
        {"type": "string"},
    ),
    "IfNoneMatch": _parameter(
        "header", "If-None-Match", "The `ETag` of an earlier answer: 304 as long as it holds.", {"type": "string"}
    ),
}
"""By their names in `components`."""

WEBHOOK_PARAMETERS: Final[dict[str, Schema]] = {
    "WebhookId": _parameter(
        "header", "webhook-id", "The event's id, the same at every try.", {"type": "string"}, f"{_JOB}_succeeded"
    ),
    "WebhookTimestamp": _parameter(
        "header", "webhook-timestamp", "The try's moment in seconds since 1970.", {"type": "integer"}, 1795247341
    ),
    "WebhookSignature": _parameter(
        "header",
        "webhook-signature",
        "`v1,` and the Base64 of the HMAC-SHA256 of `id.timestamp.body`; two of them while a secret is replaced.",
        {"type": "string"},
    ),
}
"""What the API itself sends with a webhook."""

_TEXT: Final[Schema] = {"type": "string"}
HEADERS: Final[dict[str, Schema]] = {
    "ETag": {"description": "The tag of this answer, for `If-None-Match`; weak.", "schema": _TEXT, "required": True},
    "Location": {
        "description": "Where the job is, or the song.",
        "schema": {"type": "string", "format": "uri"},
        "required": True,
    },
    "Retry-After": {
        "description": "Seconds after which asking again makes sense.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Preference-Applied": {
        "description": "How long the request was held at most, `wait=n`; missing where it was answered at once.",
        "schema": {"type": "string", "pattern": "^wait=[0-9]+$"},
    },
    "Next-Cursor": {"description": "The `next_cursor` of a page in CSV; missing on the last page.", "schema": _TEXT},
    "Idempotency-Replayed": {
        "description": "The answer is that of an earlier request with the same key.",
        "schema": {"type": "string", "const": "true"},
    },
    "RateLimit": {
        "description": 'What is left of the tenant\'s limits, where the route has any: `"submit";r=59;t=12`.',
        "schema": {"type": "string", "pattern": '^"[a-z]+";r=[0-9]+;t=[0-9]+(, "[a-z]+";r=[0-9]+;t=[0-9]+)*$'},
    },
    "RateLimit-Policy": {
        "description": 'The tenant\'s limits: requests within seconds, `"submit";q=60;w=60`.',
        "schema": {"type": "string", "pattern": '^"[a-z]+";q=[0-9]+;w=[0-9]+(, "[a-z]+";q=[0-9]+;w=[0-9]+)*$'},
    },
}
"""Headers of answers; one that is not `required` may be missing."""
LIMIT_HEADERS: Final = ("RateLimit", "RateLimit-Policy")
