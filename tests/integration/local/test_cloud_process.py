"""`python -m local up` as a process: one line, its exit codes, and nothing left behind."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.integration.cloud_process import (
    PATIENCE_S,
    PROJECT_ROOT,
    CloudProcess,
    cloud_process,
    is_alive,
    running_cloud,
    until,
)
from tests.integration.song import TLS

FIELDS = {
    *("version", "pid", "api_url", "aws_endpoint_url", "api_key", "tenant", "region", "access_key_id"),
    *(
        "secret_access_key",
        "outputs",
        "simulators",
        "logs_dir",
        "state_dir",
        "provider_keys",
        "console_url",
        "operator_url",
    ),
}

SMALL_CLOUD = ("-m", "tests.integration.local.small_cloud_main")


def local(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def up(scratch: Path, *arguments: str) -> list[str]:
    return ["--port", "0", "--state-dir", str(scratch / "state"), *arguments]


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with running_cloud([], tmp_path_factory.mktemp("ready")) as line:
        yield line


def get(line: dict[str, Any], path: str, key: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.get(f"{line['api_url']}{path}", headers=headers, timeout=PATIENCE_S, verify=TLS).status_code


def test_the_line_says_where_everything_is(ready: dict[str, Any]) -> None:
    assert set(ready) == FIELDS
    assert ready["version"] == 1
    assert set(ready["simulators"]) == {"aimlapi", "apiinone", "minimax", "skillboss"}
    addresses = [ready["api_url"], ready["aws_endpoint_url"], *ready["simulators"].values()]
    assert all(address.startswith("http://127.0.0.1:") for address in addresses)
    assert ready["outputs"]["ApiUrl"] == ready["api_url"]
    assert Path(ready["logs_dir"]).is_dir()


def test_every_route_answers_and_the_key_opens_them(ready: dict[str, Any]) -> None:
    assert get(ready, "/v1/jobs/job_unknown", ready["api_key"]) == 404
    assert get(ready, "/v1/jobs/job_unknown", "fk_wrong") == 403
    assert get(ready, "/v1/jobs/job_unknown") == 401
    assert get(ready, "/elsewhere") == 404


def test_every_function_has_a_log(ready: dict[str, Any]) -> None:
    names = {path.name for path in Path(ready["logs_dir"]).iterdir()}
    expected = {
        "SubmitJobFunction",
        "AuthorizeRequestFunction",
        "http",
        "aws",
        "simulator-minimax",
        "simulator-aimlapi",
    }
    assert {f"{name}.jsonl" for name in expected} <= names


def test_nothing_listens_beyond_loopback(ready: dict[str, Any]) -> None:
    listening = subprocess.run(
        ["cat", f"/proc/{ready['pid']}/net/tcp"], capture_output=True, text=True, check=True
    ).stdout
    own = {link.readlink().name for link in Path(f"/proc/{ready['pid']}/fd").iterdir() if link.is_symlink()}
    rows = [row.split() for row in listening.splitlines()[1:]]
    addresses = {row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}
    assert addresses == {"0100007F"}


def test_the_environment_command_prints_what_a_shell_can_take(ready: dict[str, Any]) -> None:
    printed = local("env", "--state-dir", ready["state_dir"])
    assert (printed.returncode, printed.stderr) == (0, "")
    shell = subprocess.run(
        ["bash", "-c", f'{printed.stdout}\nprintf "%s %s %s" "$API_URL" "$API_KEY" "$AWS_ENDPOINT_URL"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == f"{ready['api_url']} {ready['api_key']} {ready['aws_endpoint_url']}"


def test_an_operator_makes_a_tenant_and_a_key_that_works(ready: dict[str, Any]) -> None:
    where = ["admin", "--state-dir", ready["state_dir"]]
    created = local(*where, "create-tenant", "second")
    assert (created.returncode, json.loads(created.stdout)["tenant_id"]) == (0, "second")
    issued = local(*where, "issue-key", "second")
    assert issued.returncode == 0
    assert get(ready, "/v1/jobs/job_unknown", json.loads(issued.stdout)["api_key"]) == 404
    again = local(*where, "create-tenant", "second")
    assert (again.returncode, again.stdout) == (2, "")
    assert "second" in again.stderr
    nobody = local(*where, "issue-key", "nobody")
    assert (nobody.returncode, nobody.stdout) == (2, "")


def test_an_operator_enables_a_provider_by_its_id(ready: dict[str, Any]) -> None:
    where = ["admin", "--state-dir", ready["state_dir"], "enable-provider"]
    enabled = local(*where, "minimax")
    assert (enabled.returncode, json.loads(enabled.stdout)["provider"]) == (0, "minimax")
    unknown = local(*where, "nobody")
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "must be one of minimax" in unknown.stderr


def local_line(scratch: Path) -> dict[str, Any]:
    """Return what a ready cloud has written into its state directory."""
    try:
        line = json.loads((scratch / "state" / "cloud.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(line) if "api_url" in line else {}


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[CloudProcess, dict[str, Any]]]:
    """Another cloud, whose output nobody reads, and what it has written into its state directory."""
    scratch = tmp_path_factory.mktemp("unread")
    with cloud_process(up(scratch), scratch) as cloud:
        until(lambda: local_line(scratch), "the cloud is ready")
        yield cloud, local_line(scratch)


def test_two_clouds_know_nothing_of_each_other(
    ready: dict[str, Any], unread: tuple[CloudProcess, dict[str, Any]]
) -> None:
    _, other = unread
    assert get(other, "/v1/jobs/job_unknown", other["api_key"]) == 404
    assert get(other, "/v1/jobs/job_unknown", ready["api_key"]) == 403
    assert get(ready, "/v1/jobs/job_unknown", other["api_key"]) == 403


def test_a_cloud_serves_five_hundred_requests_and_a_signal_ends_it_in_order_with_all_its_children(
    ready: dict[str, Any], unread: tuple[CloudProcess, dict[str, Any]]
) -> None:
    cloud, line = unread
    log = Path(line["logs_dir"]) / "http.jsonl"
    before = len(log.read_text("utf-8").splitlines())
    with httpx.Client(base_url=line["api_url"], timeout=PATIENCE_S) as client:
        statuses = [client.get(f"/v1/jobs/{number}").status_code for number in range(500)]
    assert statuses == [401] * 500
    assert len(log.read_text("utf-8").splitlines()) == before + 500

    children = cloud.children()
    assert children
    assert cloud.stop(signal.SIGTERM) == 0
    until(lambda: not any(map(is_alive, children)), "the children end")
    assert local("env", "--state-dir", line["state_dir"]).returncode == 1
    assert "Traceback" not in cloud.stderr()
    assert cloud.process.stdout is not None
    said = cloud.process.stdout.read().splitlines()
    assert len(said) == 1
    assert set(json.loads(said[0])) == FIELDS
    assert get(ready, "/v1/jobs/job_unknown", ready["api_key"]) == 404


def invoke_later(line: dict[str, Any], order: dict[str, Any]) -> Path:
    """Give the small cloud's worker something to do and return its log."""
    client = boto3.client(
        "lambda",
        endpoint_url=line["aws_endpoint_url"],
        region_name=line["region"],
        aws_access_key_id=line["access_key_id"],
        aws_secret_access_key=line["secret_access_key"],
    )
    name = line["outputs"]["WorkerFunctionName"]
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps(order).encode())
    return Path(line["logs_dir"]) / "WorkerFunction.jsonl"


