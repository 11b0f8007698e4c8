"""What an order of `auto` may cost, and which models it may reach."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

_CHOICE: Final = f"{FERMATA}/domain/orders/choice.py"
_TESTS: Final = "tests/unit/use_cases/orders/test_auto.py"

CHOICE: Final = (
    Mutant(
        "choice: a fallback costs any multiple of the first model's price",
        _CHOICE,
        "is_cheap = each.price_credits <= MOST_TIMES_THE_PRICE * first.price_credits",
        "is_cheap = True",
        (f"{_TESTS}::test_a_model_at_more_than_twice_the_price_is_no_fallback",),
    ),
    Mutant(
        "choice: an order may end up waiting for a dearer model than the cheapest",
        _CHOICE,
        "if each.waits and each.candidate][:1]",
        "if each.waits and each.candidate]",
        (f"{_TESTS}::test_an_order_that_only_paused_models_can_serve_waits_for_the_cheapest_as_if_it_had_named_it",),
    ),
    Mutant(
        "choice: an order waits for a model whose account is closed",
        _CHOICE,
        "waits=around.may_wait(model)",
        "waits=True",
        (f"{_TESTS}::test_a_model_whose_account_is_closed_is_not_waited_for",),
    ),
    Mutant(
        "choice: a fallback is held that the wallet does not cover",
        _CHOICE,
        "if is_cheap and hold <= buyer.holdable_credits and is_within",
        "if is_cheap and is_within",
        (f"{_TESTS}::test_what_the_wallet_cannot_hold_is_left_out",),
    ),
    Mutant(
        "choice: attempts of unknown outcome are not counted in the bounds",
        _CHOICE,
        "hold = hold_for(longer, pays_unknown=buyer.pays_unknown)",
        "hold = hold_for(longer, pays_unknown=False)",
        (f"{_TESTS}::test_a_tenant_that_pays_unknown_attempts_is_held_for_no_more_than_its_bounds",),
    ),
    Mutant(
        "choice: the price of one unit decides, not that of the order",
        _CHOICE,
        "return (int(each.waits), each.candidate.price_credits, each.estimate.p50_s, each.model)",
        "return (int(each.waits), each.candidate.unit_credits, each.estimate.p50_s, each.model)",
        (f"{_TESTS}::test_the_price_that_counts_is_that_of_the_whole_order",),
    ),
    Mutant(
        "choice: the budget is asked for the cost of one unit",
        _CHOICE,
        "around.is_available(model, candidate.cost_micro_usd)",
        "around.is_available(model, model.cost_micro_usd)",
        (f"{_TESTS}::test_a_provider_whose_budget_does_not_suffice_for_the_whole_order_is_not_asked",),
    ),
    Mutant(
        "choice: the month of a capped key does not bound it",
        f"{FERMATA}/use_cases/orders/plan_order.py",
        "if of_key is not None and of_key < of_wallet:",
        "if of_key is not None and of_key < 0:",
        (f"{_TESTS}::test_what_the_keys_month_cannot_hold_is_left_out",),
    ),
    Mutant(
        "choice: what a key spent in an earlier month bounds it",
        f"{FERMATA}/use_cases/orders/plan_order.py",
        "counter.in_month_of(now).committed",
        "counter.committed",
        (f"{_TESTS}::test_what_a_key_spent_in_an_earlier_month_leaves_the_choice_whole",),
    ),
    Mutant(
        "choice: a family is chosen",
        _CHOICE,
        "if model.kind == kind and not model.is_family)",
        "if model.kind == kind)",
        (f"{_TESTS}::test_a_family_is_never_chosen",),
    ),
    Mutant(
        "choice: a choice that fails beside its twin is refused",
        f"{FERMATA}/use_cases/orders/submit_job.py",
        "*(IdempotencyKeyTakenError, LimitReachedError, NoModelError, OutOfCreditError),",
        "*(IdempotencyKeyTakenError, LimitReachedError, OutOfCreditError),",
        (f"{_TESTS}::test_two_orders_with_one_key_at_once_are_one_job_although_no_model_is_left_for_the_second",),
    ),
    Mutant(
        "choice: the month's credits do not bound a choice",
        f"{FERMATA}/use_cases/orders/plan_order.py",
        "return max(0, min(current.available, of_month))",
        "return max(0, current.available)",
        (f"{_TESTS}::test_what_the_plans_month_leaves_bounds_the_choice",),
    ),
    Mutant(
        "choice: an order costs more than its max_credits",
        f"{FERMATA}/use_cases/orders/plan_order.py",
        "if not is_within(plan.hold_credits, request.max_credits):",
        "if not is_within(plan.chain[0].price_credits, request.max_credits):",
        (f"{_TESTS}::test_max_credits_bounds_the_fallbacks_that_the_request_names",),
    ),
)
