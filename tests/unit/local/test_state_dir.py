"""Other commands find a running cloud by its state directory."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.errors import StateInUseError
from local.state_dir import NotRunningError, StateDir

DESCRIPTION = {"pid": os.getpid(), "api_url": "http://127.0.0.1:1", "api_key": "fk_secret"}
NO_PROCESS = 2**22 + 1  # above the highest pid that Linux gives


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateDir]:
    state = StateDir(tmp_path / "state")
    yield state
    state.release()


def test_a_published_cloud_is_found(state: StateDir) -> None:
    state.claim()
    state.publish(DESCRIPTION)
    assert StateDir(state.path).running() == DESCRIPTION


def test_a_cloud_that_is_not_ready_is_not_running(state: StateDir) -> None:
    state.claim()
    with pytest.raises(NotRunningError, match="starting"):
        state.running()


def test_a_directory_in_use_is_refused(state: StateDir) -> None:
    state.claim()
    with pytest.raises(StateInUseError, match=str(os.getpid())) as error:
        StateDir(state.path).claim()
    assert error.value.exit_code == 3


def test_a_released_directory_is_free_for_another_cloud(state: StateDir) -> None:
    state.claim()
    state.release()
    other = StateDir(state.path)
    other.claim()
    other.release()


def test_what_a_killed_cloud_left_is_reported_and_taken_over(state: StateDir) -> None:
    state.claim()
    state.publish({**DESCRIPTION, "pid": NO_PROCESS})
    with pytest.raises(NotRunningError, match=str(NO_PROCESS)) as error:
        state.running()
    assert error.value.exit_code == 1
    (state.logs / "http.jsonl").write_text("old\n", "utf-8")
    state.claim()
    assert list(state.logs.iterdir()) == []


def test_a_released_directory_keeps_its_logs(state: StateDir) -> None:
    state.claim()
    (state.logs / "http.jsonl").write_text("{}\n", "utf-8")
    state.release()
    assert [path.name for path in state.logs.iterdir()] == ["http.jsonl"]
    with pytest.raises(NotRunningError, match="no cloud"):
        state.running()


def test_the_address_file_is_for_its_owner_only(state: StateDir) -> None:
    state.claim()
    state.publish(DESCRIPTION)
    files = [path for path in state.path.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"cloud.json", "lock"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x"}'])
def test_a_damaged_address_file_is_no_cloud(state: StateDir, text: str) -> None:
    state.claim()
    (state.path / "cloud.json").write_text(text, "utf-8")
    with pytest.raises(NotRunningError):
        state.running()
