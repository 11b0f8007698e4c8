"""Voices that providers named, in DynamoDB: `VOICES#<list>`/`VOICES`. Times are in ms since 1970."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.domain.catalogue.voices import FoundVoices, Voice
from fermata.domain.providers.queue import epoch_ms
from fermata.log import logger

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = "VOICES"


class DynamoVoiceStore:
    """`VoiceStore` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def load(self, voices: str) -> FoundVoices:
        """What a provider named last; nothing where the item is malformed, which the next list replaces."""
        with aws_errors("the voices could not be read"):
            item = plain(self._client.get_item(TableName=self._table, Key=_key(voices)).get("Item", {}))
        at = item.get("ask_again_at")
        try:
            due = None if at is None else datetime.fromtimestamp(int(at) / 1000, UTC)
            return FoundVoices.model_validate({"voices": item.get("voices", ()), "ask_again_at": due})
        except (ValidationError, TypeError, ValueError):
            logger.warning("an item VOICES is not as expected; its contents are ignored", extra={"voices": voices})
            return FoundVoices()

    def take_turn(self, voices: str, now: datetime, ask_again_at: datetime) -> bool:
        """Whether the caller is the one to ask, decided by one conditional write."""
        with aws_errors("the voices could not be written", CONDITION_FAILED):
            self._client.update_item(
                TableName=self._table,
                Key=_key(voices),
                UpdateExpression="SET ask_again_at = :later",
                ConditionExpression="attribute_not_exists(ask_again_at) OR ask_again_at <= :now",
                ExpressionAttributeValues=typed({":later": epoch_ms(ask_again_at), ":now": epoch_ms(now)}),
            )
            return True
        return False

    def save(self, voices: str, found: tuple[Voice, ...], ask_again_at: datetime) -> None:
        """Replace the voices."""
        listed = [voice.model_dump(mode="json", exclude_none=True) for voice in found]
        with aws_errors("the voices could not be written"):
            self._client.update_item(
                TableName=self._table,
                Key=_key(voices),
                UpdateExpression="SET voices = :voices, ask_again_at = :later",
                ExpressionAttributeValues=typed({":voices": listed, ":later": epoch_ms(ask_again_at)}),
            )


def _key(voices: str) -> dict[str, Any]:
    return typed({"pk": f"VOICES#{voices}", "sk": _SORT_KEY})
