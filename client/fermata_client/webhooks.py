"""Webhooks: whether a message is one that Fermata signed, by Standard Webhooks (standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from fermata_client.errors import WebhookError
from fermata_client.models.answer import Answer

TOLERANCE_S: Final = 300
"""How far the time of a message may be from this machine's."""
_PREFIX: Final = "whsec_"


class WebhookEvent(Answer):
    """A message. `id` stays the same when it is sent again: remember it. Read the job for links."""

    id: str
    type: str
    timestamp: datetime
    data: dict[str, Any]

    @property
    def job_id(self) -> str | None:
        """The job that ended; None for a test message."""
        found = self.data.get("job_id")
        return found if isinstance(found, str) else None


def verify(
    secret: str | Sequence[str],
    body: bytes | str,
    headers: Mapping[str, str],
    *,
    now: float | None = None,
    tolerance_s: float = TOLERANCE_S,
) -> WebhookEvent:
    """The event of a message whose signature fits one of the secrets. `body` is what arrived, byte for byte.

    `now` is in seconds since 1970, this machine's time without it. Raises `WebhookError`.
    """
    by_name = {name.lower(): value for name, value in headers.items()}
    missing = [name for name in ("webhook-id", "webhook-timestamp", "webhook-signature") if not by_name.get(name)]
    if missing:
        raise WebhookError(f"the message has no {', '.join(missing)}; Fermata's always have")
    raw = body.encode() if isinstance(body, str) else body
    signed = f"{by_name['webhook-id']}.{by_name['webhook-timestamp']}.".encode() + raw
    wanted = [_signature(each, signed) for each in ([secret] if isinstance(secret, str) else secret)]
    found = [each.encode() for each in by_name["webhook-signature"].split(" ") if each.startswith("v1,")]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in found):
        raise WebhookError("no signature of the message is the secret's; use the bytes that came, and today's secret")
    _check_time(by_name["webhook-timestamp"], time.time() if now is None else now, tolerance_s)
    return _event(by_name["webhook-id"], raw)


def _signature(secret: str, signed: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WebhookError("the secret is none of Fermata's; copy it anew") from error
    if not key:
        raise WebhookError("the secret is empty")
    return b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _check_time(timestamp: str, now: float, tolerance_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookError("the time of the message is no number")
    off_s = now - int(timestamp[:15])
    if abs(off_s) > tolerance_s:
        raise WebhookError(
            f"the message is {abs(off_s):.0f} s {'old' if off_s > 0 else 'ahead'}, at most {tolerance_s:g} s pass; "
            "somebody repeats an old message, or this machine's clock is off"
        )


def _event(message_id: str, raw: bytes) -> WebhookEvent:
    try:
        return WebhookEvent.model_validate({**json.loads(raw), "id": message_id})
    except (ValueError, TypeError, ValidationError, RecursionError) as error:
        raise WebhookError("the message is signed, but it is no event") from error
