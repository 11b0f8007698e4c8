"""The demo as a process: eight songs that play, honest failures, and nothing left running however it ends."""

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import miniaudio
import pytest

from local.demo.cloud_process import cloud_arguments, running_cloud
from local.demo.errors import CloudStartError
from tests.documents import Document
from tests.integration.cloud_process import PATIENCE_S, PROJECT_ROOT, is_alive, until

pytestmark = pytest.mark.long

BLOCKING = ("minimax/music-2.5", "minimax/music-2.6", "skillboss/music-2.5")
POLLED = "aimlapi/minimax/music-2.0"
CALLED_BACK = "apiinone/suno"
AFTER_A_RECORDING = "aimlapi/music-01"
FALLBACK = "minimax/music-2.0"
STATE = r"\b([A-Z][A-Za-z]+)(?: x(\d+))?"
MODELS = (*BLOCKING, POLLED, CALLED_BACK, AFTER_A_RECORDING, FALLBACK)


@dataclass(frozen=True)
class Run:
    """A demo that has ended."""

    exit_code: int
    stdout: str
    stderr: str
    out_dir: Path
    logs_dir: Path

    def row(self, model: str) -> str:
        """What the table says about one model."""
        table = self.stdout.partition("states passed")[2]
        return re.split(r"\n\s*\n", re.split(rf"(?m)^ *(?={re.escape(model)} )", table)[1])[0]


def arguments(folder: Path, *more: str) -> list[str]:
    where = ["--out", str(folder / "out"), "--state-dir", str(folder / "state")]
    return [sys.executable, "-m", "local", "demo", *where, *more]


