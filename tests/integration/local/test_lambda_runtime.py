"""Functions run as AWS's own runtime client runs them, and end as Lambda ends them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.deploy.deployment import FunctionSpec
from local.runtime.fork_servers import ForkServers
from local.runtime.lambda_answers import Answer, import_error
from local.runtime.lambda_environment import FunctionStartError
from local.runtime.lambda_runtime import LambdaRuntime, TooManyRequestsError, UnknownFunctionError
from local.runtime.source_tree import forget_byte_code
from local.settings import PROJECT_ROOT
from tests.integration.cloud_process import is_alive, until

WORKER = Path(__file__).with_name("small_cloud") / "worker"
INTERPRETER = PROJECT_ROOT / ".tools" / "functions" / "bin" / "python"

Start = Callable[..., LambdaRuntime]


def function(name: str, code_dir: Path = WORKER, timeout_s: int = 60, reserved: int | None = None) -> FunctionSpec:
    return FunctionSpec(
        logical_id=f"{name.capitalize()}Function",
        name=name,
        arn=f"arn:aws:lambda:eu-west-1:123456789012:function:{name}",
        handler="app.lambda_handler",
        code_dir=code_dir,
        layer_dirs=(),
        timeout_s=timeout_s,
        memory_mb=256,
        environment={"OWN": "value"},
        reserved=reserved,
    )


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts runtimes; with the parameter `True`, on servers that are ready for a reload."""
    started: list[LambdaRuntime] = []
    servers = ForkServers(INTERPRETER, reloads=getattr(request, "param", False))

    def start(*functions: FunctionSpec, max_environments: int = 8, crowding: float = 1.0) -> LambdaRuntime:
        runtime = LambdaRuntime(functions, servers, "http://127.0.0.1:9", tmp_path, max_environments, lambda: crowding)
        started.append(runtime)
        return runtime

    yield start
    for runtime in started:
        runtime.stop()
    servers.stop()


with_and_without_reload = pytest.mark.parametrize("start", [False, True], indirect=True, ids=["without", "with"])
with_reload = pytest.mark.parametrize("start", [True], indirect=True, ids=["with"])


def parent_of(pid: int) -> int:
    shown = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout)


