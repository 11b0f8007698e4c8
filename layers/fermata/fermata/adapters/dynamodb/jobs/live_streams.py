"""Live songs in DynamoDB: the record at `LIVE#<sha256>`, and at `LIVE#<job id>` the hashes of a job's records, by which
they are deleted. The table's time to live deletes old ones.
"""

from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.reading import read
from fermata.domain.live.stream import LiveStream
from fermata.errors import StaleRecordError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = "STREAM"


class DynamoLiveStreams:
    """`LiveStreams` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def load(self, sha256: str) -> LiveStream | None:
        """The record, read consistently, or None."""
        key = typed({"pk": f"LIVE#{sha256}", "sk": _SORT_KEY})
        with aws_errors("the live song could not be read"):
            item = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else read(plain(item), LiveStream.model_validate)

    def save(self, stream: LiveStream) -> None:
        """Store version 1, or replace the previous version; raises `StaleRecordError` where another run wrote first."""
        if stream.version == 1:
            # First, because a record whose hash nobody knows could not be deleted.
            self._put(stream, {"pk": f"LIVE#{stream.job_id}", "sk": f"STREAM#{stream.attempt}"}, {})
            condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        else:
            before = typed({":before": stream.version - 1})
            condition = {"ConditionExpression": "version = :before", "ExpressionAttributeValues": before}
        self._put(stream, {"pk": f"LIVE#{stream.sha256}", "sk": _SORT_KEY}, condition)

    def forget(self, job_id: str) -> None:
        """Delete every record of a job."""
        with aws_errors("the live songs of a job could not be deleted; try again"):
            # A job has at most four attempts, so there is one page.
            found = self._client.query(
                TableName=self._table,
                ConsistentRead=True,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=typed({":pk": f"LIVE#{job_id}"}),
            )
            for item in map(plain, found["Items"]):
                for key in ({"pk": f"LIVE#{item['sha256']}", "sk": _SORT_KEY}, {"pk": item["pk"], "sk": item["sk"]}):
                    self._client.delete_item(TableName=self._table, Key=typed(key))

    def _put(self, stream: LiveStream, key: dict[str, str], condition: dict[str, Any]) -> None:
        item = typed({**key, "ttl": int(stream.expires_at.timestamp()), **stream.model_dump(mode="json")})
        stale = StaleRecordError("the live song's record changed since it was read; read it again")
        with aws_errors("the live song could not be written", means={CONDITION_FAILED: stale}):
            self._client.put_item(TableName=self._table, Item=item, **condition)
