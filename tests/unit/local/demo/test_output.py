"""What the demo shows: plain lines or bars on the way, a table and causes at the end."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from local.demo.command import main
from local.demo.delivery import Delivery, FailedSong
from local.demo.execution_history import StatesPassed
from local.demo.job_api import JobSnapshot, Track
from local.demo.orders import ORDERS
from local.demo.progress import progress_display
from local.demo.report import print_report

HEX, LINK, TASK, _, TWO_SONGS = ORDERS[:5]
STATES = StatesPassed((("StartGeneration", 1), ("PollGeneration", 3), ("Done", 1)))


def log() -> Console:
    return Console(file=io.StringIO(), width=150)


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def snapshot(status: str, ready_in_s: float | None = None) -> JobSnapshot:
    ready_at = None if ready_in_s is None else datetime.now(UTC) + timedelta(seconds=ready_in_s)
    return JobSnapshot("job_1", status, ready_at, (), None)


def delivery() -> Delivery:
    track = Track("http://127.0.0.1/song?signature=s", 1_234_567, "ab" * 32, 12_340)
    return Delivery(TASK, "job_1", (Path("/songs/job_1.mp3"),), (track,), STATES, 5.04)


def delivery_of_two() -> Delivery:
    tracks = tuple(Track("http://127.0.0.1/song", size, "ab" * 32, size) for size in (7_001, 7_002))
    return Delivery(TWO_SONGS, "job_2", (Path("/songs/job_2.mp3"), Path("/songs/job_2-2.mp3")), tracks, STATES, 1.0)


def test_without_a_terminal_every_change_of_state_is_one_line() -> None:
    console = log()
    with progress_display(console, ORDERS) as display:
        for status in ("queued", "generating", "generating", "generating", "succeeded"):
            display.show(HEX, snapshot(status))
        display.finish(HEX, "plays")

    lines = written(console).splitlines()
    assert [line.split()[-1] for line in lines] == ["queued", "generating", "succeeded", "plays"]
    assert all(HEX.model in line for line in lines)


def test_songs_that_run_side_by_side_do_not_hide_each_others_changes() -> None:
    console = log()
    with progress_display(console, ORDERS) as display:
        for order in ORDERS:
            display.show(order, snapshot("queued"))

    assert [line.split()[2] for line in written(console).splitlines()] == [order.model for order in ORDERS]


@pytest.mark.parametrize(("ready_in_s", "eta"), [(100.2, "ETA 100 s"), (-3, "ETA any moment"), (None, "generating")])
def test_an_open_job_is_shown_with_the_time_that_its_estimate_leaves(ready_in_s: float | None, eta: str) -> None:
    console = log()
    with progress_display(console, ORDERS) as display:
        display.show(HEX, snapshot("generating", ready_in_s))

    assert written(console).rstrip().endswith(eta)


def test_a_terminal_shows_a_bar_per_song_with_its_state() -> None:
    console = Console(file=io.StringIO(), width=150, force_terminal=True)
    with progress_display(console, ORDERS) as display:
        display.show(HEX, snapshot("generating", 60))
        display.show(TASK, snapshot("[storing]"))
        display.finish(LINK, "plays")

    shown = written(console)
    for text in (HEX.model, LINK.model, TASK.model, "generating", "ETA 60 s", "[storing]", "plays", "0:00:0"):
        assert text in shown


def test_the_table_has_what_a_song_went_through_and_what_it_is() -> None:
    console = log()
    print_report(console, [delivery()], Path("/logs"))

    shown = written(console)
    words = shown.split()
    first = words.index(TASK.model)
    assert words[first : first + 7] == [TASK.model, "StartGeneration", "3", "5.0", "1,234,567", "12.34", "s"]
    assert "PollGeneration x3" in shown
    assert "(task, polled)" in shown
    assert "/songs/job_1.mp3" in shown
    assert "signature" not in shown
    assert "/logs" not in shown


def test_every_song_of_an_order_is_in_the_table_and_on_disk() -> None:
    console = log()
    print_report(console, [delivery_of_two()], Path("/logs"))

    lines = [line.strip() for line in written(console).splitlines()]
    assert lines[-2:] == ["plays: /songs/job_2.mp3", "plays: /songs/job_2-2.mp3"]
    for size, duration in (("7,001", "7.00 s"), ("7,002", "7.00 s")):
        assert any(size in line and duration in line for line in lines)


def test_the_table_fits_a_terminal_of_eighty_columns() -> None:
    console = Console(file=io.StringIO(), width=80)
    print_report(console, [delivery()], Path("/logs"))

    for whole in (TASK.model, "PollGeneration x3", "1,234,567", "12.34 s"):
        assert whole in written(console)


def test_a_failed_song_is_reported_with_its_cause_and_where_the_logs_are() -> None:
    console = log()
    print_report(console, [delivery(), FailedSong(HEX, "job_2", "transient [bold]: " + "x" * 200)], Path("/the/logs"))

    lines = written(console).splitlines()
    assert f"failed: {HEX.model} (job_2): transient [bold]: {'x' * 200}" in lines
    assert lines[-1] == "logs: /the/logs"


@pytest.mark.parametrize("latency", ["-1", "31", "soon", "nan"])
def test_a_latency_that_no_demo_can_have_is_a_wrong_argument(latency: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--provider-latency", latency])

    assert ended.value.code == 2
    assert "--provider-latency" in capsys.readouterr().err
