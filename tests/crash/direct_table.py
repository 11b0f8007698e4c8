"""DynamoDB without its wire: the SDK's calls go to moto's own handlers, not through signed and parsed HTTP.

The emulator answers as ever; leaving out what lies between makes a run take half of the time.
"""

import json
from typing import Any, Final

from botocore.client import BaseClient

from local.deployment import ACCOUNT_ID, REGION

_METHODS: Final = {
    "GetItem": "get_item",
    "BatchGetItem": "batch_get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
}


def answers(operation: str) -> bool:
    """Whether an operation of DynamoDB is answered here."""
    return operation in _METHODS


def call(client: BaseClient, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    """What the SDK would return; raises what it would raise."""
    from moto.core.exceptions import JsonRESTError
    from moto.dynamodb.models.utilities import dynamo_json_dump
    from moto.dynamodb.responses import DynamoHandler

    handler = DynamoHandler()
    handler.current_account, handler.region, handler.headers = ACCOUNT_ID, REGION, {}
    # A copy, because the emulator keeps what it is given.
    handler.body = handler.params = json.loads(json.dumps(params))
    try:
        result = getattr(handler, _METHODS[operation])()
    except JsonRESTError as error:
        said = json.loads(error.description)
        message = said.pop("Message", None) or said.pop("message", "")
        code = str(said.pop("__type")).rpartition("#")[2]
        parsed: Any = {**said, "Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        refused: Any = client.exceptions.from_code(code)
        raise refused(parsed, operation) from error
    answer: dict[str, Any] = json.loads(dynamo_json_dump(result.result))
    return {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
