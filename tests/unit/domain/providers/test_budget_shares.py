"""Where a booking takes from a budget that is spread over shards."""

from collections import Counter

import pytest

from fermata.domain.providers.budget_shares import (
    SHARDS,
    DayBudget,
    Share,
    has_room,
    shard_of,
    to_hand_out,
    total_of,
)

COST = 100


def test_jobs_spread_evenly_over_all_shards() -> None:
    jobs = Counter(shard_of(f"job_{number:026d}") for number in range(16_000))
    assert set(jobs) == set(range(SHARDS))
    assert max(jobs.values()) < 2 * min(jobs.values())


def test_the_total_is_what_the_day_and_its_shards_booked_wherever_room_is_left() -> None:
    day = DayBudget(taken=1000, handed=700, budget=5000, exists=True)
    assert total_of(day, [Share(booked=200, room=100), Share(booked=100, room=300)]) == 600
    assert total_of(DayBudget(taken=300, exists=True), [Share()] * SHARDS) == 300


@pytest.mark.parametrize(
    ("share", "budget", "has"),
    [
        (Share(room=COST, budget=500), 500, True),
        (Share(room=COST - 1, budget=500), 500, False),
        (Share(room=COST, budget=500), 400, False),
        (Share(room=COST), 500, False),
        (Share(room=-COST, budget=0), 0, True),
        (Share(room=COST, budget=500), 0, False),
    ],
)
def test_a_room_serves_claims_under_the_budget_that_it_was_handed_out_under(
    share: Share, budget: int, has: bool
) -> None:
    assert has_room(share, COST, budget) is has


@pytest.mark.parametrize(
    ("day", "room", "handed"),
    [
        (DayBudget(taken=0, budget=10**6), 0, 16 * COST),
        (DayBudget(taken=10**6 - 3200, budget=10**6), 0, COST),
        (DayBudget(taken=10**6 - 9600, budget=10**6), 0, 300),
        (DayBudget(taken=10**6 - COST, budget=10**6), 0, COST),
        (DayBudget(taken=10**6 - COST + 1, budget=10**6), 0, None),
        (DayBudget(taken=10**6 - COST + 1, budget=10**6), 1, COST - 1),
        (DayBudget(taken=10**6, budget=10**6), COST - 1, None),
        (DayBudget(taken=0, budget=10**7), 0, None),
        (DayBudget(taken=0), 0, None),
    ],
)
def test_a_day_hands_out_some_claims_while_there_is_plenty_and_one_when_there_is_little(
    day: DayBudget, room: int, handed: int | None
) -> None:
    assert to_hand_out(day, Share(room=room), COST, 10**6) == handed


def test_without_a_budget_nothing_is_handed_out() -> None:
    assert to_hand_out(DayBudget(taken=-COST, budget=0), Share(), 0, 0) is None
