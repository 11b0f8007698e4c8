"""Callbacks in DynamoDB (`CALLBACK#<sha256>`); the table's time to live deletes expired ones."""

from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.reading import read
from fermata.domain.providers.callbacks import Callback
from fermata.errors import StaleRecordError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = "CALLBACK"


class DynamoCallbackStore:
    """`CallbackStore` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def create(self, callback: Callback) -> None:
        """Store a new callback; raises `StaleRecordError` where its hash exists."""
        self._put(callback, {"ConditionExpression": "attribute_not_exists(pk)"})

    def load(self, sha256: str) -> Callback | None:
        """The callback, read consistently, or None."""
        key = typed({"pk": f"CALLBACK#{sha256}", "sk": _SORT_KEY})
        with aws_errors("the callback could not be read"):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if item is None:
            return None
        return read(plain(item), Callback.model_validate)

    def save(self, callback: Callback) -> None:
        """Replace the previous version; raises `StaleRecordError` where another run wrote first."""
        before = typed({":before": callback.version - 1})
        self._put(callback, {"ConditionExpression": "version = :before", "ExpressionAttributeValues": before})

    def _put(self, callback: Callback, condition: dict[str, Any]) -> None:
        keys = {"pk": f"CALLBACK#{callback.sha256}", "sk": _SORT_KEY, "ttl": int(callback.expires_at.timestamp())}
        item = typed({**keys, **callback.model_dump(mode="json")})
        stale = StaleRecordError("the callback's record changed since it was read; read it again")
        with aws_errors("the callback could not be written", means={CONDITION_FAILED: stale}):
            self._client.put_item(TableName=self._table, Item=item, **condition)