def order(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def said(answer: Answer) -> dict[str, Any]:
    return dict(json.loads(answer.payload))


def log_of(directory: Path, text: str) -> list[dict[str, Any]]:
    """Return the worker's log once it holds `text`."""
    deadline, path = time.monotonic() + 60, directory / "WorkerFunction.jsonl"
    while text not in (content := path.read_text("utf-8")):
        assert time.monotonic() < deadline, f"{text} is not in {content}"
    return [json.loads(line) for line in content.splitlines()]


def test_an_answer_comes_back_and_the_environment_is_used_again(start: Start) -> None:
    runtime = start(function("worker"))
    first, second = (said(runtime.invoke("worker", order(do="describe"))) for _ in range(2))
    assert first["pid"] == second["pid"]
    assert 0 < first["left_ms"] <= 60_000


def test_a_function_is_found_by_name_and_by_every_form_of_arn(start: Start) -> None:
    runtime, spec = start(function("worker")), function("worker")
    for name in ("worker", spec.arn, f"{spec.arn}:live", "123456789012:function:worker", "worker:$LATEST"):
        assert runtime.find(name) == spec
    with pytest.raises(UnknownFunctionError, match="nobody"):
        runtime.submit("nobody", b"{}")


def test_a_call_of_an_older_version_runs_its_code_after_an_update(start: Start, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "app.py").write_text("def lambda_handler(event, context):\n    return 'the second'\n")
    runtime = start(function("worker"))
    before = said(runtime.invoke("worker:1", order(do="describe")))

    runtime.update([replace(function("worker", other), version=2)])

    for name in ("worker", "worker:live", "worker:2", "worker:$LATEST"):
        assert json.loads(runtime.invoke(name, b"{}").payload) == "the second"
    assert said(runtime.invoke("worker:1", order(do="describe")))["pid"] == before["pid"]
    with pytest.raises(UnknownFunctionError):
        runtime.submit("worker:3", b"{}")


def test_the_versions_of_a_function_share_its_reservation(start: Start) -> None:
    runtime = start(function("worker", reserved=1))
    running = runtime.submit("worker:1", order(do="sleep", seconds=60))
    runtime.update([replace(function("worker", reserved=1), version=2)])

    with pytest.raises(TooManyRequestsError):
        runtime.submit("worker", order(do="describe"))
    assert not running.done()


@with_and_without_reload
def test_a_function_sees_its_own_variables_and_those_of_lambda_only(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIMAX_API_KEY", "of this process")
    runtime = start(function("worker"))
    environment = set(said(runtime.invoke("worker", order(do="describe")))["environment"])
    assert {
        "OWN",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_LAMBDA_FUNCTION_NAME",
        "TZ",
    } <= environment
    assert not {"MINIMAX_API_KEY", "HOME", "VIRTUAL_ENV"} & environment


def test_a_process_is_named_after_its_functions_folder_and_its_command_line_is_short(start: Start) -> None:
    runtime = start(function("worker"))
    found = said(runtime.invoke("worker", order(do="describe")))
    names = [Path(f"/proc/{pid}/comm").read_text("utf-8").strip() for pid in (found["pid"], found["parent"])]
    assert names == ["worker", "fermata-forks"]
    assert len(Path(f"/proc/{found['pid']}/cmdline").read_bytes()) < 500


def test_each_function_has_an_access_key_of_its_own(start: Start) -> None:
    runtime = start(function("worker"), function("other"))
    assert sorted(runtime.access_keys.values()) == ["OtherFunction", "WorkerFunction"]


def test_a_burst_of_short_calls_shares_environments(start: Start) -> None:
    runtime = start(function("worker"))
    runtime.invoke("worker", order(do="echo"))
    calls = [runtime.submit("worker", order(do="describe")) for _ in range(8)]
    assert len({said(call.result(20))["pid"] for call in calls}) < len(calls)


@with_and_without_reload
def test_where_the_parent_of_all_functions_was_killed_the_next_call_has_a_new_one(start: Start, tmp_path: Path) -> None:
    runtime = start(function("worker"))
    parent = said(runtime.invoke("worker", order(do="describe")))["parent"]
    busy = runtime.submit("worker", order(do="sleep", seconds=120))
    log_of(tmp_path, "sleeps 120 s")
    os.kill(parent, signal.SIGKILL)
    assert "killed" in said(busy.result(60))["errorMessage"]
    assert said(runtime.invoke("worker", order(do="describe")))["parent"] != parent


def test_an_exception_is_an_error_with_its_class_name_and_the_environment_stays(start: Start) -> None:
    runtime = start(function("worker"))
    before = said(runtime.invoke("worker", order(do="describe")))["pid"]
    answer = runtime.invoke("worker", order(do="raise", text="why"))
    assert answer.failed
    assert (said(answer)["errorType"], said(answer)["errorMessage"]) == ("TryAgainError", "why")
    assert said(runtime.invoke("worker", order(do="describe")))["pid"] == before


def test_a_function_that_takes_too_long_is_killed(start: Start, tmp_path: Path) -> None:
    runtime = start(function("worker", timeout_s=5))
    pid = said(runtime.invoke("worker", order(do="describe")))["pid"]
    begun = time.monotonic()
    answer = runtime.invoke("worker", order(do="sleep", seconds=3600))
    assert time.monotonic() - begun >= 5
    assert answer.failed
    assert said(answer)["errorType"] == "Sandbox.Timedout"
    assert said(answer)["errorMessage"].endswith("Task timed out after 5.00 seconds")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert said(runtime.invoke("worker", order(do="describe")))["pid"] != pid
    assert log_of(tmp_path, '"timeout"')


def test_a_function_that_waits_for_a_core_has_as_many_times_its_timeout(start: Start) -> None:
    runtime = start(function("worker", timeout_s=1), crowding=1000)
    assert not runtime.invoke("worker", order(do="sleep", seconds=1.5)).failed


@pytest.mark.parametrize(("code", "reason"), [(3, "exit status 3"), (0, "without providing a reason")])
def test_a_process_that_ends_fails_its_call_and_is_replaced(start: Start, code: int, reason: str) -> None:
    runtime = start(function("worker"))
    answer = runtime.invoke("worker", order(do="exit", code=code))
    assert said(answer)["errorType"] == "Runtime.ExitError"
    assert reason in said(answer)["errorMessage"]
    assert said(runtime.invoke("worker", order(do="echo", text="again")))["text"] == "again"


def test_a_process_killed_from_outside_costs_one_call_at_most(start: Start) -> None:
    runtime = start(function("worker"))
    pid = said(runtime.invoke("worker", order(do="describe")))["pid"]
    os.kill(pid, signal.SIGKILL)
    # Whether the end is noticed before the next call is handed over is a race with no certain winner.
    first, second = (said(runtime.invoke("worker", order(do="describe"))) for _ in range(2))
    assert first.get("errorType", "Runtime.ExitError") == "Runtime.ExitError"
    assert second["pid"] != pid


def test_a_handler_that_cannot_be_imported_says_why(start: Start, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "app.py").write_text("import not_in_the_layer\n", "utf-8")
    runtime = start(function("worker", broken))
    with pytest.raises(FunctionStartError, match=r"WorkerFunction does not start: Runtime\.ImportModuleError"):
        runtime.start_each(["worker"]).result(timeout=60)
    answer = runtime.invoke("worker", b"{}")
    assert said(answer)["errorType"] == "Runtime.ImportModuleError"
    assert "not_in_the_layer" in said(answer)["errorMessage"]


@with_and_without_reload
def test_functions_find_no_more_than_their_own_dependencies(start: Start, tmp_path: Path) -> None:
    (tmp_path / "greedy").mkdir()
    (tmp_path / "greedy" / "app.py").write_text("import moto\n", "utf-8")
    assert "moto" in sys.modules
    answer = start(function("worker", tmp_path / "greedy")).invoke("worker", b"{}")
    assert said(answer)["errorType"] == "Runtime.ImportModuleError"


def test_calls_beyond_the_limit_are_refused_at_once_and_run_later(start: Start) -> None:
    runtime = start(function("worker"), max_environments=2)
    busy = [runtime.submit("worker", order(do="sleep", seconds=1)) for _ in range(2)]
    with pytest.raises(TooManyRequestsError, match="2 invocations"):
        runtime.submit("worker", order(do="echo"))
    assert [said(call.result(60))["slept"] for call in busy] == [1, 1]
    assert said(runtime.invoke("worker", order(do="echo", text="free")))["text"] == "free"


def test_a_reservation_is_kept_free_for_its_function(start: Start) -> None:
    runtime = start(function("worker"), function("kept", reserved=1), max_environments=2)
    busy = runtime.submit("worker", order(do="sleep", seconds=1))
    with pytest.raises(TooManyRequestsError, match="1 invocations are running; this cloud runs 1"):
        runtime.submit("worker", order(do="echo"))
    assert said(runtime.invoke("kept", order(do="echo", text="there")))["text"] == "there"
    assert said(busy.result(60))["slept"] == 1


def test_a_function_gets_no_more_than_its_reservation(start: Start) -> None:
    runtime = start(function("worker"), function("kept", reserved=1), max_environments=2)
    busy = runtime.submit("kept", order(do="sleep", seconds=1))
    with pytest.raises(TooManyRequestsError, match="1 invocations of KeptFunction are running, which has 1"):
        runtime.submit("kept", order(do="echo"))
    assert said(runtime.invoke("worker", order(do="echo", text="free")))["text"] == "free"
    assert said(busy.result(60))["slept"] == 1
    assert said(runtime.invoke("kept", order(do="echo", text="again")))["text"] == "again"


def test_a_call_whose_process_ended_gives_its_place_in_a_reservation_back(start: Start) -> None:
    runtime = start(function("kept", reserved=1), max_environments=2)
    runtime.invoke("kept", order(do="exit", code=1))
    assert said(runtime.invoke("kept", order(do="echo", text="again")))["text"] == "again"


def test_an_idle_environment_makes_room_for_another_function(start: Start) -> None:
    runtime = start(function("worker"), function("other"), max_environments=1)
    first = said(runtime.invoke("worker", order(do="describe")))["pid"]
    second = said(runtime.invoke("other", order(do="describe")))["pid"]
    assert first != second


def test_parallel_calls_each_get_their_own_answer(start: Start) -> None:
    runtime = start(function("worker"))
    calls: list[Future[Answer]] = [runtime.submit("worker", order(do="echo", text=n)) for n in range(8)]
    assert [said(call.result(60))["text"] for call in calls] == list(range(8))


def test_an_answer_over_the_limit_is_an_error(start: Start) -> None:
    answer = start(function("worker")).invoke("worker", order(do="echo", text="x" * 6_300_000))
    assert said(answer)["errorType"] == "Function.ResponseSizeTooLarge"


def test_the_log_holds_what_was_printed_and_how_each_call_ended(start: Start, tmp_path: Path) -> None:
    runtime = start(function("worker"))
    runtime.invoke("worker", order(do="echo", text="canary"))
    lines = log_of(tmp_path, "canary")
    reports = [line["record"] for line in lines if line.get("type") == "platform.report"]
    assert [report["status"] for report in reports] == ["success"]
    assert any(line.get("message") == "echo of canary" for line in lines)


@with_and_without_reload
def test_nothing_is_left_running_after_the_end(start: Start) -> None:
    runtime = start(function("worker"), function("other"))
    pids = [said(runtime.invoke(name, order(do="describe")))["pid"] for name in ("worker", "other")]
    runtime.stop()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < deadline


def sources(directory: Path, handler: str, layer: str) -> FunctionSpec:
    """A function that returns what its handler and its layer say, with its sources in a directory."""
    for path, text in (("code/app.py", handler), ("layer/shop.py", layer)):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, "utf-8")
        forget_byte_code(directory / path)
    return replace(function("worker", directory / "code"), layer_dirs=(directory / "layer",))


SAYING = """
import pathlib
import threading
import shop
import sys

def lambda_handler(event, context):
    sys.stdout.write("begun\\n")
    sys.stdout.flush()
    while "until" in event and not pathlib.Path(event["until"]).exists():
        threading.Event().wait(0.02)
    return {"handler": 1, "layer": shop.price}
"""


@with_reload
def test_a_reload_runs_new_code_at_the_next_call_while_a_running_call_ends_with_the_old(
    start: Start, tmp_path: Path
) -> None:
    spec = sources(tmp_path / "project", SAYING, "price = 1\n")
    runtime = start(spec)
    released = tmp_path / "released"
    running = runtime.submit("worker", order(until=str(released)))
    log_of(tmp_path, "begun")
    sources(tmp_path / "project", SAYING.replace('"handler": 1', '"handler": 2'), "price = 1\n")
    runtime.reload(["worker"])
    assert said(runtime.invoke("worker", order())) == {"handler": 2, "layer": 1}
    sources(tmp_path / "project", SAYING.replace('"handler": 1', '"handler": 3'), "price = 22\n")
    runtime.reload(["worker"], [spec.layer_dirs])
    assert said(runtime.invoke("worker", order())) == {"handler": 3, "layer": 22}
    released.touch()
    assert said(running.result(60)) == {"handler": 1, "layer": 1}


@with_reload
def test_calls_that_wait_for_an_environment_when_a_reload_comes_run_the_new_code(start: Start, tmp_path: Path) -> None:
    spec = sources(tmp_path / "project", SAYING, "price = 1\n")
    runtime = start(spec)
    runtime.invoke("worker", order())
    calls = [runtime.submit("worker", order()) for _ in range(4)]
    sources(tmp_path / "project", SAYING, "price = 22\n")
    runtime.reload(["worker"], [spec.layer_dirs])
    last = runtime.submit("worker", order())
    assert {said(call.result(60))["layer"] for call in calls} <= {1, 22}
    assert said(last.result(60))["layer"] == 22


@with_reload
def test_old_environments_and_their_fork_server_end_once_nothing_runs_in_them(start: Start, tmp_path: Path) -> None:
    spec = sources(tmp_path / "project", Path(WORKER / "app.py").read_text("utf-8"), "")
    runtime = start(spec)
    old = said(runtime.invoke("worker", order(do="describe")))
    runtime.reload(["worker"], [spec.layer_dirs])
    new = said(runtime.invoke("worker", order(do="describe")))
    assert new["parent"] != old["parent"]
    until(lambda: not (is_alive(old["pid"]) or is_alive(old["parent"])), "the end of the old processes")
    assert said(runtime.invoke("worker", order(do="describe")))["pid"] == new["pid"]


@with_reload
def test_a_handler_that_cannot_be_imported_is_reported_with_its_file_and_works_after_a_reload(
    start: Start, tmp_path: Path
) -> None:
    spec = sources(tmp_path / "project", SAYING + "nonsense\n", "price = 1\n")
    runtime, failures = start(spec), list[str | None]()
    runtime.on_failed_start = lambda _, answer: failures.append(import_error(answer))
    assert runtime.invoke("worker", order()).failed
    assert len(failures) == 1
    last_line = SAYING.count("\n") + 1
    assert f"project/code/app.py, line {last_line}: " in str(failures[0])
    assert "nonsense" in str(failures[0])
    sources(tmp_path / "project", SAYING, "price = 1\n")
    runtime.reload(["worker"])
    assert said(runtime.invoke("worker", order())) == {"handler": 1, "layer": 1}


@with_reload
def test_a_reload_starts_what_ran_last_before_anybody_calls_it(start: Start, tmp_path: Path) -> None:
    text = Path(WORKER / "app.py").read_text("utf-8") + 'sys.stdout.write("imported\\n")\n'
    spec = sources(tmp_path / "project", text, "")
    runtime = start(spec, replace(spec, name="other", logical_id="OtherFunction"))
    old = said(runtime.invoke("worker", order(do="describe")))["pid"]
    sources(tmp_path / "project", text.replace("imported", "imported anew"), "")
    runtime.reload(["worker", "other"], [spec.layer_dirs])
    log_of(tmp_path, "imported anew")
    assert said(runtime.invoke("worker", order(do="describe")))["pid"] != old
    assert "imported" not in (tmp_path / "OtherFunction.jsonl").read_text("utf-8")


@with_reload
def test_what_lies_in_no_layer_is_imported_once_for_the_servers_of_all_layers_and_every_reload(
    start: Start, tmp_path: Path
) -> None:
    spec = sources(tmp_path / "project", Path(WORKER / "app.py").read_text("utf-8"), "")
    runtime = start(spec, function("other"))
    servers, bases = set[int](), set[int]()

    def note_the_server_of(name: str) -> None:
        servers.add(server := said(runtime.invoke(name, order(do="describe")))["parent"])
        bases.add(parent_of(server))

    note_the_server_of("worker")
    note_the_server_of("other")
    runtime.reload(["worker"], [spec.layer_dirs])
    note_the_server_of("worker")
    assert (len(servers), len(bases)) == (3, 1)


@with_reload
def test_where_the_server_of_all_servers_was_killed_the_next_call_has_a_new_one(start: Start) -> None:
    runtime = start(function("worker"))
    first = said(runtime.invoke("worker", order(do="describe")))
    os.kill(parent_of(first["parent"]), signal.SIGKILL)
    until(lambda: not (is_alive(first["pid"]) or is_alive(first["parent"])), "the end of the processes")
    assert said(runtime.invoke("worker", order(do="describe")))["parent"] != first["parent"]