def test_a_signal_during_the_start_ends_it_in_order(tmp_path: Path) -> None:
    with cloud_process(up(tmp_path), tmp_path) as cloud:
        until(cloud.children, "the first function starts")
        children = cloud.children()
        assert cloud.stop(signal.SIGINT) == 0
        until(lambda: not any(map(is_alive, children)), "the children end")
        assert "Traceback" not in cloud.stderr()


def test_a_killed_cloud_leaves_no_child_and_is_reported_as_gone(tmp_path: Path) -> None:
    with cloud_process(up(tmp_path), tmp_path, SMALL_CLOUD) as cloud:
        line = cloud.line()
        busy = invoke_later(line, {"do": "sleep", "seconds": 60})
        until(lambda: "sleeps" in busy.read_text("utf-8"), "a function is busy")
        children = cloud.children()
        os.kill(cloud.process.pid, signal.SIGKILL)
        cloud.process.wait(PATIENCE_S)
        until(lambda: not any(map(is_alive, children)), "the children end")
        missed = local("env", "--state-dir", line["state_dir"])
        assert (missed.returncode, missed.stdout) == (1, "")
        assert str(cloud.process.pid) in missed.stderr


def ended(cloud: CloudProcess) -> tuple[int, list[str]]:
    code = cloud.process.wait(PATIENCE_S)
    assert cloud.process.stdout is not None
    assert cloud.process.stdout.read() == ""
    return code, cloud.stderr().splitlines()


