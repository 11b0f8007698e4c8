"""The rights of all callers of a cloud: who has which key, what is allowed, and what was ever used."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Final, Protocol

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.iam.decision import Caller, Decision, Need, decide, sentence
from local.iam.emulated import holder_of
from local.iam.statements import Policies

_ID_LENGTH: Final = 16
_NO_POLICIES: Final = Policies()
_WITH_POLICIES: Final = ("arn:aws:s3:::", "arn:aws:sqs:", "arn:aws:events:", "arn:aws:lambda:")
"""The resources that may have a policy of their own."""


NOBODY: Final = Caller("anonymous", context={"aws:securetransport": ("true",)})
"""Whoever signs nothing."""


class PolicySource(Protocol):
    """Where the policies are."""

    def of_role(self, role_arn: str) -> Policies:
        """Return the policies of a role."""

    def of_resource(self, arn: str) -> Policies:
        """Return the policy of a resource."""


def access_key_id(role_arn: str, session: str) -> str:
    """Return the access key id of a session of a role, the same at every start: links that were signed before a
    restart have the same signer after it.
    """
    return f"ASIA{hashlib.sha256(f'{role_arn}/{session}'.encode()).hexdigest()[:_ID_LENGTH].upper()}"


class Rights:
    """Judges calls. Policies are read at the first call of a role and kept until `learn`."""

    def __init__(
        self,
        source: PolicySource,
        note: Callable[[str, str, str], None] = lambda *_: None,
        note_refusal: Callable[[str, str, str], None] = lambda *_: None,
    ) -> None:
        """`note` gets the role, the statement and the action of each right when it is first used; `note_refusal` the
        caller, the action and AWS's sentence of each refusal.
        """
        self._source, self._note, self.note_refusal = source, note, note_refusal
        self._callers: dict[str, Caller] = {}
        self._of_roles: dict[str, Policies] = {}
        self._of_resources: dict[str, Policies] = {}
        self._used: set[tuple[str, str, str]] = set()
        self._lock = Lock()

    def let_in(self, role_arn: str, session: str) -> str:
        """Make a session of a role known and return its access key id."""
        key = access_key_id(role_arn, session)
        self._callers[key] = role_session(role_arn, session)
        return key

    def learn(self) -> None:
        """Read the policies anew from now on."""
        self._of_roles, self._of_resources = {}, {}

    def given(self, roles: Iterable[str]) -> Iterator[tuple[str, str, str]]:
        """Yield the role, the statement and each action that is allowed to roles by their ARNs."""
        for role in roles:
            for statement in self._of_role(role).statements:
                if statement.allows and not statement.all_but_actions:
                    yield from ((role, statement.name, action) for action in statement.actions)

    def caller(self, access_key: str | None) -> Caller | None:
        """Return the session of a role that has a key, None for the account's administrator."""
        return self._callers.get(access_key or "")

    def refusal(self, caller: Caller, needs: Iterable[Need], *, noted: bool = True) -> str | None:
        """Return AWS's sentence about the first right that a caller lacks, None where it has all. A refusal is `noted`
        unless nothing is wrong with lacking the right.
        """
        for need in needs:
            decision = self._judged(caller, need)
            if not decision.is_allowed:
                told = sentence(caller, need, decision)
                if noted:
                    self.note_refusal(caller.arn, need.action, told)
                return told
        return None

    def _judged(self, caller: Caller, need: Need) -> Decision:
        identity = self._of_role(caller.role_arn) if caller.role_arn else _NO_POLICIES
        decision = decide(caller, need, identity, self._of_resource(need.resource))
        if decision.is_allowed:
            for statement in decision.by:
                use = (caller.role_arn or caller.arn, statement.name, need.action)
                if use not in self._used:
                    self._note_use(use)
        return decision

    def _note_use(self, use: tuple[str, str, str]) -> None:
        with self._lock:
            if use in self._used:
                return
            self._used.add(use)
        self._note(*use)

    def _of_role(self, role_arn: str) -> Policies:
        known = self._of_roles.get(role_arn)
        if known is None:
            known = self._of_roles[role_arn] = self._source.of_role(role_arn)
        return known

    def _of_resource(self, arn: str) -> Policies:
        if not arn.startswith(_WITH_POLICIES):
            return _NO_POLICIES
        holder = holder_of(arn)
        known = self._of_resources.get(holder)
        if known is None:
            known = self._of_resources[holder] = self._source.of_resource(holder)
        return known


def role_session(role_arn: str, session: str) -> Caller:
    """Return a session of a role. Requests on this machine count as encrypted, because they do not leave it."""
    name = role_arn.rsplit("/", 1)[-1]
    return Caller(
        f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{name}/{session}",
        role_arn,
        ACCOUNT_ID,
        {
            "aws:principalarn": (role_arn,),
            "aws:principalaccount": (ACCOUNT_ID,),
            "aws:principaltype": ("AssumedRole",),
            "aws:resourceaccount": (ACCOUNT_ID,),
            "aws:requestedregion": (REGION,),
            "aws:securetransport": ("true",),
            "aws:sourceip": ("127.0.0.1",),
        },
    )


def service_of_aws(name: str, source_arn: str) -> Caller:
    """Return a service of AWS, such as `events.amazonaws.com`, that acts for one of the account's resources."""
    context = {
        "aws:sourcearn": (source_arn,),
        "aws:sourceaccount": (ACCOUNT_ID,),
        "aws:securetransport": ("true",),
    }
    return Caller(name, None, ACCOUNT_ID, context)
