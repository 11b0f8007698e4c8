"""Estimates come from what bounds a song's true time. They find it however lazily it was polled for, follow a provider
that became faster or slower, and rest where it stays as it is.
"""

import random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata.domain.catalogue.estimation import SONGS_ENOUGH, SONGS_OF_A_CHANGE, Bounds, estimate_from
from fermata.domain.catalogue.models import Estimate
from tests.benchmarks.bench_poll_plan import MEMORY_MB_BEFORE, STATES_BESIDE_POLLS_BEFORE, usd_of_waiting
from tests.simulated_songs import (
    PRIOR,
    SCENARIOS,
    Rule,
    Scenario,
    Sung,
    bimodal,
    figures,
    former_rule,
    runs,
    shipped_rule,
    sing,
    single_rule,
    songs_until_known,
    steady,
)

SEEDS = 20

bounds = st.tuples(st.integers(0, 3600), st.integers(1, 3600)).map(lambda drawn: Bounds(min(drawn), max(1, *drawn)))
priors = st.integers(1, 600).map(lambda p50_s: Estimate(p50_s=p50_s, p80_s=2 * p50_s))


def exactly(*seconds: int) -> list[Bounds]:
    return [Bounds(each, each) for each in seconds]


def expected(*songs: Bounds) -> tuple[int, int]:
    found = estimate_from(songs, PRIOR)
    return found.p50_s, found.p80_s


def played(name: str) -> list[list[Sung]]:
    return runs(SCENARIOS[name], shipped_rule, SEEDS)


# ---- a few songs


def test_without_a_song_the_prior_is_the_estimate() -> None:
    assert estimate_from([], PRIOR) == PRIOR


@pytest.mark.parametrize(
    ("seconds", "p50_and_p80"),
    [
        pytest.param([140], (70, 140), id="one_slow_song_does_not_move_the_median"),
        pytest.param([28], (70, 120), id="nor_does_one_fast_song"),
        pytest.param([28, 28, 28], (28, 70), id="three_songs_outweigh_the_prior"),
        pytest.param([140, 140, 140, 140], (140, 140), id="and_so_do_four_slow_ones"),
        pytest.param([10, 20, 30, 40, 50], (30, 40), id="five_songs_are_enough"),
    ],
)
def test_with_fewer_than_five_songs_the_prior_still_counts(seconds: list[int], p50_and_p80: tuple[int, int]) -> None:
    assert SONGS_ENOUGH == 5
    assert expected(*exactly(*seconds)) == p50_and_p80


def test_exact_times_are_ranked() -> None:
    assert expected(*exactly(*range(1, 11))) == (5, 8)
    assert expected(*exactly(*[7] * 5)) == (7, 7)
    assert expected(*exactly(60, 61, 62, 63, 64, 3600)) == (62, 64)


# ---- bounds


def test_a_song_that_two_polls_bound_was_ready_in_the_middle_of_them() -> None:
    assert expected(*[Bounds(63, 71)] * 5) == (67, 67)


def test_songs_that_every_first_poll_found_are_taken_to_have_needed_half_of_the_shortest_of_those_times() -> None:
    assert expected(*[Bounds(0, 56)] * 5) == (28, 28)
    assert expected(*[Bounds(0, 56)] * 3, Bounds(0, 22), Bounds(0, 9)) == (4, 4)


def test_a_song_that_was_polled_for_too_late_is_taken_to_be_like_those_that_are_known_better() -> None:
    assert expected(*[Bounds(1, 56)] * 4, Bounds(12, 14)) == (13, 13)
    assert expected(Bounds(0, 600), *exactly(60, 62, 64, 66, 68, 70, 72, 74)) == (66, 72)


def test_a_song_whose_polls_had_trouble_says_little_and_nothing_wrong() -> None:
    healthy = [Bounds(60 + each, 68 + each) for each in range(9)]
    assert expected(*healthy, Bounds(0, 1800)) == expected(*healthy)


def test_a_late_song_is_not_taken_to_be_as_fast_as_the_others() -> None:
    assert expected(*exactly(60, 60, 60), Bounds(100, 120), Bounds(105, 130)) == (60, 110)


@given(st.lists(bounds, max_size=30), priors)
def test_an_estimate_lies_within_the_bounds_of_what_it_comes_from(songs: list[Bounds], prior: Estimate) -> None:
    found = estimate_from(songs, prior)
    assert 1 <= found.p50_s <= found.p80_s
    if len(songs) >= SONGS_ENOUGH:
        assert found.p80_s <= max(song.latest_s for song in songs)
        assert found.p50_s >= min(max(1, song.earliest_s) for song in songs)


@given(st.lists(bounds, min_size=1, max_size=7), st.randoms(use_true_random=False))
def test_without_a_change_the_order_of_the_songs_does_not_matter(songs: list[Bounds], chance: random.Random) -> None:
    mixed = songs[:]
    chance.shuffle(mixed)
    assert estimate_from(sorted(mixed), PRIOR) == estimate_from(sorted(songs), PRIOR)


# ---- changes

BEFORE = exactly(*range(60, 80, 3), *range(61, 80, 3), *range(62, 80, 3))


def test_four_songs_in_a_row_that_are_all_slow_or_all_fast_make_those_before_them_history() -> None:
    assert SONGS_OF_A_CHANGE == 4
    normal = exactly(70)
    for changed in (350, 14):
        assert expected(*BEFORE, *normal, *exactly(*[changed] * 3))[0] in range(60, 80)
        assert expected(*BEFORE, *normal, *exactly(*[changed] * 4)) == (changed, changed)


