"""Provider records in DynamoDB: `PROVIDER#<id>`/`STATE` holds a version, the record as JSON text, and the slots that
runs took and gave back since the last version.

The record is text and not a map, because no query reads inside it, and parsing hundreds of nested numbers in DynamoDB's
typed form is slow.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.reading import read_as, read_or
from fermata.domain.providers.queue import Lease, Limits
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, StartAt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SORT_KEY: Final = {"S": "STATE"}


class DynamoProviderStates:
    """`ProviderStates` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def load(self, provider: str) -> ProviderState:
        """The provider's record, read consistently; raises `UnreadableRecordError`, and orders wait meanwhile."""
        with aws_errors(f"the record of {provider} could not be read"):
            answer = self._client.get_item(TableName=self._table, Key=_key(provider), ConsistentRead=True)
        return _state(provider, answer.get("Item"))

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        """The records by provider, read eventually consistently; a missing or unreadable one is a new one, because a
        view of one provider must not hide the others.
        """
        keys = [_key(provider) for provider in providers]
        with aws_errors("the records of the providers could not be read"):
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        items = {item["pk"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        return {provider: _state_or_new(provider, items.get(_key(provider)["pk"]["S"])) for provider in providers}

    def save(self, state: ProviderState) -> ProviderState:
        """Replace the previous version; returns the written record, or the current one where another run wrote first.

        The refusal contains the current record, so a lost race costs no second read.
        """
        values: dict[str, Any] = {
            ":version": {"N": str(state.version)},
            ":state": {"S": state.model_dump_json(by_alias=True, exclude_defaults=True)},
            ":open_slots": {"N": str(state.open_slots)},
            ":open_for": {"S": _limits_text(state.limits)},
            ":next_go_ms": {"N": str(state.queue.next_go_ms)},
            ":none": {"M": {}},
            **({":before": {"N": str(state.version - 1)}} if state.version > 1 else {}),
            **({":left": {"N": str(state.slots_left)}} if state.slots_left is not None else {}),
            **({":taken_in": {"SS": [_slot_text(slot) for slot in state.given_back]}} if state.given_back else {}),
        }
        merge = " DELETE given_back :taken_in" if state.given_back else ""
        same_version = "version = :before" if state.version > 1 else "attribute_not_exists(version)"
        # `take` decrements this number without a new version.
        same_slots = "open_slots = :left" if state.slots_left is not None else "attribute_not_exists(open_slots)"
        with aws_errors(f"the record of {state.provider} could not be written", CONDITION_FAILED) as refusal:
            self._client.update_item(
                TableName=self._table,
                Key=_key(state.provider),
                UpdateExpression="SET version = :version, #state = :state, open_slots = :open_slots, "
                f"open_for = :open_for, next_go_ms = :next_go_ms, taken = :none{merge}",
                ConditionExpression=f"{same_version} AND {same_slots}",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return state.written()
        return _state(state.provider, refusal.item)

    def take(self, provider: str, ticket: str, lease: Lease, limits: Limits) -> StartAt | ProviderState:
        """Take an open slot and store its lease beside the record; returns the start time, or the record where that is
        not possible now.
        """
        now = lease.since_ms
        start = self._take(provider, ticket, lease, limits, ":now", "next_go_ms <= :now")
        if isinstance(start, StartAt) or not now < start.queue.next_go_ms <= now + AHEAD_MS or not start.slots_left:
            return start
        return self._take(provider, ticket, lease, limits, "next_go_ms", "next_go_ms BETWEEN :now AND :ahead")

    def _take(
        self, provider: str, ticket: str, lease: Lease, limits: Limits, start: str, condition: str
    ) -> StartAt | ProviderState:
        values: dict[str, Any] = {
            ":now": {"N": str(lease.since_ms)},
            ":ahead": {"N": str(lease.since_ms + AHEAD_MS)},
            ":gap": {"N": str(limits.gap_ms)},
            ":one": {"N": "1"},
            ":limits": {"S": _limits_text(limits)},
            ":lease": {"S": f"{lease.since_ms} {lease.until_ms}"},
            ":left": {"S": _slot_text(GivenBack(ticket, None))},
        }
        used = {name: value for name, value in values.items() if name != ":ahead" or name in condition}
        with aws_errors(f"the record of {provider} could not be written", CONDITION_FAILED) as refusal:
            answer = self._client.update_item(
                TableName=self._table,
                Key=_key(provider),
                UpdateExpression=f"SET taken.#ticket = :lease, open_slots = open_slots - :one, "
                f"next_go_ms = {start} + :gap",
                # A slot that this ticket gave back is still to be merged, and merging would remove the new lease.
                ConditionExpression=f"open_slots >= :one AND open_for = :limits AND {condition} "
                "AND attribute_not_exists(taken.#ticket) AND NOT contains(given_back, :left)",
                ExpressionAttributeNames={"#ticket": ticket},
                ExpressionAttributeValues=used,
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return StartAt(int(answer["Attributes"]["next_go_ms"]["N"]) - limits.gap_ms)
        return _state(provider, refusal.item)

    def give_back(self, provider: str, slot: GivenBack) -> None:
        """Add a slot to the set beside the record, without a new version; the next `save` merges it."""
        with aws_errors(f"the record of {provider} could not be written"):
            self._client.update_item(
                TableName=self._table,
                Key=_key(provider),
                UpdateExpression="ADD given_back :slot",
                ExpressionAttributeValues={":slot": {"SS": [_slot_text(slot)]}},
            )


def _key(provider: str) -> dict[str, Any]:
    return {"pk": {"S": f"PROVIDER#{provider}"}, "sk": _SORT_KEY}


def _state(provider: str, item: Mapping[str, Any] | None) -> ProviderState:
    # A slot can be given back before the first record is written.
    if not item or "state" not in item:
        return ProviderState(provider=provider)
    return read_as(f"PROVIDER#{provider}/STATE", item, _parsed)


def _state_or_new(provider: str, item: Mapping[str, Any] | None) -> ProviderState:
    return read_or(ProviderState(provider=provider), lambda: _state(provider, item))


def _parsed(item: Mapping[str, Any]) -> ProviderState:
    state = ProviderState.model_validate_json(item["state"]["S"])
    if "open_slots" in item:
        leases = {ticket: _lease(lease["S"]) for ticket, lease in item["taken"]["M"].items()}
        state = state.with_taken(leases, int(item["next_go_ms"]["N"]), int(item["open_slots"]["N"]))
    return state.with_given_back(_slot(text) for text in item.get("given_back", {"SS": []})["SS"])


def _slot_text(slot: GivenBack) -> str:
    return f"{'' if slot.took_ms is None else slot.took_ms} {slot.ticket}"


def _lease(text: str) -> Lease:
    since_ms, _, until_ms = text.partition(" ")
    return Lease(int(since_ms), int(until_ms))


def _limits_text(limits: Limits | None) -> str:
    return f"{limits.gap_ms} {limits.concurrent}" if limits else ""


def _slot(text: str) -> GivenBack:
    took_ms, _, ticket = text.partition(" ")
    return GivenBack(ticket, int(took_ms) if took_ms else None)
