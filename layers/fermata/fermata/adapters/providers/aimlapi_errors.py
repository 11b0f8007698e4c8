"""How AIML API refuses a paid call, the same on all its routes."""

from collections.abc import Mapping
from typing import Final

from fermata.domain.providers.answers import RATE_LIMITED, Ruling, refusal
from fermata.domain.providers.failures import FailureClass

NAME: Final = "AIML API"
TOO_MANY_REQUESTS: Final = 429

CREATE_STATUSES: Final[Mapping[int, Ruling]] = {
    **dict.fromkeys((400, 422), refusal(FailureClass.INVALID_REQUEST)),
    401: refusal(FailureClass.AUTH),
    403: refusal(FailureClass.OUT_OF_CREDIT),
    404: refusal(FailureClass.NOT_FOUND),
    TOO_MANY_REQUESTS: RATE_LIMITED,
    # The vendor calls these passing trouble, and says nothing about the bill. 504 is a song that may still be made.
    **dict.fromkeys((500, 502, 503), Ruling(FailureClass.TRANSIENT)),
}
