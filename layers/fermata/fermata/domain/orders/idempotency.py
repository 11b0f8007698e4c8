"""Idempotency of orders: the caller's key, the request's fingerprint, and the first answer."""

import hashlib
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from fermata.domain.orders.order_request import SongRequest

KEPT_FOR: Final = timedelta(hours=24)

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class FirstAnswer(BaseModel):
    """The answer to an accepted order, kept to be repeated byte for byte: 202 with these headers and this body."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    headers: dict[str, str]
    body: str


class Receipt(BaseModel):
    """The record of a used key: its request, its job and its answer. `expires_at` is in whole seconds since 1970; from
    then on the key is free again.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    key_sha256: str
    fingerprint: str
    job_id: str
    answer: FirstAnswer
    expires_at: int

    def is_live(self, now: datetime) -> bool:
        """Whether the key is still taken; DynamoDB may delete expired receipts late."""
        return seconds(now) < self.expires_at


def is_idempotency_key(text: str) -> bool:
    """Whether a header's value can be a key: 1 to 255 visible ASCII characters."""
    return _KEY.fullmatch(text) is not None


def key_hash(key: str) -> str:
    """The hash under which a key is kept, in hex."""
    return hashlib.sha256(key.encode()).hexdigest()


def fingerprint_of(request: "SongRequest") -> str:
    """A hash that is equal for equal requests, regardless of the order of fields, white space and explicit defaults."""
    asked = request.model_dump(mode="json", exclude_defaults=True)
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def receipt_for(
    tenant_id: str, key: str, request: "SongRequest", job_id: str, answer: FirstAnswer, now: datetime
) -> Receipt:
    """The receipt of an order that is about to be accepted."""
    return Receipt(
        tenant_id=tenant_id,
        key_sha256=key_hash(key),
        fingerprint=fingerprint_of(request),
        job_id=job_id,
        answer=answer,
        expires_at=seconds(now + KEPT_FOR) + 1,
    )


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970, as DynamoDB's time to live counts them."""
    return int(moment.timestamp())
