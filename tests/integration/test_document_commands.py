"""The commands of every document, run as they stand there: a new user copies them, with an AWS command line from PyPI.

A block of `sh` is run in one shell of its own against a cloud on this machine. A block whose commands cannot run here
(they deploy, keep running, or take minutes) is checked instead, and must consist of such commands alone.
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from local.cli import parse_settings
from tests.documents import DOCUMENTS, Document, named_scripts
from tests.functions import ROOT
from tests.integration.cloud_process import PATIENCE_S, running_cloud
from tests.integration.song import Cloud
from tests.integration.song import request as song_request
from tests.integration.use_cases.triggers.inbox import Inbox
from tests.soak.__main__ import PARTS
from tests.support.generators import assert_names_what_is_tested
from tests.support.loopback import closed_port

PORT_IN_DOCUMENTS: Final = "9000"
ENV_IN_DOCUMENTS: Final = 'eval "$(make -s env)"'
NEED_ANOTHER_MACHINE: Final = frozenset(
    {
        "sam build && sam deploy",  # an AWS account; `make build` builds with SAM
        *("pipx install pre-commit", "pre-commit install"),  # a package registry, and a change of this checkout
    }
)
"""Commands that neither run nor can be checked here."""
CHECKED: Final = (
    *("make ", ".venv/bin/python -m pytest ", ".venv/bin/python -m tests.", ".venv/bin/python -m tooling"),
    *("npx ", "uvx "),
)
"""How commands begin that are checked instead of run. Those that run packages from a registry are run by
`api/test_generated_clients.py` with the same packages.
"""
PROBLEMS: Final = {"docs/api.md": 1}
"""How many answers of a document's commands are problems on purpose."""
pytestmark = pytest.mark.long


def commands(block: str) -> list[str]:
    """The lines of a block without comments. Setting a shell up for a stack counts as the command that prints it."""
    lines = [line.split("  #")[0].strip() for line in block.splitlines() if line.strip() and not line.startswith("#")]
    return [re.sub(r'^eval "\$\((make .*--stack .*)\)"$', r"\1", line) for line in lines]


def is_checked(command: str) -> bool:
    return command in NEED_ANOTHER_MACHINE or command.startswith(CHECKED)


def run_blocks(name: str) -> list[str]:
    return [block for block in Document(name).blocks("sh") if not is_checked(commands(block)[0])]


CHECKED_COMMANDS: Final = sorted(
    {
        command
        for name in DOCUMENTS
        for block in Document(name).blocks("sh")
        if is_checked(commands(block)[0])
        for command in commands(block)
    }
)
RUN_DOCUMENTS: Final = [name for name in DOCUMENTS if run_blocks(name)]


