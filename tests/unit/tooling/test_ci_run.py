"""What `.ci/run` counts and how it ends, with a `make` that follows a script."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FAKE_MAKE = r"""#!/bin/sh
for word in "$@"; do
    case $word in
        setup|check|test|build|demo|soak|fuzz|docs|bench|e2e|rights) target=$word ;;
        ARGS=--junit-xml=*) report=${word#ARGS=--junit-xml=} ;;
    esac
done
echo "$target" >> "$STEPS"
if [ "$target" = test ] && [ -n "$REPORT" ]; then echo "$REPORT" > "$report"; fi
case " $BROKEN " in *" $target "*) exit 2 ;; esac
"""
PASSING = '<testsuites><testsuite tests="5" failures="0" errors="0" skipped="1"/></testsuites>'
FAILING = '<testsuites><testsuite tests="5" failures="1" errors="1" skipped="0"/></testsuites>'
EMPTY = '<testsuites><testsuite tests="0" failures="0" errors="0" skipped="0"/></testsuites>'
BESIDE_EACH_OTHER = ["build", "demo", "fuzz", "docs", "soak", "bench", "e2e", "e2e"]
"""Tests from outside run twice: on the sources, and on what was built."""
AFTER_GREEN_TESTS = ["rights"]
Run = Callable[..., tuple[subprocess.CompletedProcess[str], list[str]]]


@pytest.fixture
def run_ci(root: Path, tmp_path: Path) -> Run:
    """Runs the script; gives what it said and the steps it requested."""
    for name in (".ci/run", "tooling/count_tests.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(root / name, tmp_path / name)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "make").write_text(FAKE_MAKE, "utf-8")
    (tmp_path / "bin" / "make").chmod(0o755)
    for player in ("ffmpeg", "ffprobe", "chromium"):
        (tmp_path / "bin" / player).write_text("#!/bin/sh\n", "utf-8")
        (tmp_path / "bin" / player).chmod(0o755)
    steps = tmp_path / "steps"

    def run(*, report: str, broken: str = "") -> tuple[subprocess.CompletedProcess[str], list[str]]:
        settings = {
            "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
            "REPORT": report,
            "BROKEN": broken,
            "STEPS": str(steps),
        }
        ended = subprocess.run([tmp_path / ".ci" / "run"], env=settings, check=False, capture_output=True, text=True)
        return ended, steps.read_text("utf-8").split()

    return run


def _last_line(ended: subprocess.CompletedProcess[str]) -> str:
    return ended.stdout.splitlines()[-1]


def test_every_step_runs_and_the_last_line_counts_the_tests(run_ci: Run) -> None:
    ended, steps = run_ci(report=PASSING)

    assert steps[:2] == ["setup", "check"]
    assert sorted(steps[2:]) == sorted(["test", *BESIDE_EACH_OTHER, *AFTER_GREEN_TESTS])
    assert _last_line(ended) == "4 passed, 0 failed"
    assert ended.returncode == 0
    assert all(f"==> {step}: " in ended.stdout for step in steps)


def test_failing_tests_are_counted_one_by_one(run_ci: Run) -> None:
    ended, steps = run_ci(report=FAILING, broken="test")

    assert _last_line(ended) == "3 passed, 2 failed"
    assert ended.returncode == 1
    assert sorted(steps[2:]) == sorted(["test", *BESIDE_EACH_OTHER])


@pytest.mark.parametrize("broken", ["check", "build", "demo", "soak", "fuzz", "bench", "test", "rights"])
def test_a_failing_step_is_one_failure(run_ci: Run, broken: str) -> None:
    ended, steps = run_ci(report=PASSING, broken=broken)

    assert _last_line(ended) == "4 passed, 1 failed"
    assert ended.returncode == 1
    # Which rights are unused shows once no test failed.
    assert len(steps) == 3 + len(BESIDE_EACH_OTHER) + (0 if broken == "test" else len(AFTER_GREEN_TESTS))


def test_every_failure_of_steps_beside_each_other_counts(run_ci: Run) -> None:
    ended, _ = run_ci(report=PASSING, broken=" ".join(BESIDE_EACH_OTHER))

    assert _last_line(ended) == f"4 passed, {len(BESIDE_EACH_OTHER)} failed"
    assert all(f"==> {step}: " in ended.stdout for step in BESIDE_EACH_OTHER)


def test_without_its_environments_nothing_else_is_tried(run_ci: Run) -> None:
    ended, steps = run_ci(report=PASSING, broken="setup")

    assert steps == ["setup"]
    assert _last_line(ended) == "0 passed, 1 failed"
    assert ended.returncode == 1


@pytest.mark.parametrize("report", [EMPTY, "", "<testsuites>"])
def test_a_run_of_no_tests_fails_even_if_make_is_content(run_ci: Run, report: str) -> None:
    ended, _ = run_ci(report=report)

    assert _last_line(ended) == "0 passed, 1 failed"
    assert ended.returncode == 1
