import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from cli.deployed_stack import StackError, output_of, outputs_of
from cli.shell import STACK_VARIABLE, STATE_DIR_VARIABLE, chosen_stack
from local.cli import main
from local.console import export_lines, export_lines_of_a_stack
from tests.unit.local.test_cli import DESCRIPTION

TEMPLATE = {
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    "Outputs": {"ApiUrl": {"Value": "https://api.example"}, "InboxBucketName": {"Value": "it's mine"}},
}


@pytest.fixture(autouse=True)
def _account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(STACK_VARIABLE, raising=False)
    with mock_aws():
        boto3.client("cloudformation").create_stack(StackName="fermata", TemplateBody=json.dumps(TEMPLATE))
        yield


def test_a_deployed_stack_is_known_by_its_outputs() -> None:
    assert outputs_of("fermata") == {"ApiUrl": "https://api.example", "InboxBucketName": "it's mine"}


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(StackError, match="stack other"):
        outputs_of("other")
    with pytest.raises(StackError, match="no output ManageTenantsFunctionName; deploy the current template"):
        output_of(outputs_of("fermata"), "ManageTenantsFunctionName")


def test_a_shell_is_set_up_for_a_stack_with_the_names_that_it_has_for_this_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["env", "--stack", "fermata"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "export API_URL=https://api.example" in lines
    assert """export INBOX_BUCKET_NAME='it'"'"'s mine'""" in lines
    assert f"export {STACK_VARIABLE}=fermata" in lines


def test_selecting_one_cloud_in_a_shell_deselects_the_other() -> None:
    assert f"unset AWS_ENDPOINT_URL {STATE_DIR_VARIABLE}" in export_lines_of_a_stack("fermata", {})
    assert f"unset {STACK_VARIABLE}" in export_lines(DESCRIPTION)


@pytest.mark.parametrize("command", [["env", "--stack", ""], ["admin", "--stack", "", "list-keys", "acme"]])
def test_an_empty_name_means_no_other_cloud(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STACK_VARIABLE, "fermata")
    assert main(command) == 2
    assert "expected the name of a stack, found nothing" in capsys.readouterr().err


def test_an_operators_command_goes_to_the_stack_that_the_shell_was_set_up_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert chosen_stack() is None
    monkeypatch.setenv(STACK_VARIABLE, "fermata")
    assert main(["admin", "create-tenant", "acme"]) == 1
    assert "the stack has no output ManageTenantsFunctionName" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["admin", "create-tenant", "acme"], ["tick", "reap_jobs"]])
def test_a_command_goes_to_the_cloud_on_this_machine_that_the_shell_was_set_up_for(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path))
    assert main(command) == 1
    assert str(tmp_path) in capsys.readouterr().err
