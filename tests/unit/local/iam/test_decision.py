"""Policies are judged as IAM judges them."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.errors import UnsupportedTemplateError
from local.iam.decision import Caller, Need, Outcome, decide, sentence
from local.iam.rights import role_session, service_of_aws
from local.iam.statements import Policies, read_policy

ROLE = "arn:aws:iam::123456789012:role/R"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/T"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:dead"
RULE = "arn:aws:events:eu-west-1:123456789012:rule/r"
# Answers of npm's @cloud-copilot/iam-simulate 0.1.173, recorded once; it was asked 20,271 such questions in all.
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parents[3] / "fixtures" / "iam" / "decisions.jsonl").read_text("utf-8").splitlines()
]
VERDICTS = {
    Outcome.ALLOWED: "Allowed",
    Outcome.NOT_ALLOWED: "ImplicitlyDenied",
    Outcome.DENIED_BY_IDENTITY: "ExplicitlyDenied",
    Outcome.DENIED_BY_RESOURCE: "ExplicitlyDenied",
}


def policies(*statements: dict[str, Any]) -> Policies:
    return Policies(read_policy("p", {"Version": "2012-10-17", "Statement": list(statements)}))


def allow(action: str | list[str] = "dynamodb:GetItem", **more: object) -> dict[str, Any]:
    return {"Sid": "Given", "Effect": "Allow", "Action": action, "Resource": TABLE, **more}


@pytest.mark.parametrize("asked", RECORDED, ids=[each["label"] for each in RECORDED])
def test_the_verdict_is_that_of_another_evaluator(asked: dict[str, Any]) -> None:
    context = {
        key.lower(): tuple(found) if isinstance(found, list) else (found,) for key, found in asked["context"].items()
    }
    caller = Caller("arn:aws:sts::123456789012:assumed-role/R/s", ROLE, "123456789012")
    resource = policies(*asked.get("resource_policy", ()))
    need = Need(asked["action"], asked["resource"], context)
    assert VERDICTS[decide(caller, need, policies(*asked["identity"]), resource).outcome] == asked["verdict"]


def test_what_was_asked_before_is_judged_by_its_own_keys() -> None:
    given = policies(allow(Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["JOB#*"]}}))
    caller = role_session(ROLE, "f")

    def may(*keys: str) -> bool:
        return decide(caller, Need("dynamodb:GetItem", TABLE, {"dynamodb:leadingkeys": keys}), given).is_allowed

    assert [may("JOB#1"), may("KEY#1"), may("JOB#2"), may("JOB#1", "KEY#1"), may()] == [True, False, True, False, True]


def test_each_caller_has_its_own_part_of_a_bucket() -> None:
    own = policies(allow("s3:PutObject", Resource="arn:aws:s3:::inbox/requests/${aws:PrincipalTag/tenant}/*"))
    callers = [Caller("a", ROLE, context={"aws:principaltag/tenant": (name,)}) for name in ("one", "two")]
    need = Need("s3:PutObject", "arn:aws:s3:::inbox/requests/one/1.json")
    assert [decide(caller, need, own).is_allowed for caller in callers] == [True, False]


@pytest.mark.parametrize(("source", "is_allowed"), [(RULE, True), (f"{RULE}2", False)])
def test_a_service_may_do_what_the_resources_policy_says(source: str, is_allowed: bool) -> None:
    statement = allow(
        "sqs:SendMessage",
        Resource=QUEUE,
        Principal={"Service": "events.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": RULE}},
    )
    rule = service_of_aws("events.amazonaws.com", source)
    assert decide(rule, Need("sqs:SendMessage", QUEUE), Policies(), policies(statement)).is_allowed is is_allowed
    assert not decide(service_of_aws("sns.amazonaws.com", RULE), Need("sqs:SendMessage", QUEUE), Policies()).is_allowed


def test_a_refusal_is_told_in_the_words_of_aws() -> None:
    caller, need = role_session(ROLE, "submit"), Need("dynamodb:PutItem", TABLE)
    told = sentence(caller, need, decide(caller, need, policies(allow())))
    assert told == (
        "User: arn:aws:sts::123456789012:assumed-role/R/submit is not authorized to perform: dynamodb:PutItem on "
        f"resource: {TABLE} because no identity-based policy allows the dynamodb:PutItem action"
    )


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (allow(Condition={"StringAlike": {"s3:prefix": "a"}}), "StringAlike"),
        (allow(Condition={"StringEquals": {"aws:ViaAWSService": "a"}}), "aws:ViaAWSService"),
        (allow(Condition={"StringLike": {"dynamodb:LeadingKeys": "a"}}), "dynamodb:leadingkeys"),
        (allow(NotPrincipal={"AWS": "*"}), "NotPrincipal"),
    ],
)
def test_what_cannot_be_judged_is_refused_before_anything_runs(statement: dict[str, Any], named: str) -> None:
    with pytest.raises(UnsupportedTemplateError, match=named):
        policies(statement)


def test_loopback_counts_as_encrypted() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    over_tls = policies({**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    given = policies(allow("s3:GetObject", Resource="*"))
    assert decide(role_session(ROLE, "f"), Need("s3:GetObject", "arn:aws:s3:::b/k"), given, over_tls).is_allowed


def test_rights_to_a_key_of_the_operators_are_read_and_allow_nothing_else() -> None:
    via = {"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}
    (right,) = read_policy("p", {"Statement": [allow(["kms:Decrypt", "kms:GenerateDataKey"], Condition=via)]})
    assert right.is_about("kms:Decrypt")
    assert not right.is_about("dynamodb:GetItem")


@pytest.mark.parametrize("given", [{"Action": ["kms:Decrypt", "dynamodb:GetItem"]}, {"Effect": "Deny"}])
def test_the_service_that_uses_a_key_is_no_condition_of_anything_else(given: dict[str, Any]) -> None:
    via = {"StringEquals": {"kms:ViaService": "dynamodb.eu-west-1.amazonaws.com"}}
    with pytest.raises(UnsupportedTemplateError, match="kms:ViaService"):
        policies(allow("kms:Decrypt", Condition=via) | given)
