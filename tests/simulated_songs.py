"""A provider that takes its time, asked at the pace that its last songs suggest: pure, seeded, without a clock.

Every song is ordered, taken after a second, asked for as `Pace` says, and learned from. Three rules can be compared:
the shipped one; the one before it, whose runs polled once; and the first, which learned the time of the first poll that
found the song.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.poll_schedule import Pace, bounded
from fermata.domain.jobs.latency import SongTime, SongTimes

LONGEST_PAUSES_S: Final = 30
"""Of one run together, as the template has it."""
TAKEN_AFTER_S: Final = 1.0
ROUND_TRIP_S: Final = 0.3
LONGEST_PAUSE_S: Final = 15
PRIOR: Final = Estimate(p50_s=70, p80_s=120)
MODEL: Final = "aimlapi/minimax/music-2.0"

Rule = Callable[[Sequence[SongTime], Estimate], Pace]
"""The pace of the next song, from those delivered before and the model's prior."""


@dataclass(frozen=True)
class Sung:
    """One song: what it took, what was expected when it was ordered, how often and when first it was asked for, in how
    many runs, how many seconds those lasted, and how many seconds it lay there.
    """

    took_s: float
    expected: Estimate
    polls: int
    first_poll_s: float
    runs: int
    ran_s: float
    lay_s: float

    @property
    def added(self) -> float:
        """How much longer the caller waited, as a share of what the song took."""
        return self.lay_s / self.took_s


def shipped_rule(songs: Sequence[SongTime], prior: Estimate) -> Pace:
    """What the functions do."""
    return Pace(SongTimes(models={MODEL: tuple(songs)}).estimate(MODEL, prior), LONGEST_PAUSE_S)


@dataclass(frozen=True)
class OnePollARun(Pace):
    """What the functions did before: first polls at four fifths of the median, and each pause in the machine."""

    def first_poll_s(self, elapsed_s: float) -> int:
        left_s = self.estimate.p50_s * 0.8 - elapsed_s
        return bounded(left_s) if left_s > 0 else self.next_poll_s(elapsed_s)

    def next_poll_in_a_run_s(self, elapsed_s: float, asked_s: int | None = None) -> int | None:  # noqa: ARG002 - as `Pace` takes them
        return None


def single_rule(songs: Sequence[SongTime], prior: Estimate) -> Pace:
    """The rule before: the shipped estimates, and one poll a run."""
    return OnePollARun(shipped_rule(songs, prior).estimate, LONGEST_PAUSE_S)


def former_rule(songs: Sequence[SongTime], prior: Estimate) -> Pace:
    """Nearest ranks among the last fifty times of delivery, from the fifth song on."""
    if len(songs) < 5:
        return OnePollARun(prior, LONGEST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
    ordered = sorted(song.latest_s for song in songs[-50:])
    p50_s, p80_s = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.8))
    return OnePollARun(Estimate(p50_s=p50_s, p80_s=p80_s), LONGEST_PAUSE_S, longest_s=LONGEST_PAUSE_S)


def sing(took: Sequence[float], prior: Estimate, rule: Rule = shipped_rule, at_once: int = 1) -> list[Sung]:
    """Songs one after the other, or so many at once that each knows only those that were ordered that much earlier."""
    songs: list[SongTime] = []
    sung: list[Sung] = []
    for number, took_s in enumerate(took):
        pace = rule(songs[: max(0, number - at_once + 1)], prior)
        one, time = _sing_one(took_s, pace, f"job_{number:06d}")
        sung.append(one)
        songs.append(time)
    return sung


