"""A command names who gives it, by the credentials that it is given with."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from cli import admin
from cli.caller import caller_of

ARN = "arn:aws:sts::123456789012:assumed-role/operators/ada"


class Sts:
    """Says who calls, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure

    def get_caller_identity(self) -> dict[str, str]:
        if self.failure:
            raise self.failure
        return {"Arn": ARN, "UserId": "AIDA:ada", "Account": "123456789012"}


class Lambda:
    """Keeps what it is invoked with."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert FunctionName == "manage"
        self.asked.append(json.loads(Payload))
        return {"Payload": io.BytesIO(b"{}")}


def test_the_caller_is_the_one_that_aws_names() -> None:
    assert caller_of(Sts()) == ARN


@pytest.mark.parametrize("failure", [NoCredentialsError(), ClientError({"Error": {"Code": "Away"}}, "Get")])
def test_a_caller_that_aws_does_not_name_is_unknown_and_the_command_goes_on(failure: Exception) -> None:
    assert caller_of(Sts(failure)) is None


def test_a_command_carries_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    function = Lambda()
    clients = {"lambda": function, "sts": Sts()}
    monkeypatch.setattr(admin, "_on_aws", lambda _stack: (clients.__getitem__, {"ManageTenantsFunctionName": "manage"}))
    assert admin.main(["--stack", "songs", "grant", "acme", "5"]) == 0
    assert function.asked == [{"action": "grant", "tenant_id": "acme", "credits": 5, "claimed_by": ARN}]
