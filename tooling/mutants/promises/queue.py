"""What the line of a provider's callers promises."""

from typing import Final

from tooling.mutants.mutant import FERMATA, STARTING, Mutant

_QUEUE: Final = f"{FERMATA}/domain/providers/queue.py"
_QUEUE_TESTS: Final = "tests/unit/domain/providers/test_queue.py"
_CIRCUIT: Final = f"{FERMATA}/domain/providers/circuit.py"
_ADMISSION_TESTS: Final = "tests/unit/use_cases/generation/purchase/test_provider_queue.py"

_STATES: Final = f"{FERMATA}/adapters/dynamodb/providers/provider_states.py"
_ADMISSION: Final = f"{FERMATA}/use_cases/generation/purchase/provider_queue.py"
_STATES_TESTS: Final = "tests/fakes/providers/test_provider_states_contract.py"

QUEUE: Final = (
    Mutant(
        "queue: a slot without a start stays taken",
        _STATES,
        "                if start is None:\n                    self._free(provider, ticket, number, None)\n",
        "",
        (f"{_STATES_TESTS}::test_a_start_that_is_not_soon_is_not_reserved_and_takes_no_slot[dynamodb]",),
    ),
    Mutant(
        "queue: a full lane always sends to the same others",
        _STATES,
        '{now_ms // 1000} {step}"',
        '{step}"',
        (f"{_STATES_TESTS}::test_a_full_lane_sends_to_others_that_change_with_the_time",),
    ),
    Mutant(
        "queue: a later run does not find its own slot",
        _STATES,
        "            if holder == self._ticket:\n                self.own = number\n",
        "",
        (f"{_STATES_TESTS}::test_a_ticket_that_has_a_slot_keeps_it_for_longer_and_starts_at_once[dynamodb]",),
    ),
    Mutant(
        "queue: the place of a job that started stays",
        _ADMISSION,
        "        ports.states.leave(request.provider, request.name)\n",
        "        pass\n",
        (f"{_ADMISSION_TESTS}::test_a_second_job_gets_its_instant_and_is_ordered_exactly_then",),
    ),
    Mutant(
        "queue: a newcomer passes a job that waits",
        f"{FERMATA}/domain/providers/state.py",
        "if self.queue.waiting.keys() - {ticket} or self.queue.next_go_ms",
        "if self.queue.next_go_ms",
        (f"{_ADMISSION_TESTS}::test_a_newcomer_does_not_take_the_next_start_from_a_job_that_is_about_to_come",),
    ),
    Mutant(
        "queue: jobs that reserved the same start have no order",
        _QUEUE,
        "if (place.start_ms, name) < first]",
        "if place.start_ms < start_ms]",
        (f"{_QUEUE_TESTS}::test_of_jobs_that_reserved_the_same_start_the_name_decides",),
    ),
    Mutant(
        "queue: a start that a canceled job had reserved is given to nobody else",
        _QUEUE,
        "        if start_ms - free_ms >= limits.gap_ms:",
        "        if start_ms < free_ms - limits.gap_ms:",
        (f"{_QUEUE_TESTS}::test_one_place_that_is_always_renewed_does_not_push_the_line_ahead",),
    ),
    Mutant(
        "queue: starts come closer together than the gap",
        _QUEUE,
        "        free_ms = max(free_ms, start_ms + limits.gap_ms)",
        "        free_ms = max(free_ms, start_ms)",
        (f"{_QUEUE_TESTS}::test_starts_are_reserved_a_gap_apart_in_the_order_of_requests",),
    ),
    Mutant(
        "queue: who is turned away comes back ever later",
        _QUEUE,
        "        back_ms = soonest_ms",
        "        pass",
        (f"{_QUEUE_TESTS}::test_no_job_is_turned_away_for_longer_than_the_last_in_a_full_line_waits",),
    ),
    Mutant(
        "queue: a name that its caller made up counts as a listed model",
        STARTING,
        "is_listed=ordered.model in ports.resume.catalogue.listed_ids,",
        "is_listed=True,",
        (f"{_ADMISSION_TESTS}::test_a_name_that_a_caller_made_up_opens_no_circuit_for_others[suno-zzz]",),
    ),
    Mutant(
        "queue: a made-up name that is paused keeps a place in the line",
        f"{FERMATA}/domain/providers/state.py",
        " or (obstacle is not None and not is_listed)",
        "",
        (f"{_ADMISSION_TESTS}::test_a_made_up_name_that_keeps_failing_waits_without_a_place_and_delays_no_other_job",),
    ),
    Mutant(
        "queue: a made-up name tries before listed models",
        _CIRCUIT,
        "self.open_until_ms if is_listed else self.open_until_ms + self.open_for_ms",
        "self.open_until_ms",
        (
            "tests/unit/domain/providers/test_circuit.py::test_a_listed_model_makes_the_trial_first_and_a_made_up_name_only_if_none_did",
        ),
    ),
    Mutant(
        "queue: a made-up name that fails as the trial doubles the pause",
        _CIRCUIT,
        "self._opened(self.open_for_ms, now_ms, rules)",
        "self._opened(2 * self.open_for_ms, now_ms, rules)",
        (
            "tests/unit/domain/providers/test_circuit.py::test_a_made_up_name_that_fails_as_the_trial_does_not_double_the_pause",
        ),
    ),
    Mutant(
        "queue: words of the order speak of the account",
        f"{FERMATA}/domain/providers/answers.py",
        "found.group().casefold() not in ordered",
        "found.group()",
        (f"{_ADMISSION_TESTS}::test_text_that_a_provider_repeats_from_the_order_says_nothing_about_the_account",),
    ),
)
