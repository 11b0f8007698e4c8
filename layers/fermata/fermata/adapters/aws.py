"""AWS clients, built at their first call, with explicit timeouts and one owner of retries: the SDK's standard mode.

They are botocore's own, which boto3 hands out as well. Importing boto3 takes as long as building a client, most of it
for resources and transfers, which one function alone uses. A client that a run never calls is never built.
"""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.config import Config
    from botocore.session import Session
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

    from fermata.adapters.dynamodb.wire import Wire


class _AtFirstCall:
    """A client of a service that is built when one of its attributes is asked for."""

    def __init__(self, service: str, config: Callable[[], "Config"]) -> None:
        self._service = service
        self._config = config

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the client has
        if name == "_client":
            self._client = _session().create_client(self._service, config=self._config())
            return self._client
        found = getattr(self._client, name)
        # Kept, so that further calls do not come by here.
        self.__dict__[name] = found
        return found


class _S3AtFirstCall(_AtFirstCall):
    """The S3 client with the one transfer of boto3's that is used, which is imported for it alone."""

    def upload_fileobj(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - as boto3 has it
        from boto3.s3.inject import upload_fileobj

        upload_fileobj(self._client, *arguments, **options)


@lru_cache(maxsize=1)
def _own_session() -> "Session":
    from botocore.session import get_session

    return get_session()


def _session() -> "Session":
    # boto3's, where a process that this one was forked from has read the services into it.
    boto3 = sys.modules.get("boto3")
    shared = boto3 and boto3.DEFAULT_SESSION
    return shared._session if shared else _own_session()  # noqa: SLF001 - boto3 has no other way to it


def _config(
    read_timeout_s: int, connect_timeout_s: int = 3, attempts: int = 4, **more: str | Mapping[str, str | bool]
) -> Callable[[], "Config"]:
    def made() -> "Config":
        from botocore.config import Config

        return Config(
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=10,
            **more,  # type: ignore[arg-type] # of S3 alone
        )

    return made


def _client(service: str, config: Callable[[], "Config"]) -> Any:  # noqa: ANN401 - the name decides the type
    return _AtFirstCall(service, config)


def _s3_client(config: Callable[[], "Config"]) -> Any:  # noqa: ANN401 - as above
    return _S3AtFirstCall("s3", config)


def _dynamodb(read_timeout_s: int, connect_timeout_s: int = 3, attempts: int = 4) -> Any:  # noqa: ANN401 - of a part
    from fermata.adapters.dynamodb.client import DynamoClient
    from fermata.adapters.dynamodb.retries import Retries

    def connections() -> "Wire":
        from fermata.adapters.dynamodb.wire import Wire
        from fermata.adapters.wire.answer import Times

        return Wire(Times(connect_timeout_s, read_timeout_s))

    return DynamoClient(connections, Retries(attempts))


@lru_cache(maxsize=1)
def dynamodb() -> "DynamoDBClient":
    """The client of DynamoDB, with the operations of boto3's that functions call and no other attribute."""
    client: DynamoDBClient = _dynamodb(5)
    return client


@lru_cache(maxsize=1)
def low_latency_dynamodb() -> "DynamoDBClient":
    """A DynamoDB client that gives up after about a second, for optional writes while a caller waits."""
    client: DynamoDBClient = _dynamodb(1, connect_timeout_s=1, attempts=1)
    return client


@lru_cache(maxsize=1)
def s3() -> "S3Client":
    """The S3 client. It signs links with Signature Version 4 for the regional host name, because S3 redirects the
    global name of a new bucket, and a redirect invalidates the signature. A body's SHA-256 is not made for the
    signature: its checksum is among the signed headers, and S3 compares it.
    """
    settings: dict[str, str | bool] = {
        "addressing_style": "virtual",
        "us_east_1_regional_endpoint": "regional",
        "payload_signing_enabled": False,
    }
    client: S3Client = _s3_client(_config(30, signature_version="s3v4", s3=settings))
    return client


@lru_cache(maxsize=1)
def secretsmanager() -> "SecretsManagerClient":
    """The Secrets Manager client."""
    client: SecretsManagerClient = _client("secretsmanager", _config(5))
    return client


@lru_cache(maxsize=1)
def ssm() -> "SSMClient":
    """The Systems Manager client."""
    client: SSMClient = _client("ssm", _config(5))
    return client


@lru_cache(maxsize=1)
def events() -> "EventBridgeClient":
    """The EventBridge client."""
    client: EventBridgeClient = _client("events", _config(5))
    return client


@lru_cache(maxsize=1)
def stepfunctions() -> "SFNClient":
    """The Step Functions client."""
    client: SFNClient = _client("stepfunctions", _config(5))
    return client
