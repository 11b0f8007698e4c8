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
        "metered cost: a redelivery books what its first job paid",
        f"{FERMATA}/domain/jobs/shares.py",
        "if attempt.staged_at is not None or attempt.provider_units is None:",
        "if attempt.provider_units is None:",
        (
            "tests/unit/use_cases/generation/purchase/test_metered_costs.py::test_a_redelivery_reads_the_same_count_and_books_nothing",
        ),
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
