"""Files on disk: gone after their use and after a killed run; a full disk says nothing of what was written."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fermata.errors import DiskFullError
from fermata.scratch import PREFIX, disk, scratch_file, spooled_file, sweep
from tests.support.full_disk import fill

KILLED = """
import sys
from pathlib import Path
from fermata.scratch import scratch_file
with scratch_file(Path(sys.argv[1]), "job_1") as file:
    file.write(b"x" * 100_000)
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start_a_run(folder: Path) -> "subprocess.Popen[bytes]":
    """A process with a file on disk."""
    run = subprocess.Popen([sys.executable, "-c", KILLED, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert run.stdout is not None
    line = run.stdout.readline()
    while line and line != b"ready\n":
        line = run.stdout.readline()
    assert line == b"ready\n"
    return run


def kill(run: "subprocess.Popen[bytes]") -> None:
    run.send_signal(signal.SIGKILL)
    run.communicate()


def test_a_file_can_be_opened_by_its_name_and_is_gone_afterwards(tmp_path: Path) -> None:
    with scratch_file(tmp_path, "job_1") as file:
        file.write(b"a song")
        file.flush()
        assert Path(file.name).read_bytes() == b"a song"
        assert Path(file.name).name.startswith(f"{PREFIX}job_1-")
    assert names(tmp_path) == []


def test_a_file_is_gone_after_an_error_and_its_sender_may_close_it(tmp_path: Path) -> None:
    def use() -> None:
        with scratch_file(tmp_path, "job_1") as file:
            file.close()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert names(tmp_path) == []


def test_what_a_killed_run_left_is_gone_before_the_next_one_of_its_environment_writes(tmp_path: Path) -> None:
    kill(start_a_run(tmp_path))
    assert len(names(tmp_path)) == 1
    with scratch_file(tmp_path, "job_2") as file:
        assert names(tmp_path) == [Path(file.name).name]
        assert f"{PREFIX}job_2-" in file.name


def test_what_a_killed_run_left_is_gone_before_a_file_without_a_name_is_used(tmp_path: Path) -> None:
    kill(start_a_run(tmp_path))
    with spooled_file(tmp_path, 10) as file:
        file.write(b"more than ten bytes")
        assert names(tmp_path) == []


def test_the_file_of_a_living_run_stays(tmp_path: Path) -> None:
    run = start_a_run(tmp_path)
    try:
        (theirs,) = names(tmp_path)
        with scratch_file(tmp_path, "job_2"):
            assert theirs in names(tmp_path)
        with scratch_file(tmp_path, "job_3") as mine, scratch_file(tmp_path, "job_4"):
            assert Path(mine.name).exists()
        assert sweep(tmp_path) == 0
        assert names(tmp_path) == [theirs]
    finally:
        kill(run)


def test_nothing_but_files_of_this_app_is_swept(tmp_path: Path) -> None:
    (tmp_path / "others.mp3").write_bytes(b"x")
    (tmp_path / f"{PREFIX}folder").mkdir()
    os.mkfifo(tmp_path / f"{PREFIX}pipe")
    (tmp_path / f"{PREFIX}left").write_bytes(b"x")
    assert sweep(tmp_path) == 1
    assert names(tmp_path) == [f"{PREFIX}folder", f"{PREFIX}pipe", "others.mp3"]


def test_a_folder_that_is_not_there_has_nothing_to_sweep(tmp_path: Path) -> None:
    assert sweep(tmp_path / "nowhere") == 0


def test_a_file_that_was_swept_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = fcntl.flock
    swept: list[Path] = []

    def too_late(file: object, how: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        lock(file, how)  # type: ignore[arg-type]  # whatever is locked

    monkeypatch.setattr(fcntl, "flock", too_late)
    with scratch_file(tmp_path, "job_1") as file:
        assert [Path(file.name)] == list(tmp_path.iterdir())
        assert Path(file.name) not in swept


@pytest.mark.parametrize("flushes", [True, False])
def test_a_full_disk_is_no_fault_of_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flushes: bool
) -> None:
    make_room = fill(monkeypatch, room_bytes=20_000)

    def use() -> None:
        with scratch_file(tmp_path, "job_1") as file:
            file.write(b"x" * 20_001)
            if flushes:
                file.flush()

    with pytest.raises(DiskFullError, match=r"expected room .* found none \(ENOSPC\)"):
        use()
    assert names(tmp_path) == []
    make_room()
    with scratch_file(tmp_path, "job_1") as file:
        file.write(b"x" * 20_001)


def test_a_full_disk_is_noticed_in_a_file_without_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, room_bytes=10)
    with pytest.raises(DiskFullError), spooled_file(tmp_path, 10) as file:
        file.write(bytes(100_000))


def test_any_other_trouble_of_the_disk_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"), scratch_file(tmp_path, "job_1"):
        raise OSError(errno.EIO, "Input/output error")


def test_the_disk_of_an_environment_is_its_folder_for_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert disk() == tmp_path
