"""`make deploy`: one call of SAM with everything on it, and a shell's variables afterwards."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.deployed_stack import StackError
from tooling.build import TARGETS
from tooling.deploy import deploy, deploy_command, main
from tooling.preflight.parameters import ENVIRONMENTS, ROOT


def test_the_call_takes_the_build_and_every_parameter() -> None:
    command = deploy_command("songs", "prod", {"LogRetentionDays": "90", "ProviderSettings": '{"minimax":{"rpm":60}}'})

    assert command[1:] == [
        *("deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "prod"),
        *("--stack-name", "songs", "--template-file", str(ROOT / ".aws-sam" / "build" / "template.yaml")),
        *("--parameter-overrides", 'LogRetentionDays="90"', 'ProviderSettings="{\\"minimax\\":{\\"rpm\\":60}}"'),
    ]


def test_another_processor_is_deployed_from_its_own_build() -> None:
    command = deploy_command("songs", "dev", {"Architecture": "x86_64"})

    assert str(TARGETS["x86_64"] / "template.yaml") in command


def test_without_parameters_none_are_passed() -> None:
    assert "--parameter-overrides" not in deploy_command("songs", "default", {})


def test_the_outputs_of_a_deployed_stack_are_a_file_for_a_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> int:
        ran.append(command)
        return 0

    assert deploy("songs", ["sam"], run, lambda _: {"ApiUrl": "https://api.example"}, tmp_path / "out") == 0
    assert ran == [["sam"]]
    lines = (tmp_path / "out" / "songs.env").read_text("utf-8").splitlines()
    assert "export API_URL=https://api.example" in lines
    assert "export FERMATA_STACK=songs" in lines
    assert f"source {tmp_path / 'out' / 'songs.env'}" in capsys.readouterr().out


def test_a_failed_deployment_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy("songs", ["sam"], lambda _: 1, lambda _: {}, tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().err == "songs was not deployed\n"


def test_outputs_that_cannot_be_read_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def unreadable(_stack: str) -> dict[str, str]:
        raise StackError("cannot read stack songs: denied")

    assert deploy("songs", ["sam"], lambda _: 0, unreadable, tmp_path) == 1
    assert capsys.readouterr().err == "cannot read stack songs: denied\n"


@pytest.mark.parametrize("arguments", [[], ["--stack", ""], ["--stack", "songs", "--params", "B"]])
def test_a_deployment_needs_the_name_of_a_stack_and_parameters_with_values(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2


def test_every_environment_deploys_with_all_that_sam_needs_to_ask_nothing_but_the_changes() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for environment in ("default", *ENVIRONMENTS):
        parameters = config[environment]["deploy"]["parameters"]
        assert parameters["capabilities"] == "CAPABILITY_IAM", environment
        assert parameters["resolve_s3"] is True, environment
        assert parameters["fail_on_empty_changeset"] is False, environment
    assert config["prod"]["deploy"]["parameters"]["confirm_changeset"] is True
