"""DynamoDB without its wire: the SDK's calls go to moto's own handlers, not through signed and parsed HTTP.

The emulator answers as ever; leaving out what lies between makes a run take less than half of the time.
"""

import json
from typing import TYPE_CHECKING, Any, Final, cast

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from local.deploy.deployment import ACCOUNT_ID, REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_METHODS: Final = {
    "GetItem": "get_item",
    "BatchGetItem": "batch_get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
}
_OPERATIONS: Final = {method: operation for operation, method in _METHODS.items()}


def answers(operation: str) -> bool:
    """Whether an operation of DynamoDB is answered here."""
    return operation in _METHODS


def call(client: BaseClient, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the SDK would return; raises what it would raise."""
    try:
        return answer(operation, params, client.meta.region_name)
    except ClientError as error:
        refused: Any = client.exceptions.from_code(error.response["Error"]["Code"])
        raise refused(error.response, operation) from error


def answer(operation: str, params: dict[str, Any], region: str = REGION) -> dict[str, Any]:
    """What DynamoDB answers; raises `ClientError`."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodb.models.utilities import dynamo_json_dump
    from moto.dynamodb.responses import DynamoHandler

    handler = DynamoHandler()
    handler.current_account, handler.region, handler.headers = ACCOUNT_ID, region, {}
    # A copy, because the emulator keeps what it is given.
    handler.body = handler.params = json.loads(json.dumps(params))
    try:
        result = getattr(handler, _METHODS[operation])()
    except JsonRESTError as error:
        said = json.loads(error.description)
        message = said.pop("Message", None) or said.pop("message", "")
        code = str(said.pop("__type")).rpartition("#")[2]
        parsed: Any = {**said, "Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(parsed, operation) from error
    answered: dict[str, Any] = json.loads(dynamo_json_dump(result.result))
    return {**answered, "ResponseMetadata": {"HTTPStatusCode": 200}}


class _DirectClient:
    """A client of DynamoDB whose calls take the short way; the rest is the client's."""

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a client has
        operation = _OPERATIONS.get(name)
        if operation is None:
            return getattr(self._client, name)
        return lambda **params: call(self._client, operation, params)


def directly(client: "DynamoDBClient") -> "DynamoDBClient":
    """The same client, without the wire."""
    return cast("DynamoDBClient", _DirectClient(cast("BaseClient", client)))


def empty(client: "DynamoDBClient", table: str) -> None:
    """Forget every item of a table, which is much quicker than to make it anew."""
    from moto.dynamodb.models import dynamodb_backends

    dynamodb_backends[ACCOUNT_ID][client.meta.region_name].tables[table].items.clear()
