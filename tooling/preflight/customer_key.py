"""Asks for the key that KmsKeyArn names."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from tooling.preflight.account import ClientOf, NotAllowedError, allowed
from tooling.preflight.findings import Finding, fine, refused, unknown

_GONE: Final = "NotFoundException"


def customer_key_findings(client_of: ClientOf, arn: str, region: str | None) -> list[Finding]:
    """Whether the key is in this region, exists, is enabled and encrypts data symmetrically. Nothing where none is
    named. What the key's policy allows is not asked.
    """
    if not arn:
        return []
    lies_in = arn.split(":")[3]
    if lies_in != region:
        return [refused(f"KmsKeyArn: the key is in {lies_in}; expected one in {region}, where the stack is")]
    try:
        key = allowed("kms:DescribeKey", client_of("kms").describe_key, KeyId=arn)["KeyMetadata"]
    except (NotAllowedError, BotoCoreError) as error:
        return [unknown(f"the key {arn}: {error}")]
    except ClientError as error:
        if error.response["Error"]["Code"] == _GONE:
            return [refused(f"KmsKeyArn: there is no key {arn}")]
        return [unknown(f"the key {arn}: {error}")]
    return [_finding(arn, key)]


def _finding(arn: str, key: Mapping[str, Any]) -> Finding:
    if key["KeyState"] != "Enabled":
        return refused(f"KmsKeyArn: the key is {key['KeyState']}; expected Enabled")
    kind = (key["KeyUsage"], key["KeySpec"])
    if kind != ("ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"):
        return refused(f"KmsKeyArn: the key is for {kind[0]} with {kind[1]}; expected ENCRYPT_DECRYPT, symmetric")
    return fine(f"the key {arn} is enabled and symmetric; docs/operations.md has the policy that it needs")
