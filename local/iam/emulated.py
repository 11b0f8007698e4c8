"""The policies and the facts that the emulator holds: what the deployment put there is what is enforced."""

import json
from collections.abc import Iterable
from typing import Any, Final

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator.moto_seams import MotoValue
from local.iam.statements import Policies, Statement, read_policy

_GLOBAL: Final = "global"
_PARTITION: Final = "aws"
_RESOURCES_AT: Final = 5
_MACHINE_PARTS: Final = 7


class EmulatedPolicies:
    """Reads policies as they are; what it returns does not follow later changes."""

    def of_role(self, role_arn: str) -> Policies:
        """Return the policies of a role by its ARN, none where there is no such role."""
        from moto.iam.models import iam_backends

        name = role_arn.rsplit("/", 1)[-1]
        roles = iam_backends[ACCOUNT_ID][_GLOBAL].roles.values()
        role: MotoValue = next((each for each in roles if each.name == name), None)
        if role is None:
            return Policies()
        documents = [
            *role.policies.items(),
            *((policy.name, _document(policy)) for policy in role.managed_policies.values()),
        ]
        return _compiled((label, json.loads(text)) for label, text in documents)

    def of_resource(self, arn: str) -> Policies:
        """Return the policy of a bucket, a queue, a bus or a function by its ARN or that of an object in it."""
        service = arn.split(":", 3)[2]
        document = self._document_of(service, arn)
        return Policies() if document is None else _compiled([(f"resource {arn}", document)])

    def _document_of(self, service: str, arn: str) -> dict[str, Any] | None:
        name = arn.split(":", _RESOURCES_AT)[-1]
        if service == "s3":
            return _of_bucket(name)
        if service == "sqs":
            return _of_queue(name)
        if service == "events":
            return _of_bus(name.removeprefix("event-bus/"))
        return _of_function(name.split(":")[1]) if service == "lambda" else None


def holder_of(arn: str) -> str:
    """Return the ARN that has the policy of a resource: an object's is its bucket's."""
    return arn.partition("/")[0] if arn.startswith("arn:aws:s3:::") else arn


def machines() -> list[MotoValue]:
    """Return the machines that the engine runs."""
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    return list(stepfunctions_parser_backends[ACCOUNT_ID][REGION].state_machines)


class EmulatedFacts:
    """What names in requests stand for."""

    def hash_key(self, table: str, index: str | None) -> str | None:
        """Return the name of a table's or an index's partition key, None where there is no such table."""
        from moto.dynamodb.models import dynamodb_backends

        name = table.rsplit("table/", 1)[-1]
        found: MotoValue = dynamodb_backends[ACCOUNT_ID][REGION].tables.get(name)
        if found is None or index is None:
            return found.hash_key_attr if found else None
        schemas = [each.schema for each in (*found.global_indexes, *found.indexes) if each.name == index]
        return next((key["AttributeName"] for schema in schemas for key in schema if key["KeyType"] == "HASH"), None)

    def secret_arn(self, secret_id: str) -> str | None:
        """Return the ARN of a secret by its name or ARN, None where there is none."""
        from moto.secretsmanager.models import secretsmanager_backends

        secrets = secretsmanager_backends[ACCOUNT_ID][REGION].secrets
        return str(secrets[secret_id].arn) if secret_id in secrets else None

    def machine_of(self, token: str) -> str | None:
        """Return the ARN of the machine whose execution waits for a task's token, None where none does."""
        for machine in machines():
            for execution in list(machine.executions):
                worker = getattr(execution, "exec_worker", None)
                if worker is not None and worker.env.callback_pool_manager.get(token) is not None:
                    # The right is on the machine, whichever of its versions runs.
                    return ":".join(machine.arn.split(":")[:_MACHINE_PARTS])
        return None


def _compiled(documents: Iterable[tuple[str, dict[str, Any]]]) -> Policies:
    statements: list[Statement] = []
    for label, document in documents:
        statements += read_policy(label, document)
    return Policies(statements)


def _document(policy: MotoValue) -> str:
    versions = {version.version_id: version.document for version in policy.versions}
    return str(versions[policy.default_version_id])


def _of_bucket(path: str) -> dict[str, Any] | None:
    from moto.s3.models import s3_backends

    bucket: MotoValue = s3_backends[ACCOUNT_ID][_PARTITION].buckets.get(path.partition("/")[0])
    return json.loads(bucket.policy) if bucket is not None and bucket.policy else None


def _of_queue(name: str) -> dict[str, Any] | None:
    from moto.sqs.models import sqs_backends

    queue: MotoValue = sqs_backends[ACCOUNT_ID][REGION].queues.get(name)
    return json.loads(queue.policy) if queue is not None and queue.policy else None


def _of_bus(name: str) -> dict[str, Any] | None:
    from moto.events.models import events_backends

    bus: MotoValue = events_backends[ACCOUNT_ID][REGION].event_buses.get(name)
    return json.loads(bus.policy) if bus is not None and bus.policy else None


def _of_function(name: str) -> dict[str, Any] | None:
    from moto.awslambda.models import lambda_backends

    functions: MotoValue = lambda_backends[ACCOUNT_ID][REGION]._lambdas._functions  # noqa: SLF001 (its own look-up raises)
    found = functions.get(name)
    if not found:
        return None
    versions = [found["latest"], *found["versions"]]
    return {"Statement": [statement for version in versions for statement in version.policy.statements]}
