"""What a caller ordered, as far as it decides what may follow an attempt: the same model again, the next one of the
chain, or the end.
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
"""Paid calls that one job may make, over all of its models."""

_SAME_ANSWER_EVERYWHERE: Final = frozenset({FailureClass.CONTENT_REFUSED, FailureClass.INVALID_REQUEST})


class NextStep(StrEnum):
    """The possible answers to a failed attempt."""

    END = "end"
    SAME_MODEL = "same_model"
    NEXT_MODEL = "next_model"


@dataclass(frozen=True)
class Terms:
    """The models that may sing, in the order in which they are asked, and what bounds the asking. A `turn` is a
    position in `candidates`, which is never empty.
    """

    candidates: tuple[Candidate, ...]
    on_unknown: OnUnknown
    start_by: datetime
    finish_by: datetime | None

    @property
    def at_risk(self) -> int:
        """How many songs may be bought on these terms that nobody pays for: one by `finish_by`, and one of each model
        where `on_unknown` goes on to the next.
        """
        if self.on_unknown is OnUnknown.FALLBACK and len(self.candidates) > 1:
            return min(len(self.candidates), MAX_ATTEMPTS)
        return int(self.finish_by is not None)

    def order_by(self, turn: int) -> datetime:
        """Until when a model may be asked: as long as the order may wait, and its song is likely to be in time."""
        if self.finish_by is None:
            return self.start_by
        return min(self.start_by, self.finish_by - timedelta(seconds=self.candidates[turn].p80_s))

    def step_after(self, attempt: Attempt) -> NextStep:
        """What the attempt's failure asks for, however many attempts are left; `END` where it has not failed."""
        if attempt.failure is None:
            return NextStep.END
        model_left = attempt.candidate + 1 < len(self.candidates)
        return step_after(attempt.failure, self.on_unknown, model_left=model_left)

    def turn_after(self, attempt: Attempt) -> int:
        """The turn that comes after an attempt; its own where no other model is to be asked."""
        return attempt.candidate + (self.step_after(attempt) is NextStep.NEXT_MODEL)

    def may_follow(self, attempt: Attempt, now: datetime) -> bool:
        """Whether there is an attempt left, and time for it."""
        return self._leave_one_after(attempt) and now < self.order_by(self.turn_after(attempt))

    def unordered_after(self, attempt: Attempt | None) -> tuple[str, int] | None:
        """The provider that the attempt after this one, or the first one after None, would have asked, and that
        attempt's number, whatever the time; None where none would have followed.
        """
        if attempt is None:
            return self.candidates[0].provider, 1
        if not self._leave_one_after(attempt):
            return None
        return self.candidates[self.turn_after(attempt)].provider, attempt.number + 1

    def _leave_one_after(self, attempt: Attempt) -> bool:
        return attempt.number < MAX_ATTEMPTS and self.step_after(attempt) is not NextStep.END


def step_after(failure: Failure, on_unknown: OnUnknown, *, model_left: bool) -> NextStep:
    """What to do after a failed attempt; `model_left` tells whether the chain has a model that was not tried yet.

    The next model is taken at once where the failed one surely did not charge, even where waiting might have helped.
    """
    if model_left and _may_go_elsewhere(failure, on_unknown):
        return NextStep.NEXT_MODEL
    return NextStep.SAME_MODEL if failure.may_repeat else NextStep.END


def _may_go_elsewhere(failure: Failure, on_unknown: OnUnknown) -> bool:
    if failure.failure_class in _SAME_ANSWER_EVERYWHERE:
        return False
    if failure.provider_charged is ProviderCharged.UNKNOWN:
        return on_unknown is OnUnknown.FALLBACK
    return failure.provider_charged is ProviderCharged.NO
