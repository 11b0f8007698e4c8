"""What a tenant reads is for tenants: no account, command or parameter of the operator's."""

import re
from typing import Final

import pytest

from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.providers.spending import Blocked, budget_spent, paused
from tests.fakes.clock import NOON

OPERATORS: Final = re.compile(
    r"operator|admin |secret|balance|account|Budget|[A-Z][a-z]+[A-Z]\w+Seconds|key|bill", re.ASCII
)


def failure(failure_class: FailureClass, charged: ProviderCharged, code: str = "1008") -> Failure:
    message = "expected a song, found that MiniMax answered code 1008 saying 'insufficient balance of account 42'"
    return Failure(failure_class=failure_class, provider_charged=charged, message=message, code=code)


@pytest.mark.parametrize("failure_class", ["auth", "out_of_credit", "not_entitled"])
@pytest.mark.parametrize("charged", list(ProviderCharged))
def test_nothing_about_the_operators_account_is_reported_to_tenants(
    failure_class: str, charged: ProviderCharged
) -> None:
    assert not OPERATORS.search(failure(FailureClass(failure_class), charged).for_tenant().message)


@pytest.mark.parametrize("failure_class", ["auth", "out_of_credit", "rate_limited"])
@pytest.mark.parametrize("charged", [ProviderCharged.YES, ProviderCharged.UNKNOWN])
def test_a_refusal_after_the_purchase_is_reported_as_trouble_at_the_provider(
    failure_class: str, charged: ProviderCharged
) -> None:
    told = failure(FailureClass(failure_class), charged).for_tenant()
    assert (told.failure_class, told.code) == (FailureClass.TRANSIENT, "provider_unavailable")
    assert told.provider_charged is charged


@pytest.mark.parametrize("failure_class", list(FailureClass))
def test_a_refusal_before_the_purchase_keeps_its_class_and_code(failure_class: FailureClass) -> None:
    told = failure(failure_class, ProviderCharged.NO).for_tenant()
    assert (told.failure_class, told.code, told.provider_charged) == (failure_class, "1008", ProviderCharged.NO)


@pytest.mark.parametrize("failure_class", ["content_refused", "invalid_request", "provider_error"])
def test_what_a_provider_says_about_the_song_is_reported(failure_class: str) -> None:
    message = "expected a song, found that the provider says 'the lyrics were flagged'"
    said = failure(FailureClass(failure_class), ProviderCharged.UNKNOWN).model_copy(update={"message": message})
    assert said.for_tenant() == said


@pytest.mark.parametrize("failure_class", list(FailureClass))
@pytest.mark.parametrize(
    "said",
    [
        "insufficient funds of org acme-prod",
        "Your account has been flagged",
        "billing hard limit reached, top up at https://example.test",
        "this API key may not be used here",
        "monthly quota exceeded for workspace prod-7",
        "账户余额不足",
    ],
)
def test_what_a_provider_says_to_the_operator_is_reported_to_no_tenant(failure_class: FailureClass, said: str) -> None:
    told = Failure(
        failure_class=failure_class, provider_charged=ProviderCharged.UNKNOWN, message=f"found {said!r}", code="500"
    ).for_tenant()
    assert said not in told.message
    assert not OPERATORS.search(told.message)


@pytest.mark.parametrize(
    "held", [paused("minimax", "all"), budget_spent("minimax", NOON.date())], ids=lambda held: held.code
)
def test_an_order_that_is_held_back_names_no_command_and_no_parameter(held: Blocked) -> None:
    told = held.as_failure().for_tenant()
    assert not OPERATORS.search(told.message)
