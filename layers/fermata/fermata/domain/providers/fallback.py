"""What follows a failed attempt: the same model again, the next model of the job's chain, or the end."""

from enum import StrEnum
from typing import Final

from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged

_SAME_ANSWER_EVERYWHERE: Final = frozenset({FailureClass.CONTENT_REFUSED, FailureClass.INVALID_REQUEST})


class OnUnknown(StrEnum):
    """What a caller wants where nobody knows whether the provider charged: the end, or another model although both may
    be billed.
    """

    FAIL = "fail"
    FALLBACK = "fallback"


class NextStep(StrEnum):
    """The possible answers to a failed attempt."""

    END = "end"
    SAME_MODEL = "same_model"
    NEXT_MODEL = "next_model"


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
