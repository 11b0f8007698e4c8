"""AWS::IAM::Role and AWS::IAM::Policy: kept so that they can be read back; nothing on one machine enforces them."""

from typing import Final

from local.deploy.resources.resource_type import Created, Document, Properties, ResourceType, Stack, as_json


class InlinePolicy(Properties):
    """A policy that belongs to one role."""

    policy_name: str
    policy_document: Document


class RoleProperties(Properties):
    """A role and its inline policies."""

    role_name: str | None = None
    assume_role_policy_document: Document
    policies: list[InlinePolicy] | None = None


class PolicyProperties(Properties):
    """An inline policy that is written into some roles."""

    policy_name: str
    policy_document: Document
    roles: list[str]


def _create_role(logical_id: str, properties: RoleProperties, stack: Stack) -> Created:
    name = properties.role_name or stack.physical_name(logical_id, 64)
    trust = as_json(properties.assume_role_policy_document)
    role = stack.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
    for policy in properties.policies or []:
        _put_role_policy(stack, name, policy.policy_name, policy.policy_document)
    return Created(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _create_policy(logical_id: str, properties: PolicyProperties, stack: Stack) -> Created:
    for role in properties.roles:
        _put_role_policy(stack, role, properties.policy_name, properties.policy_document)
    return Created(stack.physical_name(logical_id, 128))


def _put_role_policy(stack: Stack, role: str, name: str, document: Document) -> None:
    # AWS takes a policy without a version; the emulator does not.
    versioned = as_json({"Version": "2012-10-17", **document})
    stack.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=versioned)


RESOURCE_TYPES: Final = (
    ResourceType("AWS::IAM::Role", RoleProperties, _create_role, frozenset({"Arn", "RoleId"})),
    ResourceType("AWS::IAM::Policy", PolicyProperties, _create_policy),
)
