"""The README's commands, run as they stand there: a new user copies them, and has an AWS command line from PyPI."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from tests.functions import ROOT
from tests.integration.song import PATIENCE_S, Cloud
from tests.integration.use_cases.triggers.inbox import Inbox
from tests.support.loopback import closed_port

README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL: Final = [
    block for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if re.search(r"^aws ", block, re.MULTILINE)
]
"""Every block in which the AWS command line is called."""

PORT_IN_THE_README: Final = "9000"
ENV_IN_THE_README: Final = 'eval "$(make -s env)"'


@dataclass(frozen=True)
class Reader:
    """Somebody who copies what the README says into one shell, in a folder of theirs."""

    cloud: Cloud
    folder: Path
    port: int

    def copy(self, block: str) -> subprocess.Popen[bytes]:
        """Run one block in a shell that was set up for the cloud; receivers that it starts run on in its session."""
        here = shlex.quote(self.cloud.line["state_dir"])
        environment = f'eval "$(.venv/bin/python -m local env --state-dir {here})"'
        script = block.replace(ENV_IN_THE_README, "").replace(f":{PORT_IN_THE_README}", f":{self.port}")
        with (self.folder / "said.txt").open("a", encoding="utf-8") as said:
            return subprocess.Popen(
                ["bash", "-c", f"set -uo pipefail\n{environment}\ntrap 'echo FAILED: $BASH_COMMAND' ERR\n{script}"],
                cwd=self.folder,
                env={**os.environ, "PATH": f"{ROOT}/.tools/aws/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self) -> str:
        return (self.folder / "said.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reader(start_cloud: Callable[..., Cloud], tmp_path_factory: pytest.TempPathFactory) -> Reader:
    port = closed_port()
    trusted = f"TrustedLocalOrigins=http://127.0.0.1:{port}"
    cloud, folder = start_cloud("--provider-latency", "0.1", "--param", trusted), tmp_path_factory.mktemp("reader")
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    script = next(block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "# receive.py" in block)
    (folder / "receive.py").write_text(script.replace(PORT_IN_THE_README, str(port)), encoding="utf-8")
    secret = cloud.aws("secretsmanager").get_secret_value(SecretId=cloud.line["outputs"]["ProviderKeysSecretArn"])
    (folder / "provider-keys.json").write_text(secret["SecretString"], encoding="utf-8")
    return Reader(cloud, folder, port)


@pytest.fixture(scope="module")
def copied(reader: Reader) -> Iterator[Reader]:
    """The reader, after every block that calls the AWS command line, in the README's order."""
    shells: list[subprocess.Popen[bytes]] = []
    try:
        for block in SHELL:
            shells.append(reader.copy(block))
            shells[-1].wait(PATIENCE_S)
        yield reader
    finally:
        for shell in shells:
            # The receiver of the README's customer runs on in the session of the shell that started it.
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)


def test_every_command_beside_the_aws_command_line_and_the_line_itself_work_as_they_stand(copied: Reader) -> None:
    failed = re.findall(r"^FAILED: (.*)$", copied.said(), re.MULTILINE)
    # A list of results, or of songs, may be empty yet; that is how the command line says so.
    assert [command for command in failed if not command.startswith("aws s3 ls")] == [], copied.said()
    assert "An error occurred" not in copied.said()
    assert "error:" not in copied.said()


def test_no_aws_command_stands_where_nobody_runs_it() -> None:
    assert "`aws " not in README, "put a command into a block of its own, which this module runs"
    assert sum(line.startswith("aws ") for block in SHELL for line in block.splitlines()) >= 5


def test_a_customers_four_songs_are_told_of_by_verified_webhooks(copied: Reader) -> None:
    copied.cloud.until(lambda: copied.said().count(" job.succeeded job_") == 4)


@pytest.mark.parametrize("tenant", ["acme", "demo"])
def test_a_batch_is_completed_under_results(copied: Reader, tenant: str) -> None:
    told = Inbox(copied.cloud, tenant).told("batch.jsonl", "completed.json", PATIENCE_S)
    assert (told["accepted"], told["failed"]) == (3, 0)


def test_an_event_and_the_lines_of_a_file_are_jobs_of_their_tenant(copied: Reader) -> None:
    with copied.cloud.http() as http:
        copied.cloud.until(lambda: len(http.get("/v1/jobs").raise_for_status().json()["data"]) == 4)


def test_a_customer_sees_what_it_came_to(copied: Reader) -> None:
    today = f"{datetime.now(UTC):%F}"
    key = copied.cloud.manage(action="issue_key", tenant_id="acme")["api_key"]
    with copied.cloud.http(key) as http:

        def spent() -> int:
            days = http.get("/v1/usage", params={"from": today, "to": today}).raise_for_status().json()["data"]
            return sum(day["credits"] for day in days)

        copied.cloud.until(lambda: spent() == http.get("/v1/account").raise_for_status().json()["spent_credits"] == 120)
