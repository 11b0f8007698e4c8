"""The capability addresses of live songs: whoever has a token may listen, and only its hash is stored."""

import base64
import hashlib
import hmac
import re
from typing import Final

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def live_token(secret: bytes, job_id: str, attempt: int) -> str:
    """The token of one attempt's live song: the same for each call, and unknown to anyone without the secret."""
    digest = hmac.digest(secret, f"{job_id}/{attempt}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_live_token(text: str) -> bool:
    """Whether a text has the form of a token; anything else is not looked up."""
    return _TOKEN.fullmatch(text) is not None


def live_sha256(token: str) -> str:
    """The hash under which a live song is kept, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