def test_a_port_in_use_ends_with_three(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        with cloud_process(["--port", port, "--state-dir", str(tmp_path / "state")], tmp_path) as cloud:
            code, lines = ended(cloud)
    assert code == 3
    assert len(lines) == 1
    assert port in lines[0]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--param", "NoSuchName=1"], "NoSuchName"),
        (["--param", "LinkTtlSeconds=0"], "LinkTtlSeconds"),
        (["--param", "MinimaxBaseUrl=https://api.minimax.io"], "--provider minimax"),
        (["--provider", "minimax=https://api.minimax.io"], "--real minimax"),
        (["--provider", "suno=http://127.0.0.1:1"], "aimlapi, apiinone, minimax, skillboss"),
        (["--time-scale", "0"], "--time-scale"),
        (["--credits", "0.5"], "--credits"),
    ],
)
def test_what_cannot_be_honoured_ends_with_two_and_its_cause(tmp_path: Path, arguments: list[str], cause: str) -> None:
    with cloud_process(up(tmp_path, *arguments), tmp_path) as cloud:
        code, lines = ended(cloud)
    assert code == 2
    causes = [line for line in lines if line.startswith("error: ")]
    assert len(causes) == 1
    assert cause in causes[0]


def test_an_emulator_that_has_changed_ends_with_five_and_names_the_place(tmp_path: Path) -> None:
    change = "from moto.events.models import Rule; Rule.send_to_targets = lambda self, event: None"
    program = f"import sys; {change}; from local.cli import main; sys.exit(main(sys.argv[1:]))"
    with cloud_process(up(tmp_path), tmp_path, ("-c", program, "up")) as cloud:
        code, [cause] = ended(cloud)
    assert code == 5
    assert "moto.events.models:Rule.send_to_targets" in cause
    assert "(self, event)" in cause


def test_a_template_that_is_not_supported_ends_with_four_and_names_the_place(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources: {Topic: {Type: 'AWS::Kinesis::Stream'}}\n", "utf-8")
    program = (
        "import sys; from dataclasses import replace; from pathlib import Path; from local import cli;"
        "parse = cli.parse_settings;"
        f"cli.parse_settings = lambda *a: replace(parse(*a), template=Path({str(template)!r}));"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    with cloud_process(up(tmp_path), tmp_path, ("-c", program, "up")) as cloud:
        code, lines = ended(cloud)
    assert code == 4
    assert any("Topic" in line and "AWS::Kinesis::Stream" in line for line in lines)


def test_a_state_directory_in_use_is_refused(ready: dict[str, Any], tmp_path: Path) -> None:
    with cloud_process(["--port", "0", "--state-dir", ready["state_dir"]], tmp_path) as cloud:
        code, [cause] = ended(cloud)
    assert code == 3
    assert str(ready["pid"]) in cause
    assert get(ready, "/v1/jobs/x") == 401


def test_run_prints_commands_for_people_and_nothing_to_stdout(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with cloud_process(["--port", "0", "--state-dir", str(state)], tmp_path, ("-m", "local", "run")) as cloud:
        until(lambda: "audio" in cloud.stderr(), "the commands are printed")
        commands = [line.strip() for line in cloud.stderr().splitlines() if "curl" in line]
        assert len(commands) == 3
        assert f"ARGS={shlex.quote(f'--state-dir {state}')}" in cloud.stderr()
        script = [local("env", "--state-dir", str(state)).stdout, *commands]
        subprocess.run(
            ["bash", "-ec", "\n".join(script)], cwd=tmp_path, check=True, capture_output=True, timeout=PATIENCE_S
        )
        assert (tmp_path / "song.mp3").stat().st_size > 10_000
        assert cloud.stop() == 0
        assert cloud.process.stdout is not None
        assert cloud.process.stdout.read() == ""


def test_the_line_has_the_keys_of_simulators_which_take_no_other(ready: dict[str, Any]) -> None:
    assert set(ready["provider_keys"]) == set(ready["simulators"])
    url = f"{ready['simulators']['minimax']}/v1/get_voice"
    answers = [
        httpx.post(url, json={"voice_type": "system"}, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S)
        for key in (ready["provider_keys"]["minimax"], "another")
    ]
    assert [answer.json()["base_resp"]["status_code"] for answer in answers] == [0, 1004]