def test_a_change_is_remembered_for_as_long_as_songs_of_before_are() -> None:
    for songs in range(4, 31):
        assert expected(*[*BEFORE, *exactly(*[350] * songs)][-30:]) == (350, 350)


def test_one_odd_song_is_no_change() -> None:
    assert expected(*BEFORE, *exactly(900)) == (70, 76)
    assert expected(*BEFORE, *exactly(900, 70, 900, 900)) == (70, 78)


def test_a_provider_that_drifts_is_followed_as_new_songs_push_out_old_ones() -> None:
    before = exactly(*[60, 70, 80] * 10)
    assert expected(*[*before, *exactly(*[75, 85, 95] * 10)][-30:]) == (85, 95)


# ---- providers, simulated


def test_a_prior_that_is_far_too_high_is_left_in_steps_of_half_at_least() -> None:
    took = steady(2, 0.1, 12, random.Random(1))
    before, now = sing(took, PRIOR, former_rule), sing(took, PRIOR)
    assert [song.expected.p50_s for song in now] == [70, 70, 70, 25, 10, 4, 2, 2, 2, 2, 2, 2]
    assert now[5].first_poll_s <= 3 * 2
    assert now[7].first_poll_s <= 1.5 * 2
    assert min(song.expected.p50_s for song in before) >= 45


def test_many_songs_at_once_learn_a_prior_that_is_far_too_high_all_the_same() -> None:
    songs = sing(steady(2, 0.1, 100, random.Random(1)), PRIOR, at_once=10)
    assert [song.expected.p50_s for song in songs[60:]] == [2] * 40


def test_a_prior_that_is_far_too_low_is_left_with_the_fifth_song() -> None:
    all_runs = played("prior far too low (100 s)")
    assert median(run[5].expected.p50_s for run in all_runs) == pytest.approx(100, rel=0.2)
    later = [song for run in all_runs for song in run[6:]]
    assert sum(70 <= song.expected.p50_s <= 140 for song in later) >= 0.95 * len(later)
    assert figures(all_runs).runs <= 2.5


@pytest.mark.parametrize(
    ("name", "truth_s", "usual", "most"),
    [("five times faster (70 to 14 s)", 14, 7, 20), ("five times slower (70 to 350 s)", 350, 5, 12)],
)
def test_a_provider_that_changed_by_a_factor_of_five_is_known_again_within_a_few_songs(
    name: str, truth_s: int, usual: int, most: int
) -> None:
    needed = [songs_until_known(run, truth_s, factor=1.6) for run in played(name)]
    assert median(needed) <= usual
    assert max(needed) <= most


def test_a_provider_that_became_faster_is_polled_in_time_from_the_seventh_song_on() -> None:
    all_runs = played("five times faster (70 to 14 s)")
    assert median(run[0].first_poll_s for run in all_runs) > 3 * 14
    assert all(median(song.first_poll_s for song in run[6:]) < 1.2 * 14 for run in all_runs)


def test_the_estimate_of_a_steady_provider_keeps_to_a_fifth_of_the_truth_after_thirty_songs() -> None:
    songs = [song for run in played("steady (70 s)") for song in run]
    near = [song for song in songs if 70 / 1.2 <= song.expected.p50_s <= 70 * 1.2]
    assert len(near) >= 0.95 * len(songs)


@pytest.mark.parametrize("truth_s", [12, 30, 70, 200])
def test_what_half_and_four_fifths_of_the_songs_take_is_no_matter_of_our_polls(truth_s: int) -> None:
    a_pause_s = min(5, truth_s / 4)
    runs_of_it = runs(
        Scenario(lambda chance: steady(truth_s, 0.2, 60, chance), PRIOR, settled_from=30), shipped_rule, 8
    )
    songs = [song for run in runs_of_it for song in run]
    assert median(song.expected.p50_s for song in songs) == pytest.approx(truth_s, rel=0.15, abs=a_pause_s)
    assert median(song.expected.p80_s for song in songs) == pytest.approx(truth_s * 1.18, rel=0.2)


@pytest.mark.parametrize("earlier", [former_rule, single_rule])
def test_a_steady_provider_takes_one_and_a_half_runs_a_song_and_its_songs_wait_less_than_before(earlier: Rule) -> None:
    before = figures(runs(SCENARIOS["steady (70 s)"], earlier, SEEDS))
    now = figures(played("steady (70 s)"))
    assert now.runs <= 1.5
    assert now.runs < before.runs * 0.6
    assert now.added_p50 <= 0.1
    assert now.added_p95 <= 0.2 < before.added_p95
    assert now.added_p50 <= before.added_p50


def test_what_a_song_of_seventy_seconds_costs_while_it_is_waited_for_is_a_quarter_less() -> None:
    before = figures(runs(SCENARIOS["steady (70 s)"], single_rule, SEEDS))
    now = figures(played("steady (70 s)"))
    assert usd_of_waiting(now) <= 0.76 * usd_of_waiting(before, MEMORY_MB_BEFORE, STATES_BESIDE_POLLS_BEFORE)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_finished_song_waits_a_tenth_of_its_time_in_the_median_where_polls_may_be_that_close(name: str) -> None:
    found = figures(played(name))
    assert found.added_p50 <= (0.1 if "2 s" not in name and "14 s" not in name else 0.25)
    assert found.polls <= 16
    assert found.runs <= 5


def test_a_provider_with_two_speeds_gets_an_estimate_between_them_and_bounded_polls() -> None:
    for seed in range(SEEDS):
        for song in sing(bimodal(30, 150, 80, random.Random(seed)), PRIOR)[10:]:
            assert 12 <= song.expected.p50_s <= song.expected.p80_s <= 260
            assert song.polls <= 24
            assert song.runs <= 15
