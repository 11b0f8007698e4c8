"""Prints the demo's result."""

from collections.abc import Iterable
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from local.demo.delivery import Delivery, FailedSong


def print_report(console: Console, songs: Iterable[Delivery | FailedSong], logs_dir: Path) -> None:
    """Print a table of the delivered songs, then the cause of each failure and the folder of the logs."""
    songs = tuple(songs)
    delivered = [song for song in songs if isinstance(song, Delivery)]
    failed = [song for song in songs if isinstance(song, FailedSong)]
    if delivered:
        console.print(_table(delivered))
    for path in (path for song in delivered for path in song.paths):
        console.print(f"plays: {path}", markup=False, highlight=False, soft_wrap=True)
    for lost in failed:
        name = f"{lost.order.model} ({lost.job_id or 'not accepted'})"
        console.print(f"failed: {name}: {lost.reason}", markup=False, highlight=False, soft_wrap=True)
    if failed:
        console.print(f"logs: {logs_dir}", markup=False, highlight=False, soft_wrap=True)


def _table(delivered: Iterable[Delivery]) -> Table:
    # No padding and one state per line, to fit 80 columns.
    table = Table(box=box.SIMPLE_HEAD, padding=0, leading=1)
    for name in ("model", "states passed"):
        table.add_column(name, no_wrap=True)
    for name in ("runs", "secs", "bytes", "length"):
        table.add_column(name, justify="right", no_wrap=True)
    for song in delivered:
        table.add_row(
            f"{song.order.model}\n({song.order.upstream_shape})",
            "\n".join(song.states.lines()),
            str(song.states.poll_runs),
            f"{song.seconds:.1f}",
            "\n".join(f"{track.bytes:,}" for track in song.tracks),
            "\n".join(f"{track.duration_ms / 1000:.2f} s" for track in song.tracks),
        )
    return table
