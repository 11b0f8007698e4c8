"""IAM over a whole cloud: the gate of its AWS, the keys of its machines, and what rules may do."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from local.cloud_client import own_clients
from local.deploy.deployment import FunctionSpec
from local.iam.calls.named import invocation
from local.iam.decision import Caller, Need
from local.iam.emulated import EmulatedFacts, EmulatedPolicies
from local.iam.gate import Gate
from local.iam.rights import Rights, role_session, service_of_aws
from local.iam.trust import check_trust
from local.logs import JsonLines, now

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

GIVEN_RIGHTS: Final = "given-rights"
"""Name of the log that has one line for each right that a role is given: role, statement and action."""
USED_RIGHTS: Final = "used-rights"
"""Name of the log that has one line for each right when it is first used: role, statement and action."""
REFUSALS: Final = "refusals"
"""Name of the log that has one line for each call that was refused: caller, action and AWS's sentence."""
_EVENTS: Final = "events.amazonaws.com"
_OF_MACHINES: Final = "machine"


class Enforcement:
    """Always on: whoever has a role's key may do what the role may, whoever has none is the administrator."""

    def __init__(self, logs: Path) -> None:
        self._given, self._used, self._refused = (
            JsonLines(logs / f"{name}.jsonl") for name in (GIVEN_RIGHTS, USED_RIGHTS, REFUSALS)
        )
        self.rights: Final = Rights(EmulatedPolicies(), self._note, self._note_refusal)
        self.gate: Final = Gate(self.rights, EmulatedFacts())
        self.machine_keys: Final[set[str]] = set()
        """The keys with which machines call, for whose calls the cloud is the client."""
        self._clients: dict[str, Callable[[str], Any]] = {}
        self._aws: Callable[[str], Callable[[str], Any]] | None = None

    def serve_machines(self, url: str, aws: "WSGIApplication") -> None:
        """Make the clients of machines call the AWS that listens at a URL."""
        self._aws = partial(own_clients, url, aws)

    def learn(self, functions: Iterable[FunctionSpec]) -> None:
        """Read the policies of a complete stack. Raises `ResourceCreationError` for a role that its function or machine
        may not have.
        """
        self.rights.learn()
        roles = check_trust(functions)
        for role, statement, action in self.rights.given(roles):
            self._given.write(_right(role, statement, action))

    def client_of_machine(self, service: str, role_arn: str) -> Any:  # noqa: ANN401 (a boto3 client)
        """Return the client of a service that signs with the key of a machine's role, the same for each of both."""
        assert self._aws is not None, "the AWS of machines is not served yet"  # noqa: S101 - a start out of order
        if role_arn not in self._clients:
            key = self.rights.let_in(role_arn, _OF_MACHINES)
            self.machine_keys.add(key)
            self._clients[role_arn] = self._aws(key)
        return self._clients[role_arn](service)

    def refused_task(self, role_arn: str, function: str, qualifier: str | None) -> str | None:
        """Return why a machine with a role may not call a function, None where it may."""
        return self.rights.refusal(role_session(role_arn, _OF_MACHINES), [invocation(function, qualifier)])

    def refused_target(self, rule_arn: str, function_arn: str) -> str | None:
        """Return why a rule may not call a function, None where the function's policy lets it."""
        return self._refused_of_rule(rule_arn, invocation(function_arn, None))

    def refused_dead_letter(self, rule_arn: str, queue_arn: str) -> str | None:
        """Return why a rule may not leave an event in a queue, None where the queue's policy lets it."""
        return self._refused_of_rule(rule_arn, Need("sqs:SendMessage", queue_arn))

    def close(self) -> None:
        """Close the logs."""
        for log in (self._given, self._used, self._refused):
            log.close()

    def _refused_of_rule(self, rule_arn: str, need: Need) -> str | None:
        rule: Caller = service_of_aws(_EVENTS, rule_arn)
        return self.rights.refusal(rule, [need])

    def _note(self, role: str, statement: str, action: str) -> None:
        self._used.write(_right(role, statement, action))

    def _note_refusal(self, caller: str, action: str, message: str) -> None:
        self._refused.write({"time": now(), "caller": caller, "action": action, "message": message})


def _right(role: str, statement: str, action: str) -> dict[str, str]:
    return {"role": role.rsplit("/", 1)[-1], "statement": statement, "action": action}
