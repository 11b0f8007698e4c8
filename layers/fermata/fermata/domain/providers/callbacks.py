"""Provider callbacks: a secret URL for each attempt, and its record.

A post to the URL only triggers a poll, which decides; its body is never read.
"""

import base64
import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

TOKEN_RANDOM_BYTES: Final = 32
MOST_POSTS: Final = 32
"""Posts that may trigger a poll of one task. More are ignored: each poll adds to the execution's history, which ends a
job when it is full, and the polls by timeout find the song anyway.
"""
_LIFETIME: Final = timedelta(days=2)
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Callback(BaseModel):
    """One attempt's callback URL by the SHA-256 of its token. `version` grows with every write and is the condition of
    the next one; the record may be deleted from `expires_at` on.

    `unheeded` is true after a post that has not triggered a poll yet; `task_token` is the state machine's wait that the
    next post ends. Before `expects_from` no song is expected, so a first post then only announces that one is made.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    sha256: str
    job_id: str
    attempt: PositiveInt
    expires_at: datetime
    posts: NonNegativeInt = 0
    expects_from: datetime | None = None
    unheeded: bool = False
    task_token: str | None = None
    version: PositiveInt = 1

    @property
    def is_deaf(self) -> bool:
        """Whether further posts change nothing."""
        return self.posts >= MOST_POSTS

    def comes_early(self, now: datetime) -> bool:
        """Whether a post at this moment triggers no poll: the first one, before a song is expected. Any later one does,
        so that a song which is done sooner than expected is found at the post that follows.
        """
        return self.posts == 0 and self.expects_from is not None and now < self.expects_from

    def posted_early(self) -> "Callback":
        """This callback after a post that triggers no poll; a wait goes on."""
        return self._with(posts=self.posts + 1)

    def awaited_by(self, task_token: str) -> "Callback":
        """This callback with a state machine's wait for the next post."""
        return self._with(task_token=task_token)

    def heeded(self) -> "Callback":
        """This callback once its unheeded post triggers a poll."""
        return self._with(unheeded=False)

    def posted(self, *, woke: bool) -> "Callback":
        """This callback after a post; `woke` is whether the post ended a wait."""
        return self._with(posts=self.posts + 1, unheeded=not woke, task_token=None)

    def _with(self, **changes: object) -> "Callback":
        return self.model_copy(update={**changes, "version": self.version + 1})


def new_callback(
    job_id: str, attempt: int, now: datetime, randomness: bytes, expects_from: datetime | None = None
) -> tuple[str, Callback]:
    """The token for an attempt's URL, and its record, which holds only the hash; `randomness` is 32 random bytes."""
    token = base64.urlsafe_b64encode(randomness[:TOKEN_RANDOM_BYTES]).decode().rstrip("=")
    return token, Callback(
        sha256=token_sha256(token),
        job_id=job_id,
        attempt=attempt,
        expires_at=now + _LIFETIME,
        expects_from=expects_from,
    )


def callback_url(api_url: str, token: str) -> str:
    """The URL for the provider; `api_url` has no trailing slash."""
    return f"{api_url}/v1/callbacks/{token}"


def is_callback_token(text: str) -> bool:
    """Whether a text has the form of a token; anything else is not looked up."""
    return _TOKEN.fullmatch(text) is not None


def token_sha256(token: str) -> str:
    """The hash under which a callback is kept, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
