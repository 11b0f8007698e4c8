"""The terms of an order that decide what may follow an attempt: the same model again, the next one of the chain, or the
end.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.order_request import OnUnknown
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged

MAX_ATTEMPTS: Final = 4
"""Most paid calls of one job, over all of its models."""

_SAME_ANSWER_EVERYWHERE: Final = frozenset({FailureClass.CONTENT_REFUSED, FailureClass.INVALID_REQUEST})


class AfterFailure(StrEnum):
    """The possible steps after a failed attempt."""

    END = "end"
    SAME_MODEL = "same_model"
    NEXT_MODEL = "next_model"


@dataclass(frozen=True)
class Terms:
    """The models of an order, in the order in which they are called, and the deadlines. A `turn` is a position in
    `candidates`, which is never empty.
    """

    candidates: tuple[Candidate, ...]
    on_unknown: OnUnknown
    start_by: datetime
    finish_by: datetime | None

    @property
    def at_risk(self) -> int:
        """How many songs may be bought on these terms without payment: one with `finish_by`, and one per model if
        `on_unknown` continues with fallbacks.
        """
        if self.on_unknown is OnUnknown.FALLBACK and len(self.candidates) > 1:
            return min(len(self.candidates), MAX_ATTEMPTS)
        return int(self.finish_by is not None)

    def order_by(self, turn: int) -> datetime:
        """The deadline for ordering from a model: `start_by`, or earlier if its song would likely miss `finish_by`."""
        if self.finish_by is None:
            return self.start_by
        return min(self.start_by, self.finish_by - timedelta(seconds=self.candidates[turn].p80_s))

    def step_after(self, attempt: Attempt) -> AfterFailure:
        """The step after the attempt's failure, regardless of the attempts left; `END` if it has not failed."""
        if attempt.failure is None:
            return AfterFailure.END
        model_left = attempt.candidate + 1 < len(self.candidates)
        return step_after(attempt.failure, self.on_unknown, model_left=model_left)

    def turn_after(self, attempt: Attempt) -> int:
        """The turn after an attempt; the attempt's own unless the next model follows."""
        return attempt.candidate + (self.step_after(attempt) is AfterFailure.NEXT_MODEL)

    def may_follow(self, attempt: Attempt, now: datetime) -> bool:
        """Whether another attempt is left, with time for it."""
        return self._leave_one_after(attempt) and now < self.order_by(self.turn_after(attempt))

    def unordered_after(self, attempt: Attempt | None) -> tuple[str, int] | None:
        """The provider and number of the attempt that would follow this one (None: the first attempt), regardless of
        the time; None if no attempt would follow.
        """
        if attempt is None:
            return self.candidates[0].provider, 1
        if not self._leave_one_after(attempt):
            return None
        return self.candidates[self.turn_after(attempt)].provider, attempt.number + 1

    def _leave_one_after(self, attempt: Attempt) -> bool:
        return attempt.number < MAX_ATTEMPTS and self.step_after(attempt) is not AfterFailure.END


def step_after(failure: Failure, on_unknown: OnUnknown, *, model_left: bool) -> AfterFailure:
    """The step after a failed attempt; `model_left` is whether the chain has an untried model.

    The next model follows at once if the failed attempt was certainly not charged, even if waiting might have helped.
    """
    if model_left and _may_go_elsewhere(failure, on_unknown):
        return AfterFailure.NEXT_MODEL
    return AfterFailure.SAME_MODEL if failure.may_repeat else AfterFailure.END


def _may_go_elsewhere(failure: Failure, on_unknown: OnUnknown) -> bool:
    if failure.failure_class in _SAME_ANSWER_EVERYWHERE:
        return False
    if failure.provider_charged is ProviderCharged.UNKNOWN:
        return on_unknown is OnUnknown.FALLBACK
    return failure.provider_charged is ProviderCharged.NO
