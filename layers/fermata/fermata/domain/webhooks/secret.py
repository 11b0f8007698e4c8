"""Signatures by Standard Webhooks (standardwebhooks.com, version 1.0.0): HMAC-SHA256 over `id.timestamp.body`, one
signature per currently valid secret.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, SecretStr

SECRET_RANDOM_BYTES: Final = 24
"""192 bits, the minimum of the specification; a multiple of three, so that the text has no padding."""

_PREFIX: Final = "whsec_"


class WebhookSecrets(BaseModel):
    """A tenant's secrets: the current one, and the previous one until `previous_until`."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    current: SecretStr
    previous: SecretStr | None = None
    previous_until: datetime | None = None

    def signing(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign now, the current one first."""
        current = self.current.get_secret_value()
        if self.previous is None or self.previous_until is None or now >= self.previous_until:
            return (current,)
        return (current, self.previous.get_secret_value())


def new_secret(randomness: bytes) -> str:
    """A secret to show once; `randomness` is at least 24 random bytes, of which 24 are used."""
    return _PREFIX + base64.b64encode(randomness[:SECRET_RANDOM_BYTES]).decode()


def signature_header(secrets: WebhookSecrets, webhook_id: str, body: bytes, now: datetime) -> str:
    """The value of `webhook-signature`: one signature per secret, separated by spaces."""
    signed = f"{webhook_id}.{timestamp(now)}.".encode() + body
    return " ".join(f"v1,{_signature(secret, signed)}" for secret in secrets.signing(now))


def timestamp(now: datetime) -> int:
    """The value of `webhook-timestamp`: whole seconds since 1970."""
    return int(now.timestamp())


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
