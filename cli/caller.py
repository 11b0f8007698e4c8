"""Who gives a command, as AWS knows the credentials that it is given with."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


def caller_of(sts: Any) -> str | None:  # noqa: ANN401 - a boto3 client, which the stubs know for few services
    """Return the ARN of the caller, or None where AWS does not say. It is a claim to the function, which an invocation
    does not tell who invokes it.
    """
    try:
        return str(sts.get_caller_identity()["Arn"])
    except (BotoCoreError, ClientError):
        return None
