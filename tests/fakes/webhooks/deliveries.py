"""A fake of the deliveries."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from fermata.domain.webhooks.delivery import MOST_REPLAYS, WebhookAttempt


class InMemoryWebhookDeliveries:
    """Keeps tries as text. `before_next_add` runs once, before a try is kept: what another run does in between."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, int], str] = {}
        self._replays: dict[str, int] = {}
        self.posts: Counter[str] = Counter()
        self.before_next_add: Callable[[], object] | None = None

    def of(self, job_id: str) -> tuple[WebhookAttempt, ...]:
        keys = sorted(key for key in self._rows if key[0] == job_id)
        return tuple(WebhookAttempt.model_validate_json(self._rows[key]) for key in keys)

    def add(self, job_id: str, attempt: WebhookAttempt) -> WebhookAttempt:
        before, self.before_next_add = self.before_next_add, None
        if before is not None:
            before()
        key = (job_id, attempt.replay, attempt.number)
        return WebhookAttempt.model_validate_json(self._rows.setdefault(key, attempt.model_dump_json()))

    def next_replay(self, job_id: str, most_posts: int, now: datetime) -> int | None:
        assert now.tzinfo is not None
        if self._replays.get(job_id, 0) >= MOST_REPLAYS or self.posts[job_id] >= most_posts:
            return None
        self._replays[job_id] = self._replays.get(job_id, 0) + 1
        return self._replays[job_id]

    def forget(self, job_id: str) -> None:
        for key in [key for key in self._rows if key[0] == job_id]:
            del self._rows[key]
        self._replays.pop(job_id, None)
        self.posts.pop(job_id, None)

    def count_post(self, job_id: str, most_posts: int, now: datetime) -> bool:
        assert now.tzinfo is not None
        if self.posts[job_id] >= most_posts:
            return False
        self.posts[job_id] += 1
        return True
