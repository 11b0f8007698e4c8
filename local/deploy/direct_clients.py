"""Clients for what a template has dozens of, roles and log groups: they pass it straight to the emulator's backends.

A third of a start's CPU time went into writing, signing, sending, reading and answering these calls.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.exceptions import HTTPException

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.deploy.resources.resource_type import Clients


def direct_clients(clients: Clients) -> Clients:
    """Return clients that create roles, policies and log groups directly, and ask `clients` for all else."""
    made: Mapping[str, Callable[[], Any]] = {"iam": DirectIam, "logs": DirectLogs}
    return lambda service: made[service]() if service in made else clients(service)


class DirectIam:
    """The calls of IAM that a deployment makes, with boto3's parameters and answers; raises `ClientError`."""

    def __init__(self) -> None:
        from moto.iam.models import iam_backends

        self._backend: Any = iam_backends[ACCOUNT_ID]["global"]

    def create_role(self, *, RoleName: str, AssumeRolePolicyDocument: str) -> dict[str, Any]:  # noqa: N803
        """Return the role's ARN and id."""
        with _refusals("CreateRole"):
            role = self._backend.create_role(
                role_name=RoleName,
                assume_role_policy_document=AssumeRolePolicyDocument,
                path="/",
                permissions_boundary=None,
                description="",
                tags=[],
                max_session_duration="3600",
            )
        return {"Role": {"Arn": role.arn, "RoleId": role.id}}

    def put_role_policy(self, *, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:  # noqa: N803
        """Give a role an inline policy."""
        with _refusals("PutRolePolicy"):
            self._backend.put_role_policy(RoleName, PolicyName, PolicyDocument)

    def create_policy(self, *, PolicyName: str, PolicyDocument: str) -> dict[str, Any]:  # noqa: N803
        """Return the policy's ARN and id."""
        with _refusals("CreatePolicy"):
            policy = self._backend.create_policy(
                description="", path="/", policy_document=PolicyDocument, policy_name=PolicyName, tags=[]
            )
        return {"Policy": {"Arn": policy.arn, "PolicyId": policy.id}}

    def attach_role_policy(self, *, RoleName: str, PolicyArn: str) -> None:  # noqa: N803
        """Let a role have a policy."""
        with _refusals("AttachRolePolicy"):
            self._backend.attach_role_policy(PolicyArn, RoleName)


class DirectLogs:
    """The calls of CloudWatch Logs that a deployment makes, with boto3's parameters; raises `ClientError`."""

    def __init__(self) -> None:
        from moto.logs.models import logs_backends

        self._backend: Any = logs_backends[ACCOUNT_ID][REGION]

    def create_log_group(self, *, logGroupName: str) -> None:  # noqa: N803
        """Create an empty group."""
        with _refusals("CreateLogGroup"):
            self._backend.create_log_group(logGroupName, {})

    def put_retention_policy(self, *, logGroupName: str, retentionInDays: int) -> None:  # noqa: N803
        """Keep a group's lines for so many days."""
        with _refusals("PutRetentionPolicy"):
            self._backend.put_retention_policy(logGroupName, retentionInDays)


@contextmanager
def _refusals(operation: str) -> Iterator[None]:
    from moto.core.exceptions import ServiceException

    try:
        yield
    except (HTTPException, ServiceException) as refusal:
        answer: Any = {"Error": {"Code": type(refusal).__name__, "Message": str(refusal)}}
        raise ClientError(answer, operation) from refusal
