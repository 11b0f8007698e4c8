"""Delivery of a webhook: the schedule of attempts, the meaning of replies, and the record of each attempt."""

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
"""Seconds before each attempt, counted from the previous one: the schedule of Standard Webhooks."""
JITTER: Final = 0.1
"""Largest share by which a pause is lengthened, so that deliveries that failed together do not repeat together."""
MOST_REPLAYS: Final = 19
"""Most replays of one job's webhook; with ten attempts each, a list has at most 200 entries."""
KEPT_FOR: Final = timedelta(days=30)
"""How long the record of an attempt is kept."""


class Outcome(StrEnum):
    """The outcome of one attempt; another one follows only after `failed`."""

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
    """The state machine's next step."""

    DELIVERED = "delivered"
    RETRY = "retry"
    GIVEN_UP = "given_up"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Answered:
    """A receiver's answer; `retry_after_s` is its `Retry-After` in seconds, if any."""

    status_code: int
    retry_after_s: int | None = None


@dataclass(frozen=True)
class NotAnswered:
    """A post without an answer, and the reason."""

    reason: NoAnswer


Reply = Answered | NotAnswered


@dataclass(frozen=True)
class Try:
    """The `number`-th attempt (1 and up) of one delivery; `replay` is 0 for the first delivery, then counts replays."""

    replay: int
    number: int

    @property
    def is_repeat(self) -> bool:
        """Whether it is any but the first post about the job's end."""
        return self.replay > 0 or self.number > 1


class WebhookAttempt(BaseModel):
    """The record of one attempt. Only the `origin` of the URL is kept, because a URL may contain secrets; the next
    attempt follows after `wait_s` seconds.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

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
        """When the next attempt is made, or None."""
        return self.at + timedelta(seconds=self.wait_s) if self.wait_s else None

    @property
    def which(self) -> Try:
        """The number of this attempt and of its delivery."""
        return Try(self.replay, self.number)


@dataclass(frozen=True)
class StartedReplay:
    """The `replay`-th replay of the message `webhook_id`, started, to a receiver at `origin`."""

    webhook_id: str
    replay: int
    origin: str


@dataclass(frozen=True)
class Step:
    """The step after an attempt: `number` is that of the attempt to make next, `wait_s` whole seconds, at least 1."""

    verdict: Verdict
    number: int
    wait_s: int = 1


def attempt_after(reply: Reply, which: Try, origin: str, now: datetime, chance: float) -> WebhookAttempt:
    """The record of an attempt; `chance` from 0 to 1 lengthens its pause."""
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
    """Seconds by which an attempt is postponed if the plan has no room for it before `room_in_s` seconds. Never less
    than the scheduled pause before it, so that late attempts do not displace early ones. `chance` from 0 to 1 spreads
    them.
    """
    return max(room_in_s + round(WINDOW_S * chance), round(SCHEDULE_S[which.number - 1] * (1 + JITTER * chance)))


def pause_s(reply: Reply, number: int, chance: float) -> int:
    """Seconds from this failed attempt to the next: by schedule with jitter, or more if the receiver asked for it."""
    scheduled = round(SCHEDULE_S[number] * (1 + JITTER * chance))
    asked = reply.retry_after_s if isinstance(reply, Answered) else None
    return max(scheduled, asked or 0, 1)


def step_after(attempt: WebhookAttempt) -> Step:
    """The state machine's next step after an attempt."""
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
    """Whether a later replay of the same message was delivered, which makes this delivery unnecessary."""
    return any(each.replay > which.replay and each.outcome is Outcome.DELIVERED for each in attempts)


def _outcome(reply: Reply, number: int) -> Outcome:
    if isinstance(reply, Answered) and reply.status_code in SUCCESSES:
        return Outcome.DELIVERED
    if isinstance(reply, Answered) and reply.status_code == HTTPStatus.GONE:
        return Outcome.GONE
    return Outcome.FAILED if number < len(SCHEDULE_S) else Outcome.GIVEN_UP
