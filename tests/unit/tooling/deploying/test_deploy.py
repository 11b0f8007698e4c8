"""`make deploy`: one call of SAM with everything on it, and a shell's variables afterwards."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.deployed_stack import StackError
from tooling.build import TARGETS
from tooling.deploy import built_template, deploy, deploy_command, main, with_release
from tooling.preflight.parameters import ENVIRONMENTS, ROOT


def test_the_call_takes_the_build_and_every_parameter() -> None:
    given = {"LogRetentionDays": "90", "ProviderSettings": '{"minimax":{"rpm":60}}'}
    command = deploy_command("songs", "prod", given, built_template(given))

    assert command[1:] == [
        *("deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "prod"),
        *("--stack-name", "songs", "--template-file", str(ROOT / ".aws-sam" / "build" / "template.yaml")),
        *("--parameter-overrides", 'LogRetentionDays="90"', 'ProviderSettings="{\\"minimax\\":{\\"rpm\\":60}}"'),
    ]


def test_another_processor_is_deployed_from_its_own_build() -> None:
    assert built_template({"Architecture": "x86_64"}) == TARGETS["x86_64"] / "template.yaml"


def test_without_parameters_none_are_passed() -> None:
    assert "--parameter-overrides" not in deploy_command("songs", "default", {}, built_template({}))


def test_a_release_differs_with_the_template_and_with_every_value(tmp_path: Path) -> None:
    built = tmp_path / "template.yaml"

    def release(text: str, given: dict[str, str]) -> str:
        built.write_text(text, "utf-8")
        return with_release(built, given).read_text("utf-8")

    line = "{RELEASE: as-written}"
    releases = [
        release(line, {}),
        release(line, {"A": "1"}),
        release(line, {"A": "2"}),
        release(f"{line} ", {"A": "2"}),
    ]
    assert len(set(releases)) == len(releases)
    assert release(line, {"A": "1", "B": "2"}) == release(line, {"B": "2", "A": "1"})
    assert built.read_text("utf-8") == line


def test_a_template_without_the_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Globals: {}", "utf-8")
    with pytest.raises(ValueError, match="does not say 'RELEASE: as-written' once"):
        with_release(tmp_path / "template.yaml", {})


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
