"""`python -m local.simulators`."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.simulators.__main__ import main
from tests.integration.song import TLS

ROOT = Path(__file__).parents[3]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "local.simulators", *arguments]


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    with subprocess.Popen(command(*arguments), cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_its_address_serves_and_ends_on_a_signal(ending: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with running("minimax", "--key", "k", "--latency", "0", "--log", str(log)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/_sim/bill", verify=TLS).json()["posts"] == 0
        process.send_signal(ending)
        rest, errors = process.communicate(timeout=60)
        assert (process.returncode, rest, errors) == (0, "", "")
    assert '"path": "/_sim/bill"' in log.read_text()


def test_a_program_that_started_a_simulator_may_end_without_stopping_it() -> None:
    program = """
import socket
from local.simulators import start_simulator
port = int(start_simulator("minimax", key="k", latency_s=0).url.rpartition(":")[2])
socket.create_connection(("127.0.0.1", port)).send(b"GET")
print("end of program")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "end of program\n", "")


def test_a_taken_port_is_3() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            command("aimlapi", "--key", "k", "--port", port),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.count("\n") == 1
    assert f"cannot serve on port {port}" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["other", "--key", "k"],
        ["minimax"],
        ["minimax", "--key", "k", "--latency", "-1"],
        ["minimax", "--key", "k", "--port", "70000"],
    ],
)
def test_bad_arguments_are_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as ended:
        status = ended.code
    printed = capfd.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err
