"""The guard before a run of the end-to-end tests."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from tests.e2e.plan import FEW_CREDITS, ORDERS, Budget, RefusedError, check_budget, order

SIX: Mapping[str, int] = dict.fromkeys(ORDERS, 6)
NEEDED = 6 * len(ORDERS)


def test_a_run_on_simulated_providers_needs_no_budget_and_has_a_small_one() -> None:
    assert check_budget(SIX, Budget(), simulated=True) == NEEDED
    with pytest.raises(RefusedError, match=rf"at most {FEW_CREDITS} credits"):
        check_budget({"song": FEW_CREDITS + 1}, Budget(), simulated=True)


def test_a_run_that_may_cost_money_does_not_begin_without_a_budget() -> None:
    with pytest.raises(RefusedError, match="cost money, so set E2E_MAX_CREDITS or E2E_MAX_USD"):
        check_budget(SIX, Budget(), simulated=False)


@pytest.mark.parametrize(
    ("just_enough", "too_little"),
    [
        (Budget(credits=NEEDED), Budget(credits=NEEDED - 1)),
        (Budget(usd=Decimal("0.18")), Budget(usd=Decimal("0.179"))),
        (
            Budget(usd=Decimal("0.36"), credit_usd=Decimal("0.01")),
            Budget(usd=Decimal("0.18"), credit_usd=Decimal("0.01")),
        ),
        (Budget(credits=NEEDED, usd=Decimal(1)), Budget(credits=0, usd=Decimal(1))),
        (Budget(credits=1000, usd=Decimal(1)), Budget(credits=1000, usd=Decimal(0))),
    ],
    ids=["credits", "USD", "dear credits", "both, credits bind", "both, USD bind"],
)
def test_a_budget_lets_a_run_begin_that_it_just_covers_and_no_dearer_one(
    just_enough: Budget, too_little: Budget
) -> None:
    assert check_budget(SIX, just_enough, simulated=False) == NEEDED
    for simulated in (True, False):
        with pytest.raises(RefusedError, match=r"the run orders 6 songs for 36 credits.* are allowed"):
            check_budget(SIX, too_little, simulated=simulated)


def test_a_budget_is_read_from_the_environment() -> None:
    assert Budget.of({}) == Budget()
    given = {"E2E_MAX_CREDITS": "40", "E2E_MAX_USD": "0.25", "E2E_CREDIT_USD": "0.01"}
    assert Budget.of(given) == Budget(40, Decimal("0.25"), Decimal("0.01"))


@pytest.mark.parametrize("text", ["much", "-1", "NaN", "Infinity"])
def test_a_budget_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(RefusedError, match=f"E2E_MAX_USD: expected a number of 0 or more, found '{text}'"):
        Budget.of({"E2E_MAX_USD": text})


def test_every_order_names_its_run() -> None:
    assert {order(name, "r1")["metadata"]["e2e"] for name in ORDERS} == {"r1"}
    assert {order(name, "r1")["metadata"]["order"] for name in ORDERS} == set(ORDERS)
