"""Progress of the songs: bars on a terminal, else one line per change of state."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from local.demo.job_api import JobSnapshot
from local.demo.orders import Order

_MOST_BEFORE_END = 0.95


class ProgressDisplay(Protocol):
    """Displays the progress of songs; several threads call it."""

    def show(self, order: Order, job: JobSnapshot) -> None:
        """Show a song's state."""

    def finish(self, order: Order, outcome: str) -> None:
        """Show a song's outcome, in a few words."""


class ProgressLines:
    """One plain line per change of state, with the seconds since the start."""

    def __init__(self, console: Console, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._monotonic = monotonic
        self._started = monotonic()
        self._shown: dict[str, str] = {}

    def show(self, order: Order, job: JobSnapshot) -> None:
        """Print a line if the state changed."""
        self._print(order, job.status, _eta(job))

    def finish(self, order: Order, outcome: str) -> None:
        """Print the outcome if it differs from the last state."""
        self._print(order, outcome)

    def _print(self, order: Order, state: str, eta: str = "") -> None:
        if self._shown.get(order.model) == state:
            return
        self._shown[order.model] = state
        seconds = self._monotonic() - self._started
        line = f"{seconds:5.1f} s  {order.model:<25} {state:<10} {eta}".rstrip()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


class ProgressBars:
    """One bar per song on a terminal."""

    def __init__(self, progress: Progress, orders: tuple[Order, ...]) -> None:
        self._progress = progress
        self._started = datetime.now(UTC)
        self._bars: dict[str, TaskID] = {
            order.model: progress.add_task(order.model, total=1.0, state="submitting", eta="") for order in orders
        }

    def show(self, order: Order, job: JobSnapshot) -> None:
        """Set the bar to the elapsed share of the expected time."""
        share = _share_of_time(self._started, job.ready_at)
        self._progress.update(self._bars[order.model], completed=share, state=job.status, eta=_eta(job))

    def finish(self, order: Order, outcome: str) -> None:
        """Fill the bar and stop its clock."""
        self._progress.update(self._bars[order.model], completed=1.0, state=outcome, eta="")
        self._progress.stop_task(self._bars[order.model])


@contextmanager
def progress_display(console: Console, orders: tuple[Order, ...]) -> Iterator[ProgressDisplay]:
    """Bars where the console is a terminal, else plain lines."""
    if not console.is_terminal:
        yield ProgressLines(console)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<25}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]:<11}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[eta]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        yield ProgressBars(progress, orders)


def _share_of_time(started: datetime, ready_at: datetime | None) -> float:
    if ready_at is None or ready_at <= started:
        return _MOST_BEFORE_END
    return min((datetime.now(UTC) - started) / (ready_at - started), _MOST_BEFORE_END)


def _eta(job: JobSnapshot) -> str:
    if job.ready_at is None:
        return ""
    left_s = (job.ready_at - datetime.now(UTC)).total_seconds()
    return f"ETA {left_s:.0f} s" if left_s >= 1 else "ETA any moment"