@dataclass(frozen=True)
class Reader:
    """A reader who copies what a document says, block by block, in a folder of theirs."""

    cloud: Cloud
    folder: Path
    port: int
    jobs_before: int
    shells: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def copy(self, block: str) -> None:
        """Run one block in a shell that was set up for the cloud; receivers that it starts run on in its session."""
        here = shlex.quote(self.cloud.line["state_dir"])
        environment = f'eval "$(.venv/bin/python -m local env --state-dir {here})"'
        script = block.replace(ENV_IN_DOCUMENTS, "")
        script = re.sub(rf"\b{PORT_IN_DOCUMENTS}\b", str(self.port), script)
        with (self.folder / "printed.txt").open("a", encoding="utf-8") as printed:
            shell = subprocess.Popen(
                ["bash", "-c", f"set -uo pipefail\n{environment}\ntrap 'echo FAILED: $BASH_COMMAND' ERR\n{script}"],
                cwd=self.folder,
                env={**os.environ, "PATH": f"{ROOT}/.tools/aws/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.shells.append(shell)
        shell.wait(PATIENCE_S)

    def printed(self) -> str:
        return (self.folder / "printed.txt").read_text(encoding="utf-8")

    def leave(self) -> None:
        """End the receivers that run on in the sessions of the shells that started them."""
        for shell in self.shells:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """A port for the receivers of each document."""
    return {name: closed_port() for name in RUN_DOCUMENTS}


@pytest.fixture(scope="module")
def cloud(start_cloud: Callable[..., Cloud]) -> Cloud:
    """What all documents on one worker share."""
    return start_cloud("--provider-latency", "0.1")


@pytest.fixture
def reader(request: pytest.FixtureRequest, cloud: Cloud, ports: dict[str, int], tmp_path: Path) -> Iterator[Reader]:
    """The reader of the document that the test is given, before its first block."""
    port = ports[request.getfixturevalue("name")]
    made = Reader(cloud, furnished_folder(tmp_path, cloud, port), port, len(jobs(cloud)))
    try:
        yield made
    finally:
        made.leave()


def furnished_folder(folder: Path, cloud: Cloud, port: int) -> Path:
    """What a reader has who followed the documents: the project's Python, their scripts, and the providers' keys."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name, module in (("python", ""), ("fermata", " -m fermata_client.cli")):
        command = folder / ".venv" / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)}{module} "$@"\n', encoding="utf-8")
        command.chmod(0o755)
    for name, script in named_scripts().items():
        (folder / name).write_text(script.replace(PORT_IN_DOCUMENTS, str(port)), encoding="utf-8")
    secret = cloud.aws("secretsmanager").get_secret_value(SecretId=cloud.line["outputs"]["ProviderKeysSecretArn"])
    (folder / "provider-keys.json").write_text(secret["SecretString"], encoding="utf-8")
    return folder


def jobs(cloud: Cloud) -> list[object]:
    with cloud.http() as http:
        return list(http.get("/v1/jobs", params={"limit": 100}).raise_for_status().json()["data"])


def the_song_is_there(reader: Reader) -> None:
    assert (reader.folder / "song.mp3").stat().st_size > 10_000
    assert reader.printed().count('"status": "succeeded"') == 1


def an_uploaded_recording_is_sung_after(reader: Reader) -> None:
    assert '"status": "succeeded"' in (reader.folder / "cover.json").read_text("utf-8")


def the_receiver_verifies_an_order_and_its_replay(reader: Reader) -> None:
    reader.cloud.until(lambda: reader.printed().count(" job.succeeded job_") >= 2)


def songs_and_speech_are_saved_by_the_client_and_the_command_line(reader: Reader) -> None:
    for name in ("ordered", "spoken", "folk", "evening", "waltz"):
        assert (reader.folder / f"{name}.mp3").stat().st_size > 10_000
    assert "deleted" in reader.printed()


def an_agent_bought_one_song(reader: Reader) -> None:
    assert "bought once: True" in reader.printed()
    assert "succeeded http://127.0.0.1:" in reader.printed()


def a_fault_in_the_prompt_is_played(reader: Reader) -> None:
    assert '"class": "unknown_outcome"' in reader.printed()


def a_customers_four_songs_are_reported_by_verified_webhooks(reader: Reader) -> None:
    reader.cloud.until(lambda: reader.printed().count(" job.succeeded job_") == 4)


def a_batch_is_completed_under_results(reader: Reader, tenant: str) -> None:
    counts = Inbox(reader.cloud, tenant).told("batch.jsonl", "completed.json")
    assert (counts["accepted"], counts["failed"]) == (3, 0)


def an_event_and_the_lines_of_a_file_are_jobs_of_their_tenant(reader: Reader) -> None:
    reader.cloud.until(lambda: len(jobs(reader.cloud)) == reader.jobs_before + 4)


def a_customer_sees_what_it_came_to(reader: Reader) -> None:
    today = f"{datetime.now(UTC):%F}"
    key = reader.cloud.manage(action="issue_key", tenant_id="acme")["api_key"]
    with reader.cloud.http(key) as http:

        def spent() -> int:
            days = http.get("/v1/usage", params={"from": today, "to": today}).raise_for_status().json()["data"]
            return sum(day["credits"] for day in days)

        reader.cloud.until(lambda: spent() == http.get("/v1/account").raise_for_status().json()["spent_credits"] == 120)


AFTERWARDS: Final[Mapping[str, tuple[Callable[[Reader], None], ...]]] = {
    "README.md": (the_song_is_there,),
    "docs/agents.md": (an_agent_bought_one_song,),
    "docs/api.md": (an_uploaded_recording_is_sung_after, the_receiver_verifies_an_order_and_its_replay),
    "docs/client.md": (songs_and_speech_are_saved_by_the_client_and_the_command_line,),
    "docs/laptop.md": (a_fault_in_the_prompt_is_played,),
    "docs/operations.md": (
        a_customers_four_songs_are_reported_by_verified_webhooks,
        partial(a_batch_is_completed_under_results, tenant="acme"),
        a_customer_sees_what_it_came_to,
    ),
    "docs/triggers.md": (
        partial(a_batch_is_completed_under_results, tenant="demo"),
        an_event_and_the_lines_of_a_file_are_jobs_of_their_tenant,
    ),
}
"""What holds once all commands of a document were run."""


@pytest.mark.parametrize("name", RUN_DOCUMENTS)
def test_every_command_that_can_run_here_works_and_does_what_the_document_says(name: str, reader: Reader) -> None:
    # One test for each document, so that no two workers run the same commands.
    for block in run_blocks(name):
        reader.copy(block)
    printed = reader.printed()
    failed = re.findall(r"^FAILED: (.*)$", printed, re.MULTILINE)
    # A list of results, or of songs, may be empty yet; that is how the command line says so.
    assert [command for command in failed if not command.startswith("aws s3 ls")] == [], printed
    assert not re.search(r"An error occurred|error:|Traceback|Could not connect", printed), printed
    assert printed.count('"type": "urn:fermata:problem:') == PROBLEMS.get(name, 0), printed
    for promise in AFTERWARDS[name]:
        promise(reader)


@pytest.mark.parametrize("command", CHECKED_COMMANDS)
def test_every_other_command_names_what_exists(command: str) -> None:
    words = shlex.split(command)
    if words[0] == "make":
        check_make(words[1:])
    elif words[:3] == [".venv/bin/python", "-m", "pytest"]:
        check_pytest(words[3:])
    elif words[0] in ("npx", "uvx"):
        assert_names_what_is_tested(command)
    elif command not in NEED_ANOTHER_MACHINE:
        module = ROOT / words[2].replace(".", "/")
        assert (module / "__main__.py").is_file() or module.with_suffix(".py").is_file()


def check_make(words: list[str]) -> None:
    """A target of the Makefile; what it hands on as ARGS is understood there."""
    target, *variables = [word for word in words if word != "-s"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), f"make has no target {target}"
    given = dict(variable.split("=", 1) for variable in variables)
    assert set(given) <= {"ARGS", "SMOKE", "SEED", "ARCH", "STACK", "ENV", "PARAMS", "DIR"}
    if "ENV" in given:
        assert given["ENV"] in tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    arguments = shlex.split(given.get("ARGS", ""))
    if target == "run":
        parse_settings("run", arguments)
    if target == "soak":
        assert set(arguments) <= {part.__name__.rpartition(".")[2] for part in PARTS}


def check_pytest(words: list[str]) -> None:
    """Paths that exist, and below them a test that `-k` selects."""
    chosen = words[words.index("-k") + 1]
    paths = [ROOT / word for word in words if word.startswith("tests/")]
    assert paths
    assert all(path.exists() for path in paths)
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("test_*.py"))]
    assert any(re.search(rf"^def test_\w*{chosen}", file.read_text("utf-8"), re.MULTILINE) for file in files)


def test_no_command_stands_where_it_is_not_run() -> None:
    in_sentences = [span for name in DOCUMENTS for span in Document(name).spans() if re.match(r"(aws|curl|sam) ", span)]
    assert in_sentences == [], "put a command into a block of its own, which this module runs"
    blocks = [block for name in DOCUMENTS for block in Document(name).blocks("sh")]
    checked = [block for block in blocks if is_checked(commands(block)[0])]
    assert [command for block in checked for command in commands(block) if not is_checked(command)] == []
    assert sum(line.startswith("aws ") for block in blocks for line in block.splitlines()) >= 5


def test_every_target_of_make_in_a_sentence_exists() -> None:
    spans = {span for name in DOCUMENTS for span in Document(name).spans() if re.match(r"make [a-z]", span)}
    for span in spans:
        check_make(shlex.split(span)[1:])
    assert len(spans) >= 10


def test_every_module_in_a_sentence_can_be_run() -> None:
    texts = [span for name in DOCUMENTS for span in Document(name).spans()]
    named = {found.groups() for text in texts if (found := re.match(r"python -m ([\w.]+)(?: ([a-z]+))?", text))}
    helped = subprocess.run(
        [sys.executable, "-m", "local", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    offered = set(re.findall(r"\{(.*?)\}", helped)[0].split(","))
    assert {command for module, command in named if module == "local" and command} <= offered
    for module, _ in named:
        path = ROOT / module.replace(".", "/")
        assert (path / "__main__.py").is_file() or path.with_suffix(".py").is_file(), module


@pytest.mark.parametrize(
    ("document", "command"),
    [("docs/laptop.md", ("up",)), ("docs/operations.md", ("admin",)), ("docs/operations.md", ("admin", "set-plan"))],
    ids=["arguments of up", "commands of an operator", "limits of a plan"],
)
def test_a_table_leaves_out_nothing_that_the_command_line_has(document: str, command: tuple[str, ...]) -> None:
    helped = subprocess.run(
        [sys.executable, "-m", "local", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    offered = set(re.findall(r"^ +(--[a-z-]+|[a-z]+(?:-[a-z]+)*)(?=  |$| [A-Z])", helped, re.MULTILINE))
    assert len(offered) >= 10
    assert {name for name in offered if f"{name}" not in Document(document).text} == set()


def test_the_provider_of_six_lines_returns_the_song_it_was_given(tmp_path: Path) -> None:
    port, script = closed_port(), named_scripts()["provider.py"]
    code = [line for line in script.splitlines()[1:] if line and not re.match(r"from|import", line)]
    assert len(code) <= 6
    song = (ROOT / "tests/fixtures/audio/tone_xing_header.mp3").read_bytes()
    (tmp_path / "song.mp3").write_bytes(song)
    (tmp_path / "provider.py").write_text(script.replace(PORT_IN_DOCUMENTS, str(port)), encoding="utf-8")
    (start,) = (command for command in CHECKED_COMMANDS if "--provider minimax=" in command)
    arguments = shlex.split(shlex.split(start)[-1].removeprefix("ARGS="))
    with subprocess.Popen([sys.executable, "provider.py"], cwd=tmp_path, stderr=subprocess.DEVNULL) as provider:
        try:
            with running_cloud([each.replace(PORT_IN_DOCUMENTS, str(port)) for each in arguments], tmp_path) as line:
                cloud = Cloud(line)
                assert cloud.original(cloud.made(song_request("a song of one's own"))) == song
        finally:
            provider.terminate()
