"""What is created past the emulator's HTTP is there for its clients, and refused as it is over HTTP."""

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.deploy.direct_clients import direct_clients
from local.deploy.resources.resource_type import Clients

TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)


@pytest.fixture
def clients() -> Iterator[Clients]:
    with mock_aws():
        yield direct_clients(lambda service: f"the {service} of others")


def test_a_role_has_the_policies_that_it_was_given(clients: Clients) -> None:
    role = clients("iam").create_role(RoleName="cook", AssumeRolePolicyDocument=TRUST)["Role"]
    policy = clients("iam").create_policy(PolicyName="may-read", PolicyDocument=POLICY)["Policy"]
    clients("iam").put_role_policy(RoleName="cook", PolicyName="own", PolicyDocument=POLICY)
    clients("iam").attach_role_policy(RoleName="cook", PolicyArn=policy["Arn"])

    iam = boto3.client("iam")
    found = iam.get_role(RoleName="cook")["Role"]
    assert (found["Arn"], found["RoleId"]) == (role["Arn"], role["RoleId"])
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT_ID}:role/cook"
    assert iam.get_role_policy(RoleName="cook", PolicyName="own")["PolicyDocument"] == json.loads(POLICY)
    (attached,) = iam.list_attached_role_policies(RoleName="cook")["AttachedPolicies"]
    assert attached == {"PolicyName": "may-read", "PolicyArn": policy["Arn"]}
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["PolicyId"] == policy["PolicyId"]


def test_a_group_keeps_its_lines_as_long_as_it_was_told(clients: Clients) -> None:
    clients("logs").create_log_group(logGroupName="/aws/lambda/cook")
    clients("logs").put_retention_policy(logGroupName="/aws/lambda/cook", retentionInDays=14)

    (group,) = boto3.client("logs", region_name=REGION).describe_log_groups()["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == ("/aws/lambda/cook", 14)


def test_what_the_emulator_refuses_is_an_error_of_the_sdk(clients: Clients) -> None:
    clients("logs").create_log_group(logGroupName="twice")
    with pytest.raises(ClientError, match="CreateLogGroup"):
        clients("logs").create_log_group(logGroupName="twice")
    clients("iam").create_role(RoleName="twice", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(ClientError, match="Role with name twice already exists"):
        clients("iam").create_role(RoleName="twice", AssumeRolePolicyDocument=TRUST)
    with pytest.raises(ClientError, match="AttachRolePolicy"):
        clients("iam").attach_role_policy(RoleName="twice", PolicyArn="arn:aws:iam::123456789012:policy/none")
    with pytest.raises(ClientError, match="PutRolePolicy"):
        clients("iam").put_role_policy(RoleName="twice", PolicyName="wrong", PolicyDocument="{}")


def test_all_other_services_are_asked_over_http(clients: Clients) -> None:
    assert clients("sqs") == "the sqs of others"