def run(folder: Path, *more: str) -> Run:
    ended = subprocess.run(
        arguments(folder, *more), cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    return Run(ended.returncode, ended.stdout, ended.stderr, folder / "out", folder / "state")


@contextmanager
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo whose songs take long, once its cloud is ready, and the cloud's address."""
    command = arguments(folder, "--provider-latency", "30")
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            yield demo, address_in(demo.stdout.readline())
        finally:
            demo.kill()


def address_in(text: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", text)
    assert found is not None, text
    return found.group()


def answers(address: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", urlsplit(address).port or 0)) == 0


def way_in(row: str) -> list[tuple[str, int]]:
    """The states and how often each was entered, but for waits for a turn, which depend on the load."""
    times = {name: int(count or 1) for name, count in re.findall(STATE, row)}
    # After each wait the job polls once more.
    times["StartGeneration"] -= times.pop("WaitForTurn", 0)
    return list(times.items())


def way(starts: int = 1, **between: int) -> list[tuple[str, int]]:
    """The way of a song, with what lies between its order and its file."""
    return [("StartGeneration", starts), *between.items(), ("StoreAudio", 1), ("SettleJob", 1), ("Done", 1)]


def polls_in(row: str) -> int:
    return next(int(word) for word in row.split() if word.isdigit())


LIVE_SONG_S = 18.05
"""The whole frames of a song of 18 seconds."""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("demo"), "--provider-latency", "2")


def test_every_upstream_shape_becomes_a_file_that_plays(good: Run) -> None:
    assert good.exit_code == 0, good.stdout + good.stderr
    files = sorted(good.out_dir.iterdir(), key=lambda file: file.suffix)
    assert [file.suffix for file in files] == [".mp3"] * 10 + [".wav"]
    (second,) = [file for file in files if file.stem.endswith("-2")]
    assert second.read_bytes() != second.with_stem(second.stem.removesuffix("-2")).read_bytes()
    for file in files:
        assert re.fullmatch(r"job_[0-9a-z]{26}(-2)?", file.stem, re.IGNORECASE)
        sound = miniaudio.decode_file(str(file))
        assert sound.duration > 1
        assert max(sound.samples) > 1000, "the file is silent"


def test_a_live_song_is_played_while_it_is_being_made(good: Run) -> None:
    (line,) = [line for line in good.stdout.splitlines() if line.startswith("live: ")]
    found = re.search(
        r"from ([\d.]+) s .* while it was submitting \((\d+) pieces so far\); .* ([\d.]+) s; ([\d.]+) s were heard",
        line,
    )
    assert found is not None, line
    first_sound_s, pieces, whole_s, heard_s = map(float, found.groups())
    assert first_sound_s < whole_s
    assert pieces >= 1
    assert heard_s == LIVE_SONG_S


def test_the_table_shows_the_states_of_each_song(good: Run) -> None:
    for model in BLOCKING:
        assert way_in(good.row(model)) == way()
        assert polls_in(good.row(model)) == 0
    for model, wait in ((POLLED, "WaitForProvider"), (CALLED_BACK, "WaitForCallback")):
        polls = polls_in(good.row(model))
        assert polls >= 1
        assert way_in(good.row(model)) == way(**{wait: polls, "PollGeneration": polls})


def test_the_readme_shows_what_a_demo_prints(good: Run) -> None:
    (shown,) = [block for block in Document("README.md").blocks("text") if "states passed" in block]
    readme, models = replace(good, stdout=shown), re.findall(r"^ ([a-z]+/\S+)", shown, re.MULTILINE)
    assert len(models) >= 3
    for model in models:
        assert [state for state, _ in way_in(readme.row(model))] == [state for state, _ in way_in(good.row(model))]
    assert shown.splitlines()[0].split() in [line.split() for line in good.stdout.splitlines()]
    last = [re.sub(r"[\d.]+", "N", text.rstrip().splitlines()[-1]) for text in (shown, good.stdout)]
    assert last == ["N s in all"] * 2


def test_a_recording_is_prepared_before_its_song_is_ordered(good: Run) -> None:
    assert way_in(good.row(AFTER_A_RECORDING)) == way(starts=3, PrepareReference=2)


def test_a_refused_first_provider_is_followed_by_its_fallback(good: Run) -> None:
    assert way_in(good.row(FALLBACK)) == way(starts=2)


def test_without_a_terminal_progress_is_plain_lines_and_no_key_is_shown(good: Run) -> None:
    assert "\x1b" not in good.stdout
    for model in MODELS:
        states = re.findall(rf"^ *[\d.]+ s  {re.escape(model)} +(\w+)", good.stdout, re.MULTILINE)
        assert states[-2:] == ["succeeded", "plays"]
        # A refused order is queued once more before its fallback is called, and may be seen there.
        assert all(state != following for state, following in pairwise(states)), "only a change is shown"
    assert not re.search(r"fk_|Signature=|X-Amz", good.stdout + good.stderr)


def test_the_cloud_ends_with_the_demo(good: Run) -> None:
    assert not answers(address_in(good.stdout))


def test_a_song_that_the_provider_refuses_makes_the_demo_fail_with_the_cause(tmp_path: Path) -> None:
    failed = run(tmp_path, "--provider-latency", "0", "--prompt", "indie folk, [[fault:code:1026]] rainy evening")

    assert failed.exit_code == 1
    for model in BLOCKING[:2]:
        assert re.search(
            rf"^failed: {re.escape(model)} \(job_\w+\): content_refused \(1026\)", failed.stdout, re.MULTILINE
        )
    logs = re.search(r"^logs: (.+)$", failed.stdout, re.MULTILINE)
    assert logs is not None
    assert list(Path(logs.group(1)).glob("*.jsonl"))
    assert "Traceback" not in failed.stdout + failed.stderr


def test_an_interrupted_demo_takes_its_cloud_with_it(tmp_path: Path) -> None:
    with started(tmp_path) as (demo, address):
        demo.send_signal(signal.SIGINT)
        _, said = demo.communicate(timeout=PATIENCE_S)

    assert demo.returncode == 130
    assert said == "demo: stopped; the cloud has ended too\n"
    assert not answers(address)


def test_a_demo_that_is_ended_while_its_cloud_starts_takes_it_with_it(tmp_path: Path) -> None:
    cloud_file = tmp_path / "state" / "cloud.json"
    with subprocess.Popen(arguments(tmp_path), cwd=PROJECT_ROOT, stderr=subprocess.PIPE, text=True) as demo:
        try:
            until(cloud_file.exists, "a cloud that begins to start")
            cloud = json.loads(cloud_file.read_text())["pid"]
            demo.send_signal(signal.SIGTERM)
            _, said = demo.communicate(timeout=PATIENCE_S)
        finally:
            demo.kill()

    assert demo.returncode == 130
    assert said == "demo: stopped; the cloud has ended too\n"
    assert not is_alive(cloud)


def test_a_killed_demo_leaves_no_cloud_behind(tmp_path: Path) -> None:
    with started(tmp_path) as (demo, address):
        assert answers(address)
        demo.kill()
        demo.wait()
        until(lambda: not answers(address), f"the end of the cloud at {address}")


def test_a_demo_that_cannot_keep_its_songs_orders_none(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    refused = run(tmp_path)

    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"demo: expected to put the songs into {tmp_path / 'out'}, found: ")
    assert refused.stdout == ""


def test_a_cloud_that_refuses_to_start_is_quoted(tmp_path: Path) -> None:
    up = (*cloud_arguments(tmp_path, 0), "--param", "NoSuchParameter=1")
    with (
        pytest.raises(CloudStartError, match=r"(?s)found: it ended with exit code 2\n.*NoSuchParameter"),
        running_cloud(up),
    ):
        pytest.fail("the block ran without a cloud")


def test_a_cloud_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    up = cloud_arguments(tmp_path, 0)
    with (
        pytest.raises(CloudStartError, match=r"found: nothing within 0\.01 s"),
        running_cloud(up, start_within_s=0.01),
    ):
        pytest.fail("the block ran without a cloud")


def test_a_child_process_that_is_no_cloud_is_detected() -> None:
    with pytest.raises(CloudStartError, match="expected one line of JSON from the cloud"), running_cloud(["--help"]):
        pytest.fail("the block ran without a cloud")


def test_no_descriptor_stays_open_after_a_cloud_has_ended() -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(CloudStartError), running_cloud(["--help"]):
        pytest.fail("the block ran without a cloud")
    assert len(list(Path("/dev/fd").iterdir())) == before
