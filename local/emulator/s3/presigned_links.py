"""S3's check of the time for which a presigned link is valid, which moto does not make.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, and for the answer to an ended
link what users of S3 report. The signature is not checked, because only the laptop's functions know their random
credentials.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from werkzeug.wrappers import Response

from local.emulator.s3.refusal import refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LONGEST_S: Final = 604_800
"""A week, the longest life of a link."""
_NEEDED: Final = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Signature",
    "X-Amz-Date",
    "X-Amz-SignedHeaders",
    "X-Amz-Expires",
)
_LONGEST_NUMBER: Final = 11
_BAD_QUERY: Final = "AuthorizationQueryParametersError"


def refused_link(environ: "WSGIEnvironment", now: datetime) -> Response | None:
    """S3's refusal of a presigned link that has ended or lacks a parameter; None for any other request."""
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if {"AWSAccessKeyId", "Expires", "Signature"} <= query.keys():
        return _refused_old_link(query["Expires"], now)
    if "X-Amz-Algorithm" not in query and "X-Amz-Signature" not in query:
        return None
    if any(name not in query for name in _NEEDED):
        named = ", ".join(_NEEDED[:-1])
        return refusal(
            400,
            _BAD_QUERY,
            f"Query-string authentication version 4 requires the {named}, and {_NEEDED[-1]} parameters.",
        )
    life = query["X-Amz-Expires"]
    if not (life.isascii() and life.isdigit()):
        return refusal(400, _BAD_QUERY, "X-Amz-Expires should be a number")
    if int(life) > LONGEST_S:
        return refusal(400, _BAD_QUERY, f"X-Amz-Expires must be less than a week (in seconds); that is {LONGEST_S}")
    try:
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return refusal(400, _BAD_QUERY, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    ends_at = signed_at + timedelta(seconds=int(life))
    if now < ends_at:
        return None
    return _expired(ends_at, now, {"X-Amz-Expires": life})


def _refused_old_link(ends_at: str, now: datetime) -> Response | None:
    """The refusal of a link of signature version 2, which names its end in seconds since 1970."""
    if not (ends_at.isascii() and ends_at.isdigit()) or len(ends_at) > _LONGEST_NUMBER:
        return refusal(403, "AccessDenied", f"Invalid date (should be seconds since epoch): {ends_at}")
    end = datetime.fromtimestamp(int(ends_at), UTC)
    return None if now < end else _expired(end, now, {})


def _expired(ends_at: datetime, now: datetime, life: Mapping[str, str]) -> Response:
    times = {"Expires": _written(ends_at), "ServerTime": _written(now)}
    return refusal(403, "AccessDenied", "Request has expired", {**life, **times})


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