def _sing_one(took_s: float, pace: Pace, job_id: str) -> tuple[Sung, SongTime]:
    asked_s = TAKEN_AFTER_S + pace.first_poll_s(TAKEN_AFTER_S) + ROUND_TRIP_S
    first_s, not_yet_s, polls, runs, paused_s, ran_s = asked_s, TAKEN_AFTER_S, 1, 1, 0, ROUND_TRIP_S
    while asked_s < took_s:
        not_yet_s, polls = asked_s, polls + 1
        pause_s = pace.next_poll_in_a_run_s(asked_s)
        if pause_s is not None and paused_s + pause_s <= LONGEST_PAUSES_S:
            paused_s, ran_s = paused_s + pause_s, ran_s + pause_s
        else:
            pause_s, paused_s, runs = pace.next_poll_s(asked_s), 0, runs + 1
        asked_s += pause_s + ROUND_TRIP_S
        ran_s += ROUND_TRIP_S
    time = SongTime(job_id, max(1, round(asked_s)), round(not_yet_s))
    return Sung(took_s, pace.estimate, polls, first_s, runs, ran_s, asked_s - took_s), time


# ---- providers


def steady(median_s: float, spread: float, songs: int, chance: random.Random) -> list[float]:
    """Times that are lognormal around a median; `spread` is the deviation of their logarithm."""
    return [median_s * math.exp(chance.gauss(0, spread)) for _ in range(songs)]


def bimodal(fast_s: float, slow_s: float, songs: int, chance: random.Random) -> list[float]:
    """One provider that is two: half of its songs take one time and half another."""
    return [each for _ in range(songs) for each in steady(chance.choice((fast_s, slow_s)), 0.15, 1, chance)]


@dataclass(frozen=True)
class Scenario:
    """Times of a provider for a seed, what its prior says, and from which song on it is as it stays."""

    took: Callable[[random.Random], list[float]]
    prior: Estimate
    settled_from: int = 0


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "prior far too high (2 s)": Scenario(lambda chance: steady(2, 0.1, 40, chance), PRIOR),
    "prior far too low (100 s)": Scenario(lambda chance: steady(100, 0.3, 40, chance), Estimate(p50_s=10, p80_s=20)),
    "five times faster (70 to 14 s)": Scenario(
        lambda chance: steady(70, 0.3, 40, chance) + steady(14, 0.3, 40, chance), PRIOR, settled_from=40
    ),
    "five times slower (70 to 350 s)": Scenario(
        lambda chance: steady(70, 0.3, 40, chance) + steady(350, 0.3, 40, chance), PRIOR, settled_from=40
    ),
    "steady (70 s)": Scenario(lambda chance: steady(70, 0.3, 80, chance), PRIOR, settled_from=30),
    "steady and wide (70 s)": Scenario(lambda chance: steady(70, 0.6, 80, chance), PRIOR, settled_from=30),
    "bimodal (30 or 150 s)": Scenario(lambda chance: bimodal(30, 150, 80, chance), PRIOR, settled_from=30),
    "any time (30 to 120 s)": Scenario(
        lambda chance: [chance.uniform(30, 120) for _ in range(80)], PRIOR, settled_from=30
    ),
    "long (180 s)": Scenario(lambda chance: steady(180, 0.3, 80, chance), PRIOR, settled_from=30),
}


def runs(scenario: Scenario, rule: Rule, seeds: int) -> list[list[Sung]]:
    """The songs of a scenario for each seed, those from `settled_from` on."""
    return [
        sing(scenario.took(random.Random(seed)), scenario.prior, rule)[scenario.settled_from :] for seed in range(seeds)
    ]


@dataclass(frozen=True)
class Figures:
    """Of many songs: polls, runs and their seconds in the mean, and the median and the 95th percentile of the added
    wait's share.
    """

    polls: float
    runs: float
    ran_s: float
    added_p50: float
    added_p95: float


def figures(played: Sequence[Sequence[Sung]]) -> Figures:
    songs = [song for run in played for song in run]
    added = sorted(song.added for song in songs)
    return Figures(
        fmean(song.polls for song in songs),
        fmean(song.runs for song in songs),
        fmean(song.ran_s for song in songs),
        median(added),
        added[math.ceil(len(added) * 0.95) - 1],
    )


def songs_until_known(run: Sequence[Sung], truth_s: float, factor: float) -> int:
    """After how many songs the expected median is within a factor of the truth, and stays there for three more."""
    near = [truth_s / factor <= song.expected.p50_s <= truth_s * factor for song in run]
    return next((number for number in range(len(near) - 3) if all(near[number : number + 4])), len(near))
