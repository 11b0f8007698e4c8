"""What a saved source does to the functions that use it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.deploy.deployment import FunctionSpec
from local.runtime.lambda_answers import Answer, error_answer
from local.runtime.reloading import Reloader


class Runtime:
    """Keeps what it is asked to reload."""

    def __init__(self) -> None:
        self.reloads: list[tuple[set[str], set[tuple[Path, ...]]]] = []
        self.before_call: Callable[[], object] = lambda: None
        self.on_failed_start: Callable[[FunctionSpec, Answer], object] = lambda _spec, _answer: None

    def reload(self, names: Iterable[str], layers: Iterable[tuple[Path, ...]] = ()) -> None:
        self.reloads.append((set(names), set(layers)))


@dataclass
class Project:
    """Two functions with one layer, watched."""

    root: Path
    runtime: Runtime
    said: list[str]
    specs: dict[str, FunctionSpec]
    reloader: Reloader

    @property
    def layers(self) -> tuple[Path, ...]:
        return (self.root / "layers",)

    def save(self, path: str, text: str) -> None:
        (self.root / path).write_text(text, "utf-8")
        self.reloader.look()


def spec(root: Path, name: str) -> FunctionSpec:
    return FunctionSpec(name, name, f"arn:{name}", "app.f", root / "functions" / name, (root / "layers",), 1, 1, {})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for path in ("functions/read/app.py", "functions/write/app.py", "layers/shop.py", "template.yaml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("\n", "utf-8")
    (tmp_path / "statemachine").mkdir()
    runtime, said = Runtime(), list[str]()
    specs = {name: spec(tmp_path, name) for name in ("read", "write")}
    return Project(tmp_path, runtime, said, specs, Reloader(runtime, specs.values(), tmp_path, said.append))


def test_a_handler_reloads_its_own_function_and_no_layer(project: Project) -> None:
    project.save("functions/read/app.py", "x = 1\n")
    assert project.runtime.reloads == [({"read"}, set())]
    assert project.said == ["reloaded functions/read/app.py"]
    project.reloader.look()
    assert len(project.runtime.reloads) == 1


def test_a_layer_reloads_every_function_that_uses_it(project: Project) -> None:
    project.save("layers/shop.py", "x = 1\n")
    assert project.runtime.reloads == [({"read", "write"}, {project.layers})]


def test_a_syntax_error_is_said_once_reloads_nothing_and_goes_away_with_the_next_save(project: Project) -> None:
    project.save("layers/shop.py", "x = (\n")
    for _ in range(2):
        assert project.reloader.fault_of("arn:read") == "layers/shop.py, line 1: '(' was never closed"
    assert project.runtime.reloads == []
    assert project.said == [
        "error: layers/shop.py, line 1: '(' was never closed; requests get 500 until it is saved without the error"
    ]
    project.save("layers/shop.py", "x = 2\n")
    assert project.reloader.fault_of("arn:read") is None
    assert project.runtime.reloads == [({"read", "write"}, {project.layers})]


def test_a_syntax_error_in_a_handler_keeps_no_other_function_from_reloading(project: Project) -> None:
    project.save("functions/read/app.py", "x = (\n")
    project.save("layers/shop.py", "x = 1\n")
    assert project.reloader.fault_of("arn:write") is None
    assert project.runtime.reloads == [({"write"}, {project.layers})]
    project.save("functions/read/app.py", "x = 1\n")
    assert project.runtime.reloads[1:] == [({"read"}, {project.layers})]


def test_a_handler_that_cannot_be_imported_is_said_once_until_the_next_reload(project: Project) -> None:
    answer = error_answer("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'x'")
    said = "Unable to import module 'app': No module named 'x' (Runtime.ImportModuleError)"
    for _ in range(2):
        project.reloader.failed_to_start(project.specs["read"], answer)
    assert project.reloader.failed_start_of("arn:read") == said
    assert project.said == [f"error: functions/read does not start: {said}"]
    project.save("functions/read/app.py", "x = 1\n")
    assert project.reloader.failed_start_of("arn:read") is None


def test_a_process_that_was_killed_while_it_started_is_no_error_of_a_source(project: Project) -> None:
    for error in ("Runtime.ExitError", "Sandbox.Timedout"):
        project.reloader.failed_to_start(project.specs["read"], error_answer(error, "killed"))
    assert project.reloader.failed_start_of("arn:read") is None
    assert project.said == []


@pytest.mark.parametrize("path", ["template.yaml", "statemachine/music_job.asl.json"])
def test_a_changed_template_or_machine_says_once_that_a_restart_applies_it(project: Project, path: str) -> None:
    project.save(path, "{}")
    project.reloader.look()
    assert project.said == [f"{path} changed: stop this cloud and start it again to apply it"]
    assert project.runtime.reloads == []


def test_after_a_reload_the_caller_is_called_and_calls_and_failed_starts_reach_the_reloader(project: Project) -> None:
    after = list[str]()
    project.reloader.start(lambda: after.append("reloaded"))
    (project.root / "functions/read/app.py").write_text("x = 1\n", "utf-8")
    project.runtime.before_call()
    project.runtime.on_failed_start(project.specs["read"], error_answer("NameError", "name 'x' is not defined"))
    project.reloader.stop()
    assert after == ["reloaded"]
    assert project.reloader.failed_start_of("arn:read") == "name 'x' is not defined (NameError)"
