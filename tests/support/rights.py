"""What each role of a transformed template may do, whichever policy says so."""

from collections.abc import Iterator
from typing import Any

Resources = dict[str, dict[str, Any]]
"""A transformed template's resources by logical id."""
Statement = dict[str, Any]


def rights_of(resources: Resources) -> dict[str, list[Statement]]:
    """Return every statement of each function and state machine, by its logical id."""
    return {
        role.removesuffix("Role"): [
            statement
            for document in [*inline_documents(resources, role), *shared_documents(resources, role).values()]
            for statement in document["Statement"]
        ]
        for role, _ in of_type(resources, "AWS::IAM::Role")
    }


def inline_documents(resources: Resources, role: str) -> list[dict[str, Any]]:
    """Return the policies that belong to this role alone, also where they stand apart from it."""
    written = [
        *resources[role]["Properties"].get("Policies", []),
        *_naming(resources, role, "AWS::IAM::Policy").values(),
    ]
    return [policy["PolicyDocument"] for policy in written]


def shared_documents(resources: Resources, role: str) -> dict[str, dict[str, Any]]:
    """Return the template's managed policies that are attached to this role, by logical id.

    A reference of another form than `!Ref` raises KeyError, so that none is overlooked.
    """
    named = [arn["Ref"] for arn in attached_arns(resources, role) if not isinstance(arn, str)]
    return {
        **{name: resources[name]["Properties"]["PolicyDocument"] for name in named},
        **{
            name: policy["PolicyDocument"]
            for name, policy in _naming(resources, role, "AWS::IAM::ManagedPolicy").items()
        },
    }


def attached_arns(resources: Resources, role: str) -> list[Any]:
    """Return what the role attaches to itself: ARNs of AWS's policies, references to the template's."""
    arns: list[Any] = resources[role]["Properties"].get("ManagedPolicyArns", [])
    return arns


def of_type(resources: Resources, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the logical id and the properties of each resource of this type."""
    return ((name, each.get("Properties", {})) for name, each in resources.items() if each["Type"] == kind)


def _naming(resources: Resources, role: str, kind: str) -> dict[str, dict[str, Any]]:
    return {name: policy for name, policy in of_type(resources, kind) if {"Ref": role} in policy.get("Roles", [])}
