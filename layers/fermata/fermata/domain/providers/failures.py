"""One vocabulary for all upstream failures, and whether the provider charged."""

import re
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict

MESSAGE_LIMIT: Final = 300


class FailureClass(StrEnum):
    """Why a song is unavailable; the closed list that callers see as `error.class`."""

    TRANSIENT = "transient"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    OUT_OF_CREDIT = "out_of_credit"
    CONTENT_REFUSED = "content_refused"
    INVALID_REQUEST = "invalid_request"
    NOT_ENTITLED = "not_entitled"
    NOT_FOUND = "not_found"
    INCOMPLETE = "incomplete"
    BAD_AUDIO = "bad_audio"
    RESULT_EXPIRED = "result_expired"
    UNKNOWN_OUTCOME = "unknown_outcome"
    PROVIDER_ERROR = "provider_error"


class ProviderCharged(StrEnum):
    """Whether the provider billed an attempt; `no` needs a documented refusal before work or no connection at all."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_ABOUT_THE_ACCOUNT: Final = frozenset({FailureClass.AUTH, FailureClass.OUT_OF_CREDIT, FailureClass.NOT_ENTITLED})
"""Failures of the operator's account at a provider, which tenants must not see."""
_SPEAKS_OF_THE_ACCOUNT: Final = re.compile(
    r"\b(?:accounts?|balances?|billing|invoices?|funds?|payments?|subscriptions?|organi[sz]ations?|orgs?|workspaces?"
    r"|api[ _-]?keys?|quotas?|top[ -]?up|recharge)\b|余额|账户|账号|欠费",
    re.IGNORECASE,
)
"""Words by which a provider's message addresses the operator, in failures of any class."""
_NOT_NOW: Final = frozenset({FailureClass.AUTH, FailureClass.OUT_OF_CREDIT, FailureClass.RATE_LIMITED})
"""Refusals of a free call that concern the caller, not the song."""
_HELD_BACK: Final = frozenset({"provider_paused", "budget_spent", "circuit_open"})
"""Our codes for orders that the operator or an open circuit blocks."""


class Failure(BaseModel):
    """One upstream failure. `code` is the provider's own; `message` is readable text: trimmed, without secrets or `_*`
    fields. `of_one_model` narrows `not_entitled` to the ordered model; otherwise it concerns the whole account.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    failure_class: FailureClass
    provider_charged: ProviderCharged
    message: str
    code: str | None = None
    http_status: int | None = None
    trace_id: str | None = None
    retry_after_s: int | None = None
    of_one_model: bool = False

    def of_an_accepted_order(self) -> "Failure":
        """This failure after the provider accepted the order: a later refusal does not show that it is unpaid."""
        if self.provider_charged is not ProviderCharged.NO:
            return self
        return self.model_copy(update={"provider_charged": ProviderCharged.UNKNOWN})

    def of_a_free_call(self) -> "Failure":
        """This failure of a call that orders nothing: certainly unpaid, and transient if its cause is unknown."""
        unclear = self.failure_class is FailureClass.UNKNOWN_OUTCOME
        failure_class = FailureClass.TRANSIENT if unclear else self.failure_class
        return self.model_copy(update={"failure_class": failure_class, "provider_charged": ProviderCharged.NO})

    def for_tenant(self) -> "Failure":
        """This failure as tenants see it: without the operator's account, settings or commands. A refusal after the
        purchase becomes `transient`, because it does not concern the song.
        """
        if self.provider_charged is not ProviderCharged.NO and self.failure_class in _NOT_NOW:
            message = (
                "the audio was ordered, but the provider refused access to it for too long; the credits were returned"
            )
            changed = {"failure_class": FailureClass.TRANSIENT, "code": "provider_unavailable", "message": message}
            return self.model_copy(update=changed)
        if self.failure_class in _ABOUT_THE_ACCOUNT:
            message = (
                "the provider takes no order for this model at the moment; choose another model, or try again later"
            )
            return self.model_copy(update={"message": message})
        if self.code in _HELD_BACK:
            message = "no orders go to this provider at the moment; choose another model, or try again later"
            return self.model_copy(update={"message": message})
        if _SPEAKS_OF_THE_ACCOUNT.search(self.message):
            message = "the provider's reason is not about this order; choose another model, or try again later"
            return self.model_copy(update={"message": message})
        return self

    @property
    def may_repeat(self) -> bool:
        """Whether a new attempt on the same provider is sensible and certainly does not pay for the same song again."""
        passing = self.failure_class in (FailureClass.TRANSIENT, FailureClass.RATE_LIMITED)
        return passing and self.provider_charged is ProviderCharged.NO


def unpaid(failure_class: FailureClass, code: str, message: str) -> Failure:
    """The failure of an order that reached no provider, with one of our codes."""
    return Failure(failure_class=failure_class, provider_charged=ProviderCharged.NO, message=message, code=code)


def unknown_outcome(
    message: str, *, code: str | None = None, http_status: int | None = None, trace_id: str | None = None
) -> Failure:
    """The failure of a paid call for which it is unknown whether the song was made and billed."""
    return Failure(
        failure_class=FailureClass.UNKNOWN_OUTCOME,
        provider_charged=ProviderCharged.UNKNOWN,
        message=message[:MESSAGE_LIMIT],
        code=code,
        http_status=http_status,
        trace_id=trace_id,
    )
