"""What AIML API says that a paid call took.

Its pages of `POST /v2/generate/audio` and `POST /v1/tts` show `meta.usage` with `credits_used` and `usd_spent`.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from fermata.domain.providers.answers import member
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    Metered,
    StartOutcome,
    TaskStarted,
    UpstreamAnswer,
)
from fermata.domain.providers.spending import micro_usd

_MOST_CREDITS: Final = 10**12
_MOST_USD: Final = 10**6


def with_usage(outcome: StartOutcome, answer: UpstreamAnswer) -> StartOutcome:
    """The outcome of a paid call with what the answer says that it took, in AIML API's credits and in USD. A refusal,
    or an answer that does not say both, stays as it is.
    """
    if not isinstance(outcome, AudioAt | AudioInAnswer | TaskStarted):
        return outcome
    usage = member(answer.document, "meta", "usage")
    in_credits = _amount(member(usage, "credits_used"), _MOST_CREDITS)
    usd = _amount(member(usage, "usd_spent"), _MOST_USD)
    if in_credits is None or usd is None:
        return outcome
    return replace(outcome, metered=Metered(in_credits, micro_usd(usd)))


def _amount(value: JsonValue, below: int) -> Decimal | None:
    """A positive number below a bound as it was written, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < below:
        return None
    return Decimal(str(value))
