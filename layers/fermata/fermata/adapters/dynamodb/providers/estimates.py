"""Latencies of the last songs in DynamoDB, in one item, `ESTIMATES`, for all models."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SongTime, SongTimes
from fermata.errors import TransientError
from fermata.log import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_AGE_S: Final = 30
_WRITE_TRIES: Final = 3
_KEY: Final = {"pk": {"S": "ESTIMATES"}, "sk": {"S": "ESTIMATES"}}


class DynamoEstimates:
    """`Estimates` over one item, cached for `MAX_AGE_S` seconds so that not every poll reads it."""

    def __init__(self, client: "DynamoDBClient", table: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._table = table
        self._monotonic = monotonic
        self._known = SongTimes()
        self._read_at: float | None = None

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        """The estimate from song times that are at most `MAX_AGE_S` seconds old, or from the last known ones where the
        item cannot be read.
        """
        now = self._monotonic()
        if self._read_at is None or now - self._read_at >= MAX_AGE_S:
            self._read_at = now
            try:
                self._known = _times_in(self._read(consistent=False))
            except TransientError as error:
                logger.warning("estimates not read; the last known are used", extra={"error": str(error)})
        return self._known.estimate(model_id, prior)

    def learn(self, model_id: str, song: SongTime) -> None:
        """Count one song, once. A failed write, or one that loses every race, is only logged."""
        try:
            item: Mapping[str, Any] | None = self._read(consistent=True)
            for _ in range(_WRITE_TRIES):
                item = self._counted(item or {}, model_id, song)
                if item is None:
                    return
        except TransientError as error:
            logger.warning("song time not counted", extra={"error": str(error)})
            return
        logger.warning("song time not counted", extra={"error": f"{_WRITE_TRIES} writes lost the race"})

    def _counted(self, item: Mapping[str, Any], model_id: str, song: SongTime) -> Mapping[str, Any] | None:
        """None where the song is counted, now or before; otherwise the item that another run wrote first."""
        times = _times_in(item)
        changed = times.with_song(model_id, song)
        return None if changed == times else self._replace(item, changed)

    def _replace(self, item: Mapping[str, Any], times: SongTimes) -> Mapping[str, Any] | None:
        version = item.get("version")
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if version is not None:
            values = typed({":before": version})
            condition = {"ConditionExpression": "version = :before", "ExpressionAttributeValues": values}
        fields = {"version": int(version or 0) + 1, **times.model_dump(mode="json")}
        row = {**_KEY, **typed(fields)}
        with aws_errors("the estimates could not be written", CONDITION_FAILED) as refusal:
            self._client.put_item(
                TableName=self._table, Item=row, ReturnValuesOnConditionCheckFailure="ALL_OLD", **condition
            )
            return None
        return plain(refusal.item)

    def _read(self, *, consistent: bool) -> dict[str, Any]:
        with aws_errors("the estimates could not be read"):
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=consistent)
        return plain(answer.get("Item", {}))


def _times_in(item: Mapping[str, Any]) -> SongTimes:
    """The times in an item; none where the item is malformed. The next song replaces a malformed item."""
    try:
        return SongTimes.model_validate({"models": item.get("models", {})})
    except ValidationError:
        logger.warning("the item ESTIMATES is not as expected; its contents are ignored")
        return SongTimes()
