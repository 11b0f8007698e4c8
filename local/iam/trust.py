"""Whether the services that act under roles may do so: a role names in its trust policy who may assume it."""

import json
from collections.abc import Iterable, Iterator

from local.deploy.deployment import ACCOUNT_ID, FunctionSpec
from local.errors import ResourceCreationError
from local.iam.decision import Need, decide
from local.iam.emulated import machines
from local.iam.rights import service_of_aws
from local.iam.statements import Policies, read_policy

_ASSUME: str = "sts:AssumeRole"


def check_trust(functions: Iterable[FunctionSpec]) -> list[str]:
    """Return the ARNs of the roles of functions and machines. Raise `ResourceCreationError` with a line for each
    function and machine whose role its service may not assume, as AWS refuses to create it.
    """
    named = [(spec.logical_id, spec.arn, spec.role_arn, "lambda.amazonaws.com") for spec in functions]
    used = [*named, *_of_machines()]
    problems = [
        f"{name}: the role {role} cannot be assumed by {service}"
        for name, arn, role, service in used
        if not is_trusted(_trust_policy(role), role, service, arn)
    ]
    if problems:
        raise ResourceCreationError("\n".join(problems))
    return sorted({role for _, _, role, _ in used})


def is_trusted(policy: Policies, role_arn: str, service: str, source_arn: str) -> bool:
    """Whether a role's trust policy lets a service of AWS assume it for one of the account's resources."""
    return decide(service_of_aws(service, source_arn), Need(_ASSUME, role_arn), Policies(), policy).is_allowed


def _trust_policy(role_arn: str) -> Policies:
    from moto.iam.models import iam_backends

    name = role_arn.rsplit("/", 1)[-1]
    roles = iam_backends[ACCOUNT_ID]["global"].roles.values()
    documents = [role.assume_role_policy_document for role in roles if role.name == name]
    return Policies(statement for text in documents for statement in read_policy(f"trust of {name}", json.loads(text)))


def _of_machines() -> Iterator[tuple[str, str, str, str]]:
    for machine in machines():
        yield machine.name, machine.arn, machine.roleArn, "states.amazonaws.com"
