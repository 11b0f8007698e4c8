"""Delivering a webhook: when it is tried, what an answer means, and what is kept of each try."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.tenants.plan_limits import WINDOW_S
from fermata.domain.web.http_status import SUCCESSES

SCHEDULE_S: Final = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds before each try, counted from the one before it: the schedule of Standard Webhooks."""
JITTER: Final = 0.1
"""By how much of itself a pause may be longer, so that what failed together is not tried together again."""
MOST_REPLAYS: Final = 19
"""How often one job's webhook may be sent again on request; with ten tries each, a list has 200 entries at most."""
KEPT_FOR: Final = timedelta(days=30)
"""How long a try is remembered."""


class Outcome(StrEnum):
    """What came of one try; after `failed` there is another one."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"
    GONE = "gone"


class NoAnswer(StrEnum):
    """Why a receiver did not answer."""

    ADDRESS_REFUSED = "address_refused"
    NO_CONNECTION = "no_connection"
    TIMEOUT = "timeout"
    ANSWER_LOST = "answer_lost"


class Verdict(StrEnum):
    """What the state machine does next."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVEN_UP = "given_up"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Answered:
    """A receiver's answer; `retry_after_s` is what it asked for, in seconds, if anything."""

    status_code: int
    retry_after_s: int | None = None


@dataclass(frozen=True)
class NotAnswered:
    """There was no answer, and why."""

    reason: NoAnswer


Reply = Answered | NotAnswered


@dataclass(frozen=True)
class Try:
    """The `number`-th try (1 and up) of one delivery; `replay` is 0 for the first, then counts those on request."""

    replay: int
    number: int

    @property
    def is_repeat(self) -> bool:
        """Whether it is not the first post that tells of the job's end."""
        return self.replay > 0 or self.number > 1


class WebhookAttempt(BaseModel):
    """One try that was made. `origin` is all that is kept of where to, because a URL may hold secrets; after `wait_s`
    seconds follows the next one.
    """

    model_config = ConfigDict(frozen=True)

    replay: NonNegativeInt
    number: PositiveInt
    at: datetime
    origin: str
    outcome: Outcome
    status_code: int | None = None
    error: str | None = None
    wait_s: PositiveInt | None = None

    @property
    def next_try_at(self) -> datetime | None:
        """When the next try is made, None where there is none."""
        return self.at + timedelta(seconds=self.wait_s) if self.wait_s else None

    @property
    def which(self) -> Try:
        """Which try this was."""
        return Try(self.replay, self.number)


@dataclass(frozen=True)
class StartedReplay:
    """The `replay`-th delivery on request of the event `webhook_id`, which has begun, to a receiver at `origin`."""

    webhook_id: str
    replay: int
    origin: str


@dataclass(frozen=True)
class Step:
    """What follows a try: `number` is the next one's, `wait_s` whole seconds, at least 1."""

    verdict: Verdict
    number: int
    wait_s: int = 1


def attempt_after(reply: Reply, which: Try, origin: str, now: datetime, chance: float) -> WebhookAttempt:
    """What is kept of a try; `chance` from 0 to 1 makes its pause longer."""
    outcome = _outcome(reply, which.number)
    return WebhookAttempt(
        replay=which.replay,
        number=which.number,
        at=now,
        origin=origin,
        outcome=outcome,
        status_code=reply.status_code if isinstance(reply, Answered) else None,
        error=reply.reason if isinstance(reply, NotAnswered) else None,
        wait_s=pause_s(reply, which.number, chance) if outcome is Outcome.FAILED else None,
    )


def put_off_s(which: Try, room_in_s: int, chance: float) -> int:
    """Seconds until a try is made for which the plan has no room, as there is again in `room_in_s` seconds: never less
    than the pause before it was, so that late tries do not crowd out early ones. `chance` from 0 to 1 spreads them.
    """
    return max(room_in_s + round(WINDOW_S * chance), round(SCHEDULE_S[which.number - 1] * (1 + JITTER * chance)))


def pause_s(reply: Reply, number: int, chance: float) -> int:
    """Seconds from this failed try to the next: the schedule's with jitter, or more where the receiver asked for it."""
    scheduled = round(SCHEDULE_S[number] * (1 + JITTER * chance))
    asked = reply.retry_after_s if isinstance(reply, Answered) else None
    return max(scheduled, asked or 0, 1)


def step_after(attempt: WebhookAttempt) -> Step:
    """What the state machine does after a try."""
    match attempt.outcome:
        case Outcome.DELIVERED:
            return Step(Verdict.DELIVERED, attempt.number)
        case Outcome.FAILED:
            return Step(Verdict.RETRY, attempt.number + 1, attempt.wait_s or 1)
        case Outcome.GIVEN_UP:
            return Step(Verdict.GIVEN_UP, attempt.number)
        case Outcome.GONE:
            return Step(Verdict.STOPPED, attempt.number)


def is_overtaken(which: Try, attempts: Iterable[WebhookAttempt]) -> bool:
    """Whether a later delivery of the same event has arrived, so that nobody needs this one any more."""
    return any(each.replay > which.replay and each.outcome is Outcome.DELIVERED for each in attempts)


def _outcome(reply: Reply, number: int) -> Outcome:
    if isinstance(reply, Answered) and reply.status_code in SUCCESSES:
        return Outcome.DELIVERED
    if isinstance(reply, Answered) and reply.status_code == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.FAILED if number < len(SCHEDULE_S) else Outcome.GIVEN_UP
