"""Latencies of the last songs in DynamoDB: one item per model, `ESTIMATES`/`MODEL#<id>`.

Releases before kept all models in one item, `ESTIMATES`/`ESTIMATES`. A model without an item of its own begins with its
songs in that one, which no release writes any more.
"""

import time
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SONGS_KEPT, SongTime, SongTimes
from fermata.errors import TransientError
from fermata.log import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_AGE_S: Final = 30
MODELS_CACHED: Final = 256
"""Callers choose the names of a family's models, so a function must not remember all of them."""
_KEPT_FOR_S: Final = 90 * 24 * 3600
_AT_MOST_EVERY_MS: Final = 1000
"""A model with all its songs on record learns one a second at most, however many it delivers."""
_WRITE_TRIES: Final = 3
_KEYS_AT_ONCE: Final = 100
_NAME: Final = "ESTIMATES"
_FORMER: Final = {"pk": {"S": _NAME}, "sk": {"S": _NAME}}


class DynamoEstimates:
    """`Estimates` over one item per model, cached for `MAX_AGE_S` seconds so that not every poll reads it."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._table = table
        self._monotonic = monotonic
        self._now = now
        self._known: dict[str, SongTimes] = {}
        self._read_at: dict[str, float] = {}
        self._former: SongTimes | None = None

    def of(self, model_id: str, prior: Estimate) -> Estimate:
        """The estimate from song times that are at most `MAX_AGE_S` seconds old, or from the last known ones where the
        item cannot be read.
        """
        self.read_ahead([model_id])
        return self._known.get(model_id, SongTimes()).estimate(model_id, prior)

    def read_ahead(self, model_ids: Collection[str]) -> None:
        """Read the models that are not cached, up to 100 in one request."""
        now = self._monotonic()
        due = [each for each in model_ids if now - self._read_at.get(each, now - MAX_AGE_S) >= MAX_AGE_S]
        for first in range(0, len(due), _KEYS_AT_ONCE):
            self._read_some(due[first : first + _KEYS_AT_ONCE], now)

    def learn(self, model_id: str, song: SongTime) -> None:
        """Count one song, once. A failed write, or one that loses every race, is only logged. One that comes within a
        second of another is left out where the model has all its songs on record.
        """
        try:
            item: Mapping[str, Any] | None = self._get(_key(model_id), consistent=True)
            for _ in range(_WRITE_TRIES):
                item = self._counted(item or {}, model_id, song)
                if item is None:
                    return
        except TransientError as error:
            logger.warning("song time not counted", extra={"error": str(error)})
            return
        logger.warning("song time not counted", extra={"error": f"{_WRITE_TRIES} writes lost the race"})

    def _read_some(self, model_ids: list[str], now: float) -> None:
        if len(self._read_at) + len(model_ids) > MODELS_CACHED:
            self._read_at.clear()
            self._known.clear()
        self._read_at.update(dict.fromkeys(model_ids, now))
        try:
            found = self._items(model_ids)
            for model_id in model_ids:
                self._known[model_id] = self._times_in(found.get(model_id, {}), model_id)
        except TransientError as error:
            logger.warning("estimates not read; the last known are used", extra={"error": str(error)})

    def _items(self, model_ids: list[str]) -> dict[str, dict[str, Any]]:
        """The items by model id, perhaps a second old. One that DynamoDB leaves out counts as absent until the next
        read.
        """
        if len(model_ids) == 1:
            return {model_ids[0]: self._get(_key(model_ids[0]), consistent=False)}
        request: Any = {self._table: {"Keys": [_key(each) for each in model_ids]}}
        with aws_errors("the estimates could not be read"):
            answer = self._client.batch_get_item(RequestItems=request)
        items = [plain(item) for item in answer["Responses"].get(self._table, [])]
        return {item["sk"].removeprefix("MODEL#"): item for item in items}

    def _times_in(self, item: Mapping[str, Any], model_id: str) -> SongTimes:
        """The times in a model's item, or else in the item of earlier releases; none where the item is malformed. The
        next song replaces a malformed item.
        """
        if not item:
            former = self._former_times().models.get(model_id)
            return SongTimes() if former is None else SongTimes(models={model_id: former})
        return _parsed({model_id: item.get("songs")})

    def _former_times(self) -> SongTimes:
        if self._former is None:
            self._former = _parsed(self._get(_FORMER, consistent=False).get("models", {}))
        return self._former

    def _counted(self, item: Mapping[str, Any], model_id: str, song: SongTime) -> Mapping[str, Any] | None:
        """None where the song is counted, now or before, or left out; otherwise the item that another run wrote
        first.
        """
        times, now_ms = self._times_in(item, model_id), int(self._now() * 1000)
        changed = times.with_song(model_id, song)
        if changed == times or (_is_full(times, model_id) and 0 <= now_ms - _learned_ms(item) < _AT_MOST_EVERY_MS):
            return None
        return self._replace(item, model_id, changed, now_ms)

    def _replace(
        self, item: Mapping[str, Any], model_id: str, times: SongTimes, now_ms: int
    ) -> Mapping[str, Any] | None:
        version = item.get("version")
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(version)"}
        if version is not None:
            values = typed({":before": version})
            condition = {"ConditionExpression": "version = :before", "ExpressionAttributeValues": values}
        songs = times.model_dump(mode="json")["models"][model_id]
        ttl = now_ms // 1000 + _KEPT_FOR_S
        fields = {"version": int(version or 0) + 1, "songs": songs, "learned_ms": now_ms, "ttl": ttl}
        with aws_errors("the estimates could not be written", CONDITION_FAILED) as refusal:
            self._client.put_item(
                TableName=self._table,
                Item={**_key(model_id), **typed(fields)},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **condition,
            )
            return None
        return plain(refusal.item)

    def _get(self, key: dict[str, Any], *, consistent: bool) -> dict[str, Any]:
        with aws_errors("the estimates could not be read"):
            answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=consistent)
        return plain(answer.get("Item", {}))


def _key(model_id: str) -> dict[str, Any]:
    return {"pk": {"S": _NAME}, "sk": {"S": f"MODEL#{model_id}"}}


def _is_full(times: SongTimes, model_id: str) -> bool:
    return len(times.models.get(model_id, ())) >= SONGS_KEPT


def _learned_ms(item: Mapping[str, Any]) -> int:
    learned_ms = item.get("learned_ms")
    return int(learned_ms) if isinstance(learned_ms, Decimal) else 0


def _parsed(models: object) -> SongTimes:
    try:
        return SongTimes.model_validate({"models": models})
    except ValidationError:
        logger.warning("an item ESTIMATES is not as expected; its contents are ignored")
        return SongTimes()
