"""An operator without a right learns its name from every command, in one sentence, and the exit code is not 0."""

import re
from pathlib import Path
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cli import admin
from cli.dead_letters import OUTPUT, QUEUES
from cli.denied import denied
from cli.deployed_stack import StackError, outputs_of
from local.errors import LocalCloudError, UsageError, exit_code_of

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:songs-ManageTenants"
WHY = "because no identity-based policy allows the lambda:InvokeFunction action"
COMMANDS = {
    "create-tenant": ["acme"],
    "grant": ["acme", "5"],
    "set-plan": ["acme", "prepaid"],
    "suspend-tenant": ["acme"],
    "resume-tenant": ["acme"],
    "set-triggers": ["acme", "--inbox", "on"],
    "issue-key": ["acme"],
    "rotate-key": ["aaaaaaaa"],
    "revoke-key": ["aaaaaaaa"],
    "list-keys": ["acme"],
    "set-webhook": ["acme", "--off"],
    "rotate-webhook-secret": ["acme"],
    "list-tenants": [],
    "show-tenant": ["acme"],
    "show-job": ["job_1"],
    "providers": [],
    "status": [],
    "spend": [],
    "cancel-all": [],
    "drain": [],
    "recover": [],
    "redrive": ["settle-job"],
    "enable-provider": ["minimax"],
    "check-provider": ["minimax"],
    "pause": ["all"],
    "resume": ["all"],
    "set-budget": ["minimax", "5"],
    "redeliver": ["job_1"],
    "list-recoverable": [],
    "reconcile": ["minimax", "FILE"],
}


def refusal(action: str, resource: str, operation: str, code: str = "AccessDeniedException") -> ClientError:
    who = "arn:aws:sts::123456789012:assumed-role/operators/ada"
    message = f"User: {who} is not authorized to perform: {action} on resource: {resource} {WHY}"
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Denies:
    """Every client of an operator without rights."""

    def get_caller_identity(self) -> NoReturn:
        raise refusal("sts:GetCallerIdentity", "*", "GetCallerIdentity")

    def invoke(self, **_: object) -> NoReturn:
        raise refusal("lambda:InvokeFunction", FUNCTION, "Invoke")

    def receive_message(self, **_: object) -> NoReturn:
        raise refusal("sqs:receivemessage", "arn:aws:sqs:eu-west-1:123456789012:dead", "ReceiveMessage", "AccessDenied")


@pytest.fixture
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    queues = "{" + ",".join(f'"{name}": ["https://queue", "function"]' for name in QUEUES) + "}"
    outputs = {"ManageTenantsFunctionName": "manage", OUTPUT: queues}
    monkeypatch.setattr(admin, "_on_aws", lambda _stack: (lambda _name: Denies(), outputs))


@pytest.mark.usefixtures("_stack")
@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_names_the_missing_action_and_resource(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export = tmp_path / "export.json"
    export.write_text('[{"id": "task-1", "cost": 0.15}]', "utf-8")
    arguments = [str(export) if each == "FILE" else each for each in COMMANDS[command]]
    assert exit_code_of(lambda: admin.main(["--stack", "songs", command, *arguments])) == 1
    told = capsys.readouterr()
    action = "sqs:receivemessage" if command == "redrive" else "lambda:InvokeFunction"
    resource = "arn:aws:sqs:eu-west-1:123456789012:dead" if command == "redrive" else FUNCTION
    assert told.out == ""
    expected = f"your AWS credentials lack the right {action} on {resource}; have that action allowed"
    assert told.err == f"error: {expected}\n"


def test_no_command_is_left_out() -> None:
    with pytest.raises(UsageError) as caught:
        admin.main(["make-coffee"])
    choices = set(re.findall(r"'([a-z-]+)'", str(caught.value).partition("choose from")[2]))
    assert choices - {"run-schedule", "tick"} == set(COMMANDS)


def test_a_stack_that_may_not_be_described_names_the_right(monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:cloudformation:eu-west-1:123456789012:stack/songs/*"

    class CloudFormation:
        def describe_stacks(self, **_: object) -> NoReturn:
            raise refusal("cloudformation:DescribeStacks", arn, "DescribeStacks", "AccessDenied")

    monkeypatch.setattr("boto3.client", lambda *_: CloudFormation())
    with pytest.raises(StackError, match=rf"lack the right cloudformation:DescribeStacks on {re.escape(arn)};"):
        outputs_of("songs")


def test_a_refusal_without_an_action_names_the_call() -> None:
    bare = ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject")
    assert denied(bare) == "your AWS credentials may not call GetObject; have that action allowed"


@pytest.mark.parametrize("error", [ClientError({"Error": {"Code": "Throttling"}}, "Invoke"), NoCredentialsError()])
def test_another_error_keeps_its_own_words(error: Any) -> None:  # noqa: ANN401 - botocore's two families
    assert denied(error) is None


def test_a_client_is_made_when_it_is_first_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Denied(Denies):
        def describe_stacks(self, **_: object) -> dict[str, Any]:
            return {"Stacks": [{"Outputs": [{"OutputKey": "ManageTenantsFunctionName", "OutputValue": "manage"}]}]}

    def client(name: str, **_: object) -> Denied:
        made.append(name)
        return Denied()

    monkeypatch.setattr("boto3.client", client)
    with pytest.raises(LocalCloudError, match="lambda:InvokeFunction"):
        admin.main(["--stack", "songs", "providers"])
    assert made == ["cloudformation", "sts", "lambda"]
