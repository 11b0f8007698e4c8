"""What an operator's pauses and budgets decide, without any store."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.spending import (
    Blocked,
    PauseAndBudget,
    budget_spent,
    day_of,
    look_again_at,
    micro_usd,
    paused,
)
from tests.fakes.clock import NOON

DAY = NOON.date()
MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("paused_by", "spent", "cost", "budget", "code"),
    [
        ((), 0, 10, 0, None),
        ((), 10**9, 10, 0, None),
        ((), 0, 10, 10, None),
        ((), 90, 10, 100, None),
        ((), 91, 10, 100, "budget_spent"),
        ((), 0, 11, 10, "budget_spent"),
        (("minimax",), 0, 10, 0, "provider_paused"),
        (("all",), 0, 10, 100, "provider_paused"),
        (("minimax", "all"), 100, 10, 100, "provider_paused"),
    ],
)
def test_an_order_is_held_by_a_pause_or_where_its_cost_goes_beyond_the_budget(
    paused_by: tuple[str, ...], spent: int, cost: int, budget: int, code: str | None
) -> None:
    held = PauseAndBudget("minimax", DAY, paused_by, spent).blocking(cost, budget)
    assert (held.code if held else None) == code


@pytest.mark.parametrize(
    ("held", "advice"),
    [
        (paused("minimax", "all"), "`admin resume all`"),
        (paused("minimax", "minimax"), "`admin resume minimax`"),
        (budget_spent("aimlapi", DAY), "`admin set-budget aimlapi USD`"),
    ],
)
def test_a_held_order_fails_surely_unpaid_and_says_what_the_operator_can_do(held: Blocked, advice: str) -> None:
    failure = held.as_failure()
    assert (failure.failure_class, failure.provider_charged) == (FailureClass.TRANSIENT, ProviderCharged.NO)
    assert failure.code == held.code
    assert advice in failure.message


@pytest.mark.parametrize(
    ("held", "start_by_s", "waited_s", "again_s"),
    [
        pytest.param(paused("minimax", "all"), 3600, 0, 10, id="soon at first"),
        pytest.param(paused("minimax", "all"), 3600, 800, 100, id="the rarer the longer it has waited"),
        pytest.param(paused("minimax", "all"), 3600, 3400, 190, id="the last look comes before the order is too late"),
        pytest.param(paused("minimax", "all"), 3600, 3590, None, id="after the last look it ends"),
        pytest.param(paused("minimax", "all"), 5, 0, None, id="too short a time for any look"),
        pytest.param(budget_spent("minimax", DAY), 86_400, 0, 10, id="what is given back may be enough today"),
        pytest.param(budget_spent("minimax", DAY), 86_400, 43_100, 100, id="the next day brings a new budget"),
        pytest.param(budget_spent("minimax", DAY), 43_200, 0, None, id="the next day would come too late"),
    ],
)
def test_a_held_order_looks_again_as_long_as_it_can_be_made_in_time(
    held: Blocked, start_by_s: int, waited_s: int, again_s: int | None
) -> None:
    now = NOON + timedelta(seconds=waited_s)
    at = look_again_at(held, NOON, NOON + timedelta(seconds=start_by_s), 10, now)
    assert at == (None if again_s is None else now + timedelta(seconds=again_s))


def test_a_day_ends_at_midnight_utc() -> None:
    assert day_of(MIDNIGHT - timedelta(microseconds=1)) == DAY
    assert day_of(MIDNIGHT) == MIDNIGHT.date()
    assert budget_spent("minimax", DAY).until == MIDNIGHT


def test_every_price_is_exact_in_micro_usd() -> None:
    assert micro_usd(Decimal("0.0315")) * 10**6 == 31_500 * 10**6
    assert micro_usd(Decimal("0.1") + Decimal("0.2")) == 300_000
