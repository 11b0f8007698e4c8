"""AWS clients, built once on first use, with explicit timeouts and one owner of retries: the SDK's standard mode."""

from functools import lru_cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient


def _config(read_timeout_s: int, connect_timeout_s: int = 3, attempts: int = 4) -> Config:
    return Config(
        connect_timeout=connect_timeout_s,
        read_timeout=read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=10,
    )


@lru_cache(maxsize=1)
def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client."""
    return boto3.client("dynamodb", config=_config(5))


@lru_cache(maxsize=1)
def low_latency_dynamodb() -> "DynamoDBClient":
    """A DynamoDB client that gives up after about a second, for optional writes while a caller waits."""
    return boto3.client("dynamodb", config=_config(1, connect_timeout_s=1, attempts=1))


@lru_cache(maxsize=1)
def s3() -> "S3Client":
    """The S3 client. It signs links with Signature Version 4 for the regional host name, because S3 redirects the
    global name of a new bucket, and a redirect invalidates the signature.
    """
    signing = Config(
        signature_version="s3v4", s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"}
    )
    return boto3.client("s3", config=_config(30).merge(signing))


@lru_cache(maxsize=1)
def secretsmanager() -> "SecretsManagerClient":
    """The Secrets Manager client."""
    return boto3.client("secretsmanager", config=_config(5))


@lru_cache(maxsize=1)
def ssm() -> "SSMClient":
    """The Systems Manager client."""
    return boto3.client("ssm", config=_config(5))


@lru_cache(maxsize=1)
def events() -> "EventBridgeClient":
    """The EventBridge client."""
    return boto3.client("events", config=_config(5))


@lru_cache(maxsize=1)
def stepfunctions() -> "SFNClient":
    """The Step Functions client."""
    return boto3.client("stepfunctions", config=_config(5))
