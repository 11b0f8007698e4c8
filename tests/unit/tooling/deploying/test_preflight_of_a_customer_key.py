"""A key that cannot encrypt the stack's data is refused before the deployment."""

from types import SimpleNamespace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from tooling.preflight.__main__ import preflight
from tooling.preflight.customer_key import customer_key_findings
from tooling.preflight.findings import Finding, Weight, fine, refused, unknown

REGION: Final = "eu-west-1"
KEY: Final = f"arn:aws:kms:{REGION}:123456789012:key/11111111-2222-3333-4444-555555555555"
NOTHING: Final[dict[str, Any]] = {}
"""An account that may not be asked anything."""
GOOD: Final = {"KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}


def _asked(**differing: str) -> list[Finding]:
    kms = SimpleNamespace(describe_key=lambda **_: {"KeyMetadata": GOOD | differing})
    return customer_key_findings({"kms": kms}.__getitem__, KEY, REGION)


def _failing(code: str) -> Any:  # noqa: ANN401 - a client of boto3
    def fails(**_: str) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "DescribeKey")

    return SimpleNamespace(describe_key=fails)


def test_an_enabled_symmetric_key_of_this_region_is_fine() -> None:
    said = f"the key {KEY} is enabled and symmetric; docs/operations.md has the policy that it needs"
    assert _asked() == [fine(said)]


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"KeyState": "Disabled"}, "the key is Disabled; expected Enabled"),
        ({"KeyState": "PendingDeletion"}, "the key is PendingDeletion; expected Enabled"),
        ({"KeySpec": "RSA_2048"}, "the key is for ENCRYPT_DECRYPT with RSA_2048; expected ENCRYPT_DECRYPT, symmetric"),
        (
            {"KeyUsage": "GENERATE_VERIFY_MAC", "KeySpec": "HMAC_256"},
            "the key is for GENERATE_VERIFY_MAC with HMAC_256; expected ENCRYPT_DECRYPT, symmetric",
        ),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused(differing: dict[str, str], why: str) -> None:
    assert _asked(**differing) == [refused(f"KmsKeyArn: {why}")]


def test_a_key_of_another_region_is_refused_without_asking() -> None:
    said = f"KmsKeyArn: the key is in {REGION}; expected one in eu-central-1, where the stack is"
    assert customer_key_findings(NOTHING.__getitem__, KEY, "eu-central-1") == [refused(said)]


def test_a_key_that_is_not_there_is_refused() -> None:
    client_of = {"kms": _failing("NotFoundException")}.__getitem__
    assert customer_key_findings(client_of, KEY, REGION) == [refused(f"KmsKeyArn: there is no key {KEY}")]


def test_an_operator_without_the_right_is_told_which_one_is_missing() -> None:
    client_of = {"kms": _failing("AccessDeniedException")}.__getitem__
    said = f"the key {KEY}: these credentials lack kms:DescribeKey; have it allowed, then ask again"
    assert customer_key_findings(client_of, KEY, REGION) == [unknown(said)]


def test_any_other_error_leaves_it_unknown() -> None:
    (found,) = customer_key_findings({"kms": _failing("KMSInternalException")}.__getitem__, KEY, REGION)
    assert found.weight is Weight.UNKNOWN


def test_without_the_parameter_nothing_is_asked() -> None:
    assert customer_key_findings(NOTHING.__getitem__, "", REGION) == []


def test_the_parameter_is_asked_for_with_everything_else() -> None:
    limits = {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}}
    others = SimpleNamespace(
        get_account_settings=lambda: limits,
        list_service_quotas=lambda **_: {"Quotas": []},
        get_caller_identity=lambda: {"Arn": "arn:aws:iam::123456789012:user/o", "Account": "123456789012"},
    )
    asked = {"sts": others, "lambda": others, "service-quotas": others, "kms": _failing("NotFoundException")}
    found = preflight({"KmsKeyArn": KEY}, asked.__getitem__, REGION, lambda: "SAM CLI, version 99.0.0")
    assert refused(f"KmsKeyArn: there is no key {KEY}") in found
