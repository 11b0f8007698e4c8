"""Waiting for a job: a live line in a terminal, plain lines elsewhere, and words on how to go on after Ctrl-C."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text

from fermata_client.cli.exits import ExitCode
from fermata_client.cli.surroundings import Surroundings
from fermata_client.client import Handle
from fermata_client.core.progress import Update


def wait_for(handle: Handle, at: Surroundings, timeout_s: float | None) -> None:
    """Wait until the job has succeeded; raises its error."""
    with _shown(at) as show:
        handle.subscribe(show, timeout_s=timeout_s)


@contextmanager
def after_ctrl_c(at: Surroundings, advice: Callable[[], str]) -> Iterator[None]:
    """End the command after Ctrl-C with words on how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        at.note(advice())
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def save_all(handle: Handle, output: Path, at: Surroundings) -> list[Path]:
    """Save every track: the first as `output`, others with their number before the ending; all into a folder."""
    saved = []
    for place, track in enumerate(handle.tracks):
        named = output.with_stem(f"{output.stem}-{track.info.number}") if place and not output.is_dir() else output
        saved.append(track.save(named))
        info = track.info
        at.note(f"saved {saved[-1]} ({info.duration_ms / 1000:.1f} s, {info.bytes:,} bytes, {info.content_type})")
    return saved


def as_line(update: Update) -> str:
    """A look at a job in words."""
    left = "" if update.remaining_s is None or update.job.is_finished else f", {_left(update.remaining_s)}"
    return f"{update.status}, {clock(update.elapsed_s)} since the order{left}"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _left(seconds: float) -> str:
    return f"about {clock(seconds)} left" if seconds > 0 else "longer than usual"


@contextmanager
def _shown(at: Surroundings) -> Iterator[Callable[[Update], None]]:
    if at.as_json:
        yield lambda _update: None
    elif at.errors.is_terminal:
        yield from _live(at)
    else:
        yield lambda update: at.note(as_line(update)) if update.changed else None


def _live(at: Surroundings) -> Iterator[Callable[[Update], None]]:
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=30), _Elapsed()
    with Progress(*columns, console=at.errors, transient=True) as progress:
        task = progress.add_task("ordered", total=1.0, **_facts_at(None))

        def show(update: Update) -> None:
            done = update.progress or 0
            progress.update(task, description=update.status, completed=done, refresh=True, **_facts_at(update))

        yield show


def _facts_at(update: Update | None) -> dict[str, Any]:
    return {"seen": time.monotonic(), "elapsed_s": update.elapsed_s if update else 0.0, "update": update}


class _Elapsed(ProgressColumn):
    """The time since the order, and what is left of the usual time; both go on between two looks."""

    def render(self, task: Task) -> Text:
        """The column's text."""
        since_s = time.monotonic() - task.fields["seen"]
        update = task.fields["update"]
        shown = clock(task.fields["elapsed_s"] + since_s)
        if update is not None and update.remaining_s is not None:
            shown += f"  {_left(max(0.0, update.remaining_s - since_s))}"
        return Text(shown)
