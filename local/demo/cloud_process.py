"""The demo's own one-machine cloud: a child process that ends with the demo."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from local.demo.errors import CloudStartError

PROJECT_ROOT: Final = Path(__file__).resolve().parents[2]
START_WITHIN_S: Final = 180
"""Generous: the machine may be busy with other things."""
STOP_WITHIN_S: Final = 10

_LAST_LINES: Final = 5


@dataclass(frozen=True)
class CloudAddress:
    """The addresses and credentials that a running cloud reported."""

    api_url: str
    api_key: str
    aws_endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    machine_arn: str
    simulators: Mapping[str, str]
    logs_dir: Path


def cloud_arguments(state_dir: Path, provider_latency_s: float, parameters: Sequence[str] = ()) -> tuple[str, ...]:
    """The arguments of `python -m local` for a cloud on a free port; `parameters` are `Name=Value`."""
    where = ("--port", "0", "--in-memory", "--state-dir", str(state_dir))
    values = (part for value in parameters for part in ("--param", value))
    return ("up", *where, "--provider-latency", f"{provider_latency_s:g}", *values)


@contextmanager
def running_cloud(arguments: Sequence[str], start_within_s: float = START_WITHIN_S) -> Iterator[CloudAddress]:
    """A cloud during the block; raises `CloudStartError` with the last output of the process."""
    lifeline, held_open = os.pipe()
    try:
        with tempfile.TemporaryFile() as stderr_file:
            process = _start(arguments, lifeline, stderr_file)
            try:
                yield _address(process, stderr_file, start_within_s)
            finally:
                _stop(process)
    finally:
        os.close(lifeline)
        os.close(held_open)


def _start(arguments: Sequence[str], lifeline: int, stderr_file: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.demo.cloud_main", str(lifeline), *arguments],
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr_file,
        pass_fds=(lifeline,),
        # In a group of its own, the cloud gets no Ctrl-C; the demo gets it and ends the cloud in order.
        process_group=0,
    )


def _address(process: subprocess.Popen[bytes], stderr_file: IO[bytes], start_within_s: float) -> CloudAddress:
    line, in_time = _first_line(process, start_within_s)
    if not line:
        exit_code = process.wait()
        found = f"it ended with exit code {exit_code}" if in_time else f"nothing within {start_within_s:g} s"
        raise CloudStartError(f"expected the cloud to start, found: {found}{_last_lines(stderr_file)}")
    try:
        return _parse(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        raise CloudStartError(f"expected one line of JSON from the cloud, found something else ({error!r})") from error


def _first_line(process: subprocess.Popen[bytes], within_s: float) -> tuple[bytes, bool]:
    assert process.stdout is not None  # noqa: S101 - Popen was asked for a pipe
    too_slow = threading.Event()

    def give_up() -> None:
        too_slow.set()
        process.kill()

    timer = threading.Timer(within_s, give_up)
    timer.start()
    try:
        return process.stdout.readline(), not too_slow.is_set()
    finally:
        timer.cancel()


def _parse(line: Mapping[str, Any]) -> CloudAddress:
    return CloudAddress(
        api_url=line["api_url"],
        api_key=line["api_key"],
        aws_endpoint_url=line["aws_endpoint_url"],
        region=line["region"],
        access_key_id=line["access_key_id"],
        secret_access_key=line["secret_access_key"],
        machine_arn=line["outputs"]["MusicJobMachineArn"],
        simulators=dict(line["simulators"]),
        logs_dir=Path(line["logs_dir"]),
    )


def _last_lines(stderr_file: IO[bytes]) -> str:
    stderr_file.seek(0)
    lines = stderr_file.read().decode("utf-8", "replace").strip().splitlines()[-_LAST_LINES:]
    return "".join(f"\n  {line}" for line in lines)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
