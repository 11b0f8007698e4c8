"""Provider records in DynamoDB: `PROVIDER#<id>`/`STATE` with a version, the record as JSON text, and a set of the slots
that were given back since.

Text and not a map, because no query looks inside, and hundreds of nested numbers take DynamoDB's own form long to read.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from fermata.adapters.dynamo_items import error_code
from fermata.domain.provider_state import GivenBack, ProviderState
from fermata.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = {"S": "STATE"}


class DynamoProviderStates:
    """`ProviderStates` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def load(self, provider: str) -> ProviderState:
        """The provider's record, read consistently."""
        try:
            answer = self._client.get_item(TableName=self._table, Key=_key(provider), ConsistentRead=True)
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the record of {provider} could not be read: {error_code(error)}") from error
        return _state(provider, answer.get("Item"))

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        """The records by provider; one that the table does not hand out counts as fresh."""
        keys = [_key(provider) for provider in providers]
        try:
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the records of the providers could not be read: {error_code(error)}") from error
        items = {item["pk"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        return {provider: _state(provider, items.get(_key(provider)["pk"]["S"])) for provider in providers}

    def save(self, state: ProviderState) -> ProviderState:
        """Replace the version before this one, or give back the other that stands in its place.

        The refusal brings the other along, so that a lost race costs no second read.
        """
        values: dict[str, Any] = {
            ":version": {"N": str(state.version)},
            ":state": {"S": state.model_dump_json(exclude_defaults=True)},
            **({":before": {"N": str(state.version - 1)}} if state.version > 1 else {}),
            **({":taken_in": {"SS": [_text(slot) for slot in state.given_back]}} if state.given_back else {}),
        }
        taking_in = " DELETE given_back :taken_in" if state.given_back else ""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(state.provider),
                UpdateExpression=f"SET version = :version, #state = :state{taking_in}",
                ConditionExpression="version = :before" if state.version > 1 else "attribute_not_exists(version)",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as error:
            other: Any = error.response.get("Item")
            return _state(state.provider, other)
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the record of {state.provider} could not be written: {error_code(error)}") from error
        return state.model_copy(update={"given_back": frozenset()})

    def give_back(self, provider: str, slot: GivenBack) -> None:
        """Add to a set beside the record, which needs no version; the next write takes it in."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(provider),
                UpdateExpression="ADD given_back :slot",
                ExpressionAttributeValues={":slot": {"SS": [_text(slot)]}},
            )
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the record of {provider} could not be written: {error_code(error)}") from error


def _key(provider: str) -> dict[str, Any]:
    return {"pk": {"S": f"PROVIDER#{provider}"}, "sk": _SORT_KEY}


def _state(provider: str, item: Mapping[str, Any] | None) -> ProviderState:
    # A slot can be given back before anything else was written.
    if not item or "state" not in item:
        return ProviderState(provider=provider)
    state = ProviderState.model_validate_json(item["state"]["S"])
    return state.with_given_back(_slot(text) for text in item.get("given_back", {"SS": []})["SS"])


def _text(slot: GivenBack) -> str:
    return f"{'' if slot.took_ms is None else slot.took_ms} {slot.ticket}"


def _slot(text: str) -> GivenBack:
    took_ms, _, ticket = text.partition(" ")
    return GivenBack(ticket, int(took_ms) if took_ms else None)
