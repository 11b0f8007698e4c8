"""Provider callbacks: a secret address for each attempt, and what is known of it.

A post to the address means "look now" and nothing else: what its body claims is never read, the poll decides.
"""

import base64
import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

TOKEN_RANDOM_BYTES: Final = 32
MOST_POSTS: Final = 32
"""Posts that may lead to a look at one task. More are ignored: each look adds to the execution's history, which ends
a job when it is full, and the song is found by the timeouts all the same.
"""
_LIFETIME: Final = timedelta(days=2)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Callback(BaseModel):
    """One attempt's address by the SHA-256 of its token. `version` grows with every write and is the condition of the
    next one; from `expires_at` on the record may go.

    `unheeded` says that a post came for which nobody has looked yet, `task_token` is the state machine's wait that the
    next post ends.
    """

    model_config = ConfigDict(frozen=True)

    sha256: str
    job_id: str
    attempt: PositiveInt
    expires_at: datetime
    posts: NonNegativeInt = 0
    unheeded: bool = False
    task_token: str | None = None
    version: PositiveInt = 1

    @property
    def is_deaf(self) -> bool:
        """Whether further posts change nothing."""
        return self.posts >= MOST_POSTS

    def awaited_by(self, task_token: str) -> "Callback":
        """This callback with a task that waits for the next post."""
        return self._with(task_token=task_token)

    def heeded(self) -> "Callback":
        """This callback once its unheeded post leads to a look."""
        return self._with(unheeded=False)

    def posted(self, *, woke: bool) -> "Callback":
        """This callback after a post that ended the wait, or found nobody waiting."""
        return self._with(posts=self.posts + 1, unheeded=not woke, task_token=None)

    def _with(self, **changes: object) -> "Callback":
        return self.model_copy(update={**changes, "version": self.version + 1})


def new_callback(job_id: str, attempt: int, now: datetime, randomness: bytes) -> tuple[str, Callback]:
    """The token for an attempt's address and its record, which holds but the hash; `randomness` is 32 random bytes."""
    token = base64.urlsafe_b64encode(randomness[:TOKEN_RANDOM_BYTES]).decode().rstrip("=")
    return token, Callback(sha256=token_sha256(token), job_id=job_id, attempt=attempt, expires_at=now + _LIFETIME)


def callback_url(api_url: str, token: str) -> str:
    """The address to hand to the provider; `api_url` without a trailing slash."""
    return f"{api_url}/v1/callbacks/{token}"


def is_callback_token(text: str) -> bool:
    """Whether a text has the form of a token; anything else is not looked up."""
    return _TOKEN.fullmatch(text) is not None


def token_sha256(token: str) -> str:
    """The hash under which a callback is kept, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
