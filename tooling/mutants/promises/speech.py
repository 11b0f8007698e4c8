"""What keeps the costs of speech in the books as the provider counts them."""

from typing import Final

from tooling.mutants.mutant import FERMATA, Mutant

SPEECH: Final = (
    Mutant(
        "metered cost: the budget books the ordered characters instead of twice as many",
        f"{FERMATA}/domain/catalogue/units.py",
        'return 2 * count if unit == "1000_characters" else count',
        "return count",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_an_order_is_sent_with_its_text_and_books_twice_its_characters",
        ),
    ),
    Mutant(
        "metered cost: what the provider counted is not booked",
        f"{FERMATA}/domain/jobs/job.py",
        "correction = -attempt.cost_micro_usd if unpaid else metered.cost_micro_usd - attempt.cost_micro_usd",
        "correction = -attempt.cost_micro_usd if unpaid else 0",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_the_bookings_of_a_job_add_up_to_what_its_attempts_cost",
        ),
    ),
    Mutant(
        "metered cost: what an accepted task states is not booked",
        f"{FERMATA}/domain/jobs/attempt.py",
        "isinstance(outcome, AudioAt | AudioInAnswer | AudioInEvents | TaskStarted)",
        "isinstance(outcome, AudioAt | AudioInAnswer | AudioInEvents)",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_the_amount_that_an_accepted_task_states_replaces_the_longest_length_that_was_booked",
        ),
    ),
    Mutant(
        "bounds: a reseller is ordered with a voice of the account at MiniMax",
        f"{FERMATA}/use_cases/orders/plan_order.py",
        "self.wallets.find(tenant_id) if model.speaks_for_itself else None",
        "self.wallets.find(tenant_id)",
        (
            "tests/unit/use_cases/orders/test_list_voices.py::test_a_voice_of_an_account_at_one_provider_is_none_of_a_reseller",
        ),
    ),
    Mutant(
        "metered cost: a redelivery books what its first job paid",
        f"{FERMATA}/domain/jobs/shares.py",
        "if attempt.staged_at is not None or attempt.provider_units is None:",
        "if attempt.provider_units is None:",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_a_redelivery_reads_the_same_count_and_books_nothing",
        ),
    ),
    Mutant(
        "metered cost: what was booked for unpaid attempts is told, too",
        f"{FERMATA}/domain/money/reports/usage_log.py",
        "(each for each in job.attempts if each.provider_charged is not ProviderCharged.NO)",
        "(each for each in job.attempts)",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_what_speech_costs_is_at_most_what_was_booked_for_it_where_a_character_counts_at_most_two",
        ),
    ),
    Mutant(
        "metered cost: what was booked is told as the corrected cost",
        f"{FERMATA}/domain/jobs/shares.py",
        "else candidates[attempt.candidate].cost_micro_usd",
        "else attempt.cost_micro_usd",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_what_speech_costs_is_at_most_what_was_booked_for_it_where_a_character_counts_at_most_two",
        ),
    ),
    Mutant(
        "metered cost: a redelivery is told as booked once more",
        f"{FERMATA}/domain/jobs/shares.py",
        "return 0 if attempt.staged_at is not None else candidates",
        "return candidates",
        ("tests/unit/domain/money/test_usage_log.py::test_an_attempt_that_another_job_bought_books_and_costs_nothing",),
    ),
    Mutant(
        "metered cost: a customer pays by bytes",
        f"{FERMATA}/domain/orders/order_request.py",
        'return len(request.text) if model.unit == "1000_characters" else 1',
        'return len(request.text.encode()) if model.unit == "1000_characters" else 1',
        (
            "tests/unit/domain/orders/test_speech_request.py::test_a_text_is_priced_by_its_code_points_and_books_twice_as_many",
        ),
    ),
)
