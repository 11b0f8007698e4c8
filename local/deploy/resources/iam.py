"""Roles and policies of IAM. The emulator stores and returns them; `local.iam` enforces them."""

from typing import Final

from local.deploy.resources.resource_type import Created, Document, Properties, ResourceType, Stack, as_json

_OF_AWS: Final = "arn:aws:iam::aws:"
"""Prefix of the ARNs of AWS managed policies, which the emulator does not have."""


class InlinePolicy(Properties):
    """A policy that belongs to one role."""

    policy_name: str
    policy_document: Document


class RoleProperties(Properties):
    """A role, its inline policies, and the ARNs of its managed policies."""

    role_name: str | None = None
    assume_role_policy_document: Document
    policies: list[InlinePolicy] | None = None
    managed_policy_arns: list[str] | None = None


class PolicyProperties(Properties):
    """An inline policy of some roles."""

    policy_name: str
    policy_document: Document
    roles: list[str]


class ManagedPolicyProperties(Properties):
    """A standalone policy; roles name it, or it names roles."""

    policy_document: Document
    roles: list[str] | None = None


def _create_role(logical_id: str, properties: RoleProperties, stack: Stack) -> Created:
    name = properties.role_name or stack.physical_name(logical_id, 64)
    trust = as_json(properties.assume_role_policy_document)
    role = stack.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    for policy in properties.policies or []:
        _put_role_policy(stack, name, policy.policy_name, policy.policy_document)
    for arn in properties.managed_policy_arns or []:
        if not arn.startswith(_OF_AWS):
            stack.client("iam").attach_role_policy(RoleName=name, PolicyArn=arn)
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _create_policy(logical_id: str, properties: PolicyProperties, stack: Stack) -> Created:
    for role in properties.roles:
        _put_role_policy(stack, role, properties.policy_name, properties.policy_document)
    return Created(stack.physical_name(logical_id, 128))


def _create_managed_policy(logical_id: str, properties: ManagedPolicyProperties, stack: Stack) -> Created:
    iam = stack.client("iam")
    document = _versioned(properties.policy_document)
    policy = iam.create_policy(PolicyName=stack.physical_name(logical_id, 128), PolicyDocument=document)["Policy"]
    for role in properties.roles or []:
        iam.attach_role_policy(RoleName=role, PolicyArn=policy["Arn"])
    return Created(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})


def _put_role_policy(stack: Stack, role: str, name: str, document: Document) -> None:
    stack.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=_versioned(document))


def _versioned(document: Document) -> str:
    # AWS accepts a policy without a version; the emulator refuses it.
    return as_json({"Version": "2012-10-17", **document})


RESOURCE_TYPES: Final = (
    ResourceType("AWS::IAM::Role", RoleProperties, _create_role, frozenset({"Arn", "RoleId"})),
    ResourceType("AWS::IAM::Policy", PolicyProperties, _create_policy),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        ManagedPolicyProperties,
        _create_managed_policy,
        frozenset({"PolicyArn", "PolicyId"}),
    ),
)
