"""What `fermata-admin` refuses before it sends any request."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli import admin
from cli.admin import main
from cli.look import as_screen
from local.errors import UsageError
from tests.functions import ROOT


@pytest.mark.parametrize("command", ["run-schedule", "tick"])
def test_a_schedule_of_a_stack_on_aws_is_not_run_from_here(command: str) -> None:
    with pytest.raises(UsageError, match="a stack on AWS runs its schedules itself"):
        main(["--stack", "songs", command, "reap_jobs"])


@pytest.mark.parametrize(("works", "exit_code"), [(True, 0), (False, 1), (None, 1)])
def test_a_check_succeeds_only_if_all_keys_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: bool | None, exit_code: int
) -> None:
    answer = json.dumps({"provider": "minimax", "works": works})
    monkeypatch.setattr(admin, "_answer_of", lambda _arguments: answer)
    assert main(["check-provider", "minimax"]) == exit_code
    assert capsys.readouterr().out == f"{answer}\n"
    assert main(["pause", "minimax"]) == 0


def test_a_status_is_json_with_a_line_for_each_fact() -> None:
    answer = {"at": "now", "alarming": [], "providers": [{"provider": "a"}, {"provider": "b"}], "left": {"songs": 1}}
    screen = as_screen(answer)

    assert json.loads(screen) == answer
    assert screen.splitlines() == [
        '{"at": "now",',
        '"alarming": [],',
        '"providers": [',
        '  {"provider": "a"},',
        '  {"provider": "b"}],',
        '"left": {"songs": 1}}',
    ]


def test_an_unknown_command_names_the_help() -> None:
    with pytest.raises(UsageError, match="see fermata-admin --help"):
        main(["make-coffee"])


@pytest.mark.parametrize("tier", ["5", "5:", ":5", "a:b", "5:5:5", "1.5:5", "1e3:5", " 5:5", ""])
def test_a_tier_of_another_form_is_refused_with_the_form(tier: str) -> None:
    with pytest.raises(UsageError, match=r"--tier: expected FROM:PERCENT in whole numbers, such as 5000:10, found"):
        main(["set-plan", "acme", "prepaid", f"--tier={tier}"])


@pytest.mark.parametrize("percent", ["ten", "1.5", "", "10%"])
def test_a_discount_that_is_no_whole_number_is_refused(percent: str) -> None:
    with pytest.raises(UsageError, match="--discount-percent"):
        main(["set-plan", "acme", "prepaid", f"--discount-percent={percent}"])


def test_the_command_line_ends_with_a_line_of_cause_and_its_exit_code() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "grant", "acme"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: the following arguments are required: CREDITS; see fermata-admin --help\n"


def test_the_installed_command_is_the_same_from_any_folder(tmp_path: Path) -> None:
    done = subprocess.run(
        [f"{sys.prefix}/bin/fermata-admin", "grant", "acme"], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "see fermata-admin --help" in done.stderr
