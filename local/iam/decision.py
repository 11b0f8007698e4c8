"""Whether a caller may do something: an explicit denial, else a statement that allows it, else no.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html (within one account,
without boundaries, session policies and organizations, of which the laptop has none)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from local.iam.patterns import Context, Values
from local.iam.statements import Policies, Statement

_ANYBODY: Final = "*"
_ROOT: Final = ":root"


class Outcome(StrEnum):
    """What the policies come to; the last three are how AWS words a refusal."""

    ALLOWED = "allowed"
    DENIED_BY_IDENTITY = "with an explicit deny in an identity-based policy"
    DENIED_BY_RESOURCE = "with an explicit deny in a resource-based policy"
    NOT_ALLOWED = "because no identity-based policy allows the {action} action"


@dataclass(frozen=True)
class Caller:
    """A session of a role, or a service of AWS, for which no role's policy speaks."""

    arn: str
    """The session's ARN, or a service's name such as `events.amazonaws.com`."""
    role_arn: str | None = None
    account: str = ""
    context: Mapping[str, Values] = field(default_factory=dict)
    """What each of its requests says under condition keys in lower case."""

    def is_meant(self, statement: Statement) -> bool:
        """Whether a statement of a resource's policy speaks of this caller."""
        names = statement.principals or {}
        if self.role_arn is None:
            return self.arn in names.get("Service", ()) or _ANYBODY in names.get("AWS", ())
        # An account in an `Allow` only lets its own policies decide; in a `Deny` it means everybody in it.
        account = () if statement.allows else (self.account, f"arn:aws:iam::{self.account}{_ROOT}")
        return not {_ANYBODY, self.arn, self.role_arn, *account}.isdisjoint(names.get("AWS", ()))


@dataclass(frozen=True)
class Need:
    """One right that a call needs: an action on a resource; `context` is what the call says under condition keys."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What the policies say to one need, and the statements that decided it."""

    outcome: Outcome
    by: tuple[Statement, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether the caller may."""
        return self.outcome is Outcome.ALLOWED


_NOTHING: Final = Policies()


def decide(caller: Caller, need: Need, identity: Policies, resource: Policies = _NOTHING) -> Decision:
    """Judge one need by the policies of the caller's role and those of the resource."""
    context = {**caller.context, **need.context}
    of_role = [each for each in identity.applying(need.action, need.resource, context) if each.holds(context)]
    of_resource = [
        each
        for each in resource.applying(need.action, need.resource, context)
        if caller.is_meant(each) and each.holds(context)
    ]
    for found, outcome in ((of_role, Outcome.DENIED_BY_IDENTITY), (of_resource, Outcome.DENIED_BY_RESOURCE)):
        denials = tuple(each for each in found if not each.allows)
        if denials:
            return Decision(outcome, denials)
    allowing = (*of_role, *of_resource)
    return Decision(Outcome.ALLOWED, allowing) if allowing else Decision(Outcome.NOT_ALLOWED)


def sentence(caller: Caller, need: Need, decision: Decision) -> str:
    """AWS's sentence about a refusal, with the action and the resource."""
    why = decision.outcome.value.format(action=need.action)
    return f"User: {caller.arn} is not authorized to perform: {need.action} on resource: {need.resource} {why}"
