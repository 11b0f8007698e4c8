"""A failing provider is left alone for a while, then one call tries; a provider that shuts us out is left alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fermata.domain.providers.circuit import MOST_MODELS, Circuit, CircuitRules, Health, health_shown_by
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.providers.state import ProviderState

NOW = 1_800_000_000_000
RULES = CircuitRules(failures=5, window_ms=60_000, open_ms=30_000, longest_open_ms=600_000)


def failure(failure_class: str, *, of_one_model: bool = False) -> Failure:
    return Failure(
        failure_class=FailureClass(failure_class),
        provider_charged=ProviderCharged.UNKNOWN,
        message="",
        code="9",
        of_one_model=of_one_model,
    )


def after(circuit: Circuit, health: Health, at: int, ticket: str = "any") -> Circuit:
    return circuit.after(ticket, health, "2153", NOW + at, RULES)


def failing(*instants: int) -> Circuit:
    circuit = Circuit()
    for at in instants:
        circuit = after(circuit, Health.FAILS, at)
    return circuit


def tried(circuit: Circuit, health: Health, at: int) -> Circuit:
    """The circuit after its trial began and ended at the same instant."""
    return after(circuit.let_through("trial", NOW + at + 1000), health, at, "trial")


OPEN = failing(0, 1, 2, 3, 4)


@pytest.mark.parametrize(
    ("failure_class", "health"),
    [
        *((name, Health.FAILS) for name in ("transient", "auth", "out_of_credit", "unknown_outcome")),
        *((name, Health.WORKS) for name in ("content_refused", "invalid_request", "not_found")),
        *((name, Health.SAYS_NOTHING) for name in ("rate_limited", "provider_error", "incomplete", "bad_audio")),
        ("result_expired", Health.SAYS_NOTHING),
        ("not_entitled", Health.SHUTS_US_OUT),
    ],
)
def test_every_failure_says_something_about_the_provider(failure_class: str, health: Health) -> None:
    assert health_shown_by(failure(failure_class)) is health


def test_a_song_shows_that_the_provider_works() -> None:
    assert health_shown_by(None) is Health.WORKS


def test_a_model_outside_the_plan_does_not_count_as_a_failure_of_its_provider() -> None:
    assert health_shown_by(failure("not_entitled", of_one_model=True)) is Health.WORKS


@pytest.mark.parametrize(
    ("instants", "is_open"),
    [
        pytest.param((0, 1, 2, 3), False, id="four"),
        pytest.param((0, 1, 2, 3, 59_999), True, id="five within the window"),
        pytest.param((0, 1, 2, 3, 60_000), False, id="the first fell out of the window"),
        pytest.param((0, 1, 2, 3, 60_000, 60_001), False, id="two fell out of the window"),
        pytest.param((0, 1, 2, 60_000, 60_000, 60_000, 60_000, 60_000), True, id="five of many"),
    ],
)
def test_a_circuit_opens_at_the_fifth_failure_within_the_window(instants: tuple[int, ...], is_open: bool) -> None:
    circuit = failing(*instants)
    assert circuit.is_available(NOW + instants[-1]) is not is_open


def test_a_success_in_between_does_not_make_failures_rare() -> None:
    circuit = after(failing(0, 1, 2, 3), Health.WORKS, 3)
    assert not after(circuit, Health.FAILS, 4).is_available(NOW + 4)


def test_an_open_circuit_stops_every_order_until_its_end() -> None:
    assert OPEN.blocked_until_ms("a", NOW + 4) == NOW + 30_004
    assert not OPEN.is_available(NOW + 30_003)
    assert OPEN.is_available(NOW + 30_004)


def test_a_half_open_circuit_lets_one_ticket_through_and_finds_it_again() -> None:
    at = NOW + 30_004
    trying = OPEN.let_through("trial", at + 1000)
    assert OPEN.blocked_until_ms("trial", at) <= at
    assert trying.blocked_until_ms("trial", at) <= at
    assert trying.blocked_until_ms("other", at) == at + 1000


def test_a_dead_trial_is_followed_by_another_at_the_end_of_its_lease_and_not_before() -> None:
    at = NOW + 30_004
    trying = OPEN.let_through("dead", at + 1000)
    assert trying.blocked_until_ms("next", at + 999) > at + 999
    assert trying.blocked_until_ms("next", at + 1000) <= at + 1000


def test_a_trial_that_works_closes_the_circuit_and_forgets_the_doubling() -> None:
    closed = tried(tried(OPEN, Health.FAILS, 40_000), Health.WORKS, 110_000)
    assert closed == Circuit()


def test_each_trial_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    circuit, at, pauses = OPEN, 30_004, []
    for _ in range(6):
        circuit = tried(circuit, Health.FAILS, at)
        pauses.append(circuit.open_until_ms - NOW - at)
        at = circuit.open_until_ms - NOW
    assert pauses == [60_000, 120_000, 240_000, 480_000, 600_000, 600_000]


@pytest.mark.parametrize("health", [Health.FAILS, Health.WORKS, Health.SAYS_NOTHING])
def test_a_call_that_was_begun_before_changes_nothing_about_an_open_circuit(health: Health) -> None:
    assert after(OPEN, health, 5) == OPEN
    trying = OPEN.let_through("trial", NOW + 40_000)
    assert after(trying, health, 31_000, "straggler") == trying


def test_a_trial_that_says_nothing_or_is_not_made_leaves_the_place_to_another() -> None:
    trying = OPEN.let_through("trial", NOW + 90_000)
    for left in (after(trying, Health.SAYS_NOTHING, 31_000, "trial"), trying.given_up_by("trial")):
        assert left.blocked_until_ms("next", NOW + 31_000) <= NOW + 31_000
        assert left.open_for_ms == OPEN.open_for_ms
    assert trying.given_up_by("other") == trying


def test_a_provider_that_shuts_the_account_out_is_not_available_any_more() -> None:
    circuit = after(Circuit(), Health.SHUTS_US_OUT, 0)
    assert circuit.is_disabled
    assert circuit.disabled_by == "2153"
    assert not circuit.is_available(NOW + 10**12)


def test_a_closed_circuit_has_no_trial() -> None:
    assert Circuit().let_through("a", NOW) == Circuit()


# ---- names that the catalogue does not list

MADE_UP = "suno-zzz"
BAD = (Health.FAILS, Health.SHUTS_US_OUT)


def after_made_up(circuit: Circuit, health: Health, at: int, ticket: str = "made-up", model: str = MADE_UP) -> Circuit:
    return circuit.after_unlisted(model, ticket, health, "http_403", NOW + at, RULES)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(Health), st.sampled_from("abc"), st.integers(0, 9000))))
def test_failures_of_made_up_names_never_keep_a_listed_model_waiting(
    calls: list[tuple[bool, Health, str, int]],
) -> None:
    circuit = without_them = Circuit()
    at = 0
    for is_listed, health, name, later_ms in calls:
        at += later_ms
        if is_listed and health is not Health.SHUTS_US_OUT:
            circuit, without_them = after(circuit, health, at), after(without_them, health, at)
        else:
            circuit = after_made_up(circuit, health, at, model=name)
        assert circuit.blocked_until_ms("listed", NOW + at) == without_them.blocked_until_ms("listed", NOW + at)
    assert circuit.has_a_say is without_them.has_a_say


def test_a_made_up_name_that_keeps_failing_is_paused_by_itself() -> None:
    circuit = Circuit()
    for at in range(5):
        assert not circuit.unlisted or not circuit.unlisted[MADE_UP].open_until_ms
        circuit = after_made_up(circuit, Health.FAILS, at)
    assert circuit.unlisted[MADE_UP].blocked_until_ms("next", NOW + 4) == NOW + 30_004
    assert after_made_up(circuit, Health.FAILS, 5, model="other").unlisted.keys() == {MADE_UP, "other"}


def test_a_made_up_name_that_works_again_is_forgotten() -> None:
    circuit = Circuit()
    for at in range(5):
        circuit = after_made_up(circuit, Health.FAILS, at)
    trying = circuit.let_through("made-up", NOW + 40_000, MADE_UP)
    assert trying.is_trial("made-up")
    assert after_made_up(trying, Health.WORKS, 31_000) == Circuit()
    assert trying.given_up_by("made-up") == circuit


def test_an_account_that_is_shut_out_by_a_made_up_name_keeps_that_name_from_it_alone() -> None:
    circuit = after_made_up(Circuit(), Health.SHUTS_US_OUT, 0)
    assert not circuit.is_disabled
    assert circuit.is_available(NOW)
    assert circuit.refused_models == {MADE_UP: "http_403"}


def test_a_listed_model_makes_the_trial_first_and_a_made_up_name_only_if_none_did() -> None:
    assert OPEN.blocked_until_ms("listed", NOW + 30_004) == NOW + 30_004
    assert OPEN.blocked_until_ms("made-up", NOW + 30_004, is_listed=False) == NOW + 60_004
    assert OPEN.blocked_until_ms("made-up", NOW + 60_004, is_listed=False) == NOW + 60_004
    trying = OPEN.let_through("listed", NOW + 90_000)
    assert trying.blocked_until_ms("made-up", NOW + 60_004, is_listed=False) == NOW + 90_000


@pytest.mark.parametrize("health", BAD)
def test_a_made_up_name_that_fails_as_the_trial_does_not_double_the_pause(health: Health) -> None:
    again = after_made_up(OPEN.let_through("made-up", NOW + 90_000, MADE_UP), health, 61_000)
    assert (again.open_until_ms, again.open_for_ms, again.trial) == (NOW + 91_000, 30_000, None)


def test_a_made_up_name_that_works_as_the_trial_closes_the_circuit() -> None:
    assert after_made_up(OPEN.let_through("made-up", NOW + 90_000), Health.WORKS, 61_000) == Circuit()


def test_only_so_many_made_up_names_are_remembered_the_latest_ones() -> None:
    circuit = Circuit()
    for number in range(MOST_MODELS + 3):
        circuit = after_made_up(circuit, Health.FAILS, number, model=f"suno-{number}")
    circuit = after_made_up(circuit, Health.FAILS, 60, model="suno-3")
    assert len(circuit.unlisted) == MOST_MODELS
    assert [*circuit.unlisted][-2:] == [f"suno-{MOST_MODELS + 2}", "suno-3"]


def test_stored_records_keep_their_name_of_models_that_the_account_may_not_order() -> None:
    text = '{"provider":"minimax","version":1,"circuit":{"lacking":{"music-2.5":"2061"}}}'
    circuit = Circuit(unentitled_models={"music-2.5": "2061"})
    state = ProviderState(provider="minimax", version=1, circuit=circuit)
    assert state.model_dump_json(exclude_defaults=True) == text
    assert ProviderState.model_validate_json(text) == state


def test_a_stored_circuit_of_one_name_keeps_it_too() -> None:
    text = '{"unlisted":{"suno-zzz":{"lacking":{"music-2.5":"2061"}}}}'
    circuit = Circuit(unlisted={"suno-zzz": Circuit(unentitled_models={"music-2.5": "2061"})})
    assert circuit.model_dump_json(exclude_defaults=True) == text
    assert Circuit.model_validate_json(text) == circuit
