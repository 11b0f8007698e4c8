"""A service of AWS acts under a role only where the role's trust policy names it."""

from typing import Any

import pytest

from local.iam.statements import Policies, read_policy
from local.iam.trust import is_trusted

ROLE = "arn:aws:iam::123456789012:role/R"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:F"
NAMED = {"Effect": "Allow", "Principal": {"Service": ["lambda.amazonaws.com"]}, "Action": ["sts:AssumeRole"]}


@pytest.mark.parametrize(
    ("changes", "is_allowed"),
    [
        ({}, True),
        ({"Principal": {"Service": "states.amazonaws.com"}}, False),
        ({"Action": "sts:TagSession"}, False),
        ({"Effect": "Deny"}, False),
        ({"Condition": {"ArnLike": {"aws:SourceArn": f"{FUNCTION}*"}}}, True),
        ({"Condition": {"ArnEquals": {"aws:SourceArn": f"{FUNCTION}2"}}}, False),
    ],
)
def test_a_role_is_assumed_by_whom_it_trusts(changes: dict[str, Any], is_allowed: bool) -> None:
    policy = Policies(read_policy("trust", {"Statement": [{**NAMED, **changes}]}))
    assert is_trusted(policy, ROLE, "lambda.amazonaws.com", FUNCTION) is is_allowed
