"""Polls begin well before a song is usually ready, come more and more rarely, and never fill a history."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.adapters.providers import load_provider
from fermata.domain.catalogue.models import Estimate, Model, read_catalogue
from fermata.domain.catalogue.poll_schedule import (
    LONGEST_PAUSE_IN_A_RUN_S,
    LONGEST_WAIT_S,
    SHORTEST_PAUSE_S,
    Pace,
)
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.providers.calls import Trouble
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.wiring.generation import poll_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.fixtures.http_answers import answer_with
from tests.functions import ROOT
from tests.songs import JOB_ID, claimed_attempt, generating_job, queued_job

GENERATION_TIMEOUT_S = 3600
HISTORY_LIMIT = 25_000
"""Events of one execution; AWS Step Functions ends an execution that needs more."""
MACHINE = json.loads((ROOT / "statemachine" / "music_job.asl.json").read_text("utf-8"))
ROUND_TRIP = ("WaitForProvider", "PollGeneration", "DecideNext")
REFUSED_BY_LAMBDA, _, FAILED = MACHINE["States"]["PollGeneration"]["Retry"]
RETRIES = FAILED["MaxAttempts"]
EVENTS_OF_A_TRY = 3
"""A task is scheduled, started, and has succeeded or failed."""
EVENTS_OF_A_BUSY_LIFE = EVENTS_OF_A_TRY * MACHINE["TimeoutSeconds"] // (REFUSED_BY_LAMBDA["MaxDelaySeconds"] // 2)
"""Of an execution whose calls Lambda refuses for as long as it lives; with full jitter a pause is half of its length in
the mean.
"""
EVENTS_OF_A_POLL = 2 * len(ROUND_TRIP) + EVENTS_OF_A_TRY
"""Every state is entered and exited, and the task is tried once."""

MOST_POLLS = 125
"""In an hour, whatever the estimate says."""

estimates = st.tuples(st.integers(1, GENERATION_TIMEOUT_S), st.integers(1, GENERATION_TIMEOUT_S)).map(
    lambda drawn: Estimate(p50_s=min(drawn), p80_s=max(drawn))
)
paces = st.builds(Pace, estimates, st.integers(1, 60))
elapsed = st.floats(0, 2 * GENERATION_TIMEOUT_S)
wishes = st.none() | st.integers(0, 86_400)


def polls_at(pace: Pace, asked_s: int | None = None, within_s: int = GENERATION_TIMEOUT_S) -> list[int]:
    """The seconds after the order at which a song that never ends is polled, until it is given up."""
    at = [pace.first_poll_s(0)]
    while at[-1] < within_s:
        at.append(at[-1] + pace.next_poll_s(at[-1], asked_s))
    return at


@pytest.mark.parametrize(
    ("p50_s", "polls"),
    [
        (1, [1, 2, 3, 4]),
        (20, [14, 19, 24, 29, 34, 39, 44, 50]),
        (70, [49, 56, 63, 71, 80, 90, 102, 115, 130, 145]),
        (300, [210, 225, 240]),
    ],
)
def test_a_song_is_first_polled_at_seven_tenths_of_its_median_time(p50_s: int, polls: list[int]) -> None:
    pace = Pace(Estimate(p50_s=p50_s, p80_s=2 * p50_s), longest_pause_s=15)
    assert polls_at(pace)[: len(polls)] == polls


@given(paces, elapsed, wishes)
def test_every_wait_is_one_that_the_machine_takes(pace: Pace, elapsed_s: float, asked_s: int | None) -> None:
    assert 1 <= pace.next_poll_s(elapsed_s, asked_s) <= LONGEST_WAIT_S
    assert 1 <= pace.first_poll_s(elapsed_s) <= LONGEST_WAIT_S


@given(paces)
def test_pauses_never_become_shorter_and_never_longer_than_the_longest(pace: Pace) -> None:
    pauses = [later - earlier for earlier, later in pairwise(polls_at(pace))]
    assert pauses == sorted(pauses)
    assert all(pause <= pace.longest_s for pause in pauses)


@given(paces)
def test_until_a_song_is_late_its_pauses_keep_to_the_longest_of_its_model(pace: Pace) -> None:
    polls = polls_at(pace)
    late_s = min(2 * pace.estimate.p80_s, 80 * pace.longest_pause_s)
    assert all(later - earlier <= pace.longest_pause_s for earlier, later in pairwise(polls) if earlier <= late_s)


@given(paces, elapsed, wishes)
def test_a_run_pauses_no_longer_than_ten_seconds_nor_than_the_machine(
    pace: Pace, elapsed_s: float, asked_s: int | None
) -> None:
    pause_s = pace.next_poll_in_a_run_s(elapsed_s, asked_s)
    if pause_s is not None:
        assert max(1, min(asked_s or 0, LONGEST_WAIT_S)) <= pause_s <= LONGEST_PAUSE_IN_A_RUN_S == 10
        assert pause_s <= pace.next_poll_s(elapsed_s, asked_s)


@pytest.mark.parametrize(
    ("elapsed_s", "asked_s", "pause_s"),
    [
        (46, None, 6),
        (79, None, 10),
        (180, None, 10),
        (181, None, None),
        (46, 5, 6),
        (46, 10, 10),
        (46, 11, None),
        (46, 86_400, None),
    ],
)
def test_a_run_pauses_like_the_machine_up_to_ten_seconds_and_leaves_late_songs_and_longer_wishes_to_it(
    elapsed_s: int, asked_s: int | None, pause_s: int | None
) -> None:
    pace = Pace(Estimate(p50_s=70, p80_s=90), longest_pause_s=15)
    assert pace.next_poll_in_a_run_s(elapsed_s, asked_s) == pause_s


@pytest.mark.parametrize(("elapsed_s", "is_time"), [(0, False), (48, False), (49, True), (500, True)])
def test_a_song_that_calls_back_is_polled_without_a_call_from_the_time_of_the_first_poll_on(
    elapsed_s: float, is_time: bool
) -> None:
    assert Pace(Estimate(p50_s=70, p80_s=90), longest_pause_s=15).is_time_to_poll(elapsed_s) is is_time


@pytest.mark.parametrize(
    ("elapsed_s", "wait_s"), [(180, 15), (181, 23), (240, 30), (800, 100), (2400, 300), (3500, 300)]
)
def test_from_twice_its_p80_a_song_is_polled_by_a_share_of_the_whole_wait(elapsed_s: int, wait_s: int) -> None:
    assert Pace(Estimate(p50_s=70, p80_s=90), longest_pause_s=15).next_poll_s(elapsed_s) == wait_s


def test_the_longest_pause_of_a_late_song_is_a_parameter_and_never_below_that_of_one_in_time() -> None:
    estimate = Estimate(p50_s=70, p80_s=90)
    assert Pace(estimate, 15, longest_s=60).next_poll_s(3000) == 60
    assert Pace(estimate, 15, longest_s=1).next_poll_s(3000) == 15


@given(estimates, st.sampled_from(sorted({model.longest_poll_pause_s for model in read_catalogue().models} | {1, 60})))
def test_an_hour_of_polls_is_some_hundred_whatever_the_estimate(estimate: Estimate, longest_pause_s: int) -> None:
    assert len(polls_at(Pace(estimate, longest_pause_s))) <= MOST_POLLS


@pytest.mark.parametrize("p80_s", [1, 300, 600, 1800, 3600])
def test_an_estimate_that_is_torn_apart_costs_no_more_polls(p80_s: int) -> None:
    assert len(polls_at(Pace(Estimate(p50_s=1, p80_s=p80_s), longest_pause_s=15))) <= MOST_POLLS


@given(paces, elapsed, elapsed)
def test_the_longer_a_song_takes_the_longer_are_the_pauses(pace: Pace, one: float, other: float) -> None:
    assert pace.next_poll_s(min(one, other)) <= pace.next_poll_s(max(one, other))


@given(paces, elapsed)
def test_after_a_restart_an_overdue_song_is_polled_within_a_pause(pace: Pace, late_s: float) -> None:
    elapsed_s = pace.estimate.p50_s + late_s
    assert pace.first_poll_s(elapsed_s) == pace.next_poll_s(elapsed_s)


@given(paces, elapsed, st.integers(1, 86_400))
def test_a_requested_pause_is_kept_but_never_makes_polls_more_frequent(
    pace: Pace, elapsed_s: float, asked_s: int
) -> None:
    wait_s = pace.next_poll_s(elapsed_s, asked_s)
    assert wait_s == max(pace.next_poll_s(elapsed_s), min(asked_s, LONGEST_WAIT_S))


@pytest.mark.parametrize("asked_s", [None, 1])
@pytest.mark.parametrize("model", read_catalogue().models, ids=lambda model: model.id)
def test_an_hour_of_polls_takes_less_than_a_twentieth_of_an_executions_history(
    model: Model, asked_s: int | None
) -> None:
    for p50_s, p80_s in ((1, 1), (1, 1800), (20, 20), (70, 120), (600, 3600)):
        pace = Pace(Estimate(p50_s=p50_s, p80_s=p80_s), model.longest_poll_pause_s)
        polls = len(polls_at(pace, asked_s))
        assert polls <= MOST_POLLS
        assert polls * EVENTS_OF_A_POLL <= 1_200 < HISTORY_LIMIT / 20
        of_failures = polls * (EVENTS_OF_A_POLL + RETRIES * EVENTS_OF_A_TRY)
        assert of_failures < HISTORY_LIMIT * 2 / 3
        assert of_failures + EVENTS_OF_A_BUSY_LIFE < HISTORY_LIMIT * 9 / 10


@pytest.mark.parametrize("model", read_catalogue().models, ids=lambda model: model.id)
def test_polls_fit_into_a_history_for_as_long_as_the_machine_itself_may_run(model: Model) -> None:
    pace = Pace(Estimate(p50_s=1, p80_s=1), model.longest_poll_pause_s)
    polls = len(polls_at(pace, within_s=MACHINE["TimeoutSeconds"]))
    assert polls * EVENTS_OF_A_POLL < 2_000


def test_api_in_one_is_polled_every_five_to_ten_seconds_and_the_others_at_least_every_fifteen() -> None:
    assert SHORTEST_PAUSE_S == 5
    pauses = {model.provider: model.longest_poll_pause_s for model in read_catalogue().models}
    assert pauses == {"minimax": 15, "skillboss": 15, "apiinone": 10, "aimlapi": 15}


def test_the_events_of_a_poll_are_those_of_its_states() -> None:
    states = MACHINE["States"]
    assert [states[state]["Type"] for state in ROUND_TRIP] == ["Wait", "Task", "Choice"]
    assert [states[state]["Next"] for state in ROUND_TRIP[:-1]] == list(ROUND_TRIP[1:])
    assert "WaitForProvider" in {choice["Next"] for choice in states["DecideNext"]["Choices"]}


def test_a_task_is_polled_no_longer_than_these_bounds_count_with() -> None:
    template = (ROOT / "template.yaml").read_text("utf-8")
    default = re.search(r"\n  GenerationTimeoutSeconds:\n    Type: Number\n    Default: (\d+)\n", template)
    assert default is not None
    assert int(default[1]) == GENERATION_TIMEOUT_S


@pytest.mark.parametrize("provider", ["aimlapi", "apiinone"])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "body", [b'{"message": "slow down"}', b"<html>busy</html>", b""], ids=["json", "html", "empty"]
)
def test_a_postponed_poll_waits_as_long_as_the_provider_requests(provider: str, status: int, body: bytes) -> None:
    outcome = load_provider(provider).read_poll(replace(answer_with(body, status), retry_after_s=117))
    assert isinstance(outcome, Trouble)
    assert outcome.failure.retry_after_s == 117

    attempt = generating_job().attempts[0].model_copy(update={"provider": provider})
    world = World(upstream=FakeUpstream(ScriptedAnswer(body, status, retry_after_s=117)))
    world.jobs.create(queued_job(provider).claimed(claimed_attempt(provider), NOON).with_outcome(attempt, NOON))
    world.clock.pass_seconds(60)
    verdict = poll_generation(JOB_ID, 1, poll_ports())
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.GENERATING, 117)
