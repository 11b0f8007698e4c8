"""A worker of a distributed map takes one item after the other, however many there are."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from local.emulator import moto_seams, step_functions

ITEMS = 5000


class Pool:
    """Jobs that are handed out in their order, and what was closed."""

    def __init__(self, items: int) -> None:
        self._left = iter([SimpleNamespace(number=number, job_output=None) for number in range(items)])
        self.closed: list[int] = []

    def next_job(self) -> Any:  # noqa: ANN401 - moto's job
        return next(self._left, None)

    def close_job(self, job: Any) -> None:  # noqa: ANN401 - moto's job
        self.closed.append(job.number)


class Frames:
    """An environment that counts the frames that are open."""

    def __init__(self) -> None:
        self.open = 1

    def open_inner_frame(self) -> "Frames":
        self.open += 1
        return self

    def delete_frame(self, _frame: object) -> None:
        self.open -= 1


@pytest.fixture
def eval_pool() -> Iterator[Any]:
    original = moto_seams.MAP_WORKER.original
    step_functions.map_in_a_loop()
    yield moto_seams.MAP_WORKER.original
    moto_seams.MAP_WORKER.replace(original)


def worked(eval_pool: Any, pool: Pool, frames: Frames, stop_after: int = ITEMS) -> None:  # noqa: ANN401 - moto's method
    worker = SimpleNamespace(
        _env=frames,
        _job_pool=pool,
        _eval_job=lambda env, job: None,  # noqa: ARG005 - moto calls it by these names
        stopped=lambda: len(pool.closed) + 1 >= stop_after,
    )
    eval_pool(worker, pool.next_job(), frames)


def test_every_item_is_worked_on_once_and_every_frame_is_given_back(eval_pool: Any) -> None:  # noqa: ANN401 - moto's method
    pool, frames = Pool(ITEMS), Frames()
    worked(eval_pool, pool, frames)
    assert pool.closed == list(range(ITEMS))
    assert frames.open == 0


def test_a_worker_that_was_stopped_closes_its_item_and_takes_no_other(eval_pool: Any) -> None:  # noqa: ANN401 - moto's method
    pool, frames = Pool(ITEMS), Frames()
    worked(eval_pool, pool, frames, stop_after=2)
    assert (pool.closed, frames.open) == ([0, 1], 0)


def test_a_worker_without_an_item_ends(eval_pool: Any) -> None:  # noqa: ANN401 - moto's method
    pool, frames = Pool(0), Frames()
    worked(eval_pool, pool, frames)
    assert pool.closed == []
