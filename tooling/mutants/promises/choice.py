"""What an order of `auto` may cost, and which models it may reach."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

_CHOICE: Final = f"{FERMATA}/domain/orders/choice.py"
_TESTS: Final = "tests/unit/use_cases/orders/test_auto.py"
_BUDGET_SHARDS: Final = f"{FERMATA}/adapters/dynamodb/providers/budget_shards.py"
_BUDGETS: Final = "tests/fakes/money/test_budget_shards_in_dynamodb.py"
_BRAKES: Final = "tests/fakes/providers/test_brakes_contract.py"
_USAGE: Final = "tests/fakes/money/test_usage_shards_in_dynamodb.py"

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

SHARDS: Final = (
    Mutant(
        "budgets: a shard books more than it was handed",
        _BUDGET_SHARDS,
        '"#budget = :budget AND #room >= :more"',
        '"#budget = :budget AND (#room >= :more OR #room < :more)"',
        (f"{_BUDGETS}::test_a_room_that_another_claim_used_up_meanwhile_serves_no_second_one",),
    ),
    Mutant(
        "budgets: room that was handed out under another budget is used",
        _BUDGET_SHARDS,
        '"#budget = :budget AND #room >= :more"',
        '"attribute_exists(#budget) AND #room >= :more"',
        (
            f"{_BUDGETS}::test_a_room_that_was_handed_out_meanwhile_under_a_higher_budget_serves_no_claim_under_a_lower_one",
        ),
    ),
    Mutant(
        "budgets: a day hands out more than it has",
        _BUDGET_SHARDS,
        '"#budget = :budget AND #spent <= :limit"',
        '"#budget = :budget AND (#spent <= :limit OR #spent > :limit)"',
        (f"{_BUDGETS}::test_of_two_claims_that_read_the_same_only_what_fits_passes",),
    ),
    Mutant(
        "budgets: what a shard books meanwhile is not counted",
        _BUDGET_SHARDS,
        '"#spent = :read_spent AND #room = :read_room"',
        '"attribute_exists(#spent)"',
        (f"{_BUDGETS}::test_what_a_shard_books_while_all_are_counted_is_counted",),
    ),
    Mutant(
        "budgets: what an earlier release books meanwhile is not counted",
        _BUDGET_SHARDS,
        '"#spent = :read_spent AND attribute_not_exists(#handed)"',
        '"attribute_not_exists(#handed)"',
        (f"{_BUDGETS}::test_what_an_earlier_release_books_while_all_are_counted_is_counted",),
    ),
    Mutant(
        "budgets: a claim is refused while another shard has room",
        _BUDGET_SHARDS,
        '":spent": total_of(day, shares) + more',
        '":spent": day.taken + more',
        (f"{_BUDGETS}::test_the_last_of_a_budget_is_found_in_whatever_shard_it_is_left",),
    ),
    Mutant(
        "usage: all jobs of a tenant count in one item",
        f"{FERMATA}/adapters/dynamodb/money/usage_store.py",
        'f"{usage.place}#{shard}"',
        'f"{usage.place}#0"',
        (f"{_USAGE}::test_many_jobs_count_in_many_items_and_are_read_as_one_sum",),
    ),
    Mutant(
        "usage: what an earlier release counted is forgotten",
        f"{FERMATA}/adapters/dynamodb/money/usage_store.py",
        "for of in (_partition(tenant_id), _counters(tenant_id))",
        "for of in (_counters(tenant_id),)",
        (f"{_USAGE}::test_what_an_earlier_release_counted_is_added_on_every_page",),
    ),
)
"""What the shards of budgets, pauses and usage promise."""
