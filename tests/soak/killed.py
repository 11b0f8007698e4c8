"""Crash injection with real processes: every moment that an undisturbed order comes by is the last one of a process."""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.crash.cuts import Kill, distinct
from tests.crash.killable_cloud import killable_cloud
from tests.crash.killed_orders import Orders, Outcome
from tests.crash.killings import AT_ONCE, fast_settings
from tests.crash.shapes import SHAPES, Shape
from tests.soak.part import Found

_SHAPES: Final = tuple(shape for shape in SHAPES if not shape.functions)
"""The others differ from these in this process only."""
_SMOKE_KILLS: Final = 4


def soak(*, smoke: bool, seed: int, until: float) -> Iterator[Found]:
    """Kill at every moment of every shape, in random order; what is not begun at `until` (monotonic seconds) is left
    out and said. A smoke test kills at a few moments of one shape.
    """
    with (
        tempfile.TemporaryDirectory() as scratch,
        killable_cloud(fast_settings(), Path(scratch)) as cloud,
        Orders(cloud) as orders,
    ):
        wanted = _SHAPES[:1] if smoke else _SHAPES
        kills: list[tuple[Shape, Kill]] = []
        for shape in wanted:
            outcome = orders.place(shape)
            yield _found(outcome)
            moments = distinct(outcome.moments)
            kills += [(shape, Kill(moment.site, moment.cut.invocation)) for moment in moments]
        random.Random(seed).shuffle(kills)
        yield from _placed(orders, kills[:_SMOKE_KILLS] if smoke else kills, until)


def _placed(orders: Orders, kills: Sequence[tuple[Shape, Kill]], until: float) -> Iterator[Found]:
    def place(case: tuple[Shape, Kill]) -> Outcome | None:
        return orders.place(*case) if time.monotonic() < until else None

    outcomes = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for outcome in pool.map(place, kills):
            outcomes.append(outcome)
            if outcome is not None and outcome.problems:
                yield _found(outcome)
    done = [outcome for outcome in outcomes if outcome is not None]
    missed = sum(bool(outcome.missed) for outcome in done)
    delivered = sum(outcome.delivered for outcome in done)
    yield Found(
        f"{len(done) - missed} processes killed, {missed} orders took another way, {delivered} of {len(done)} orders "
        f"delivered, {len(kills) - len(done)} left out for want of time",
        () if done else ("nobody was killed",),
    )


def _found(outcome: Outcome) -> Found:
    died = " and ".join(str(kill.site) for kill in outcome.kills) or "nobody died"
    return Found(f"{outcome.shape}, {died}: {outcome.took_s:.1f} s", outcome.problems)
