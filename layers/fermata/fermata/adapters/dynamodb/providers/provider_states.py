"""What runs share of a provider, in DynamoDB, in items that no two jobs have to write at the same time, but one.

- `PROVIDER#<id>`/`STATE`: a version and the circuit as JSON text, written when the circuit changes.
- `PROVIDER#<id>#QUEUE`/`NEXT`: the next start, a counter of one unit. Each start moves it, under a condition.
- `PROVIDER#<id>#QUEUE`/`PLACE#<ticket>`: the place of one job that waits, written by that job alone.
- `PROVIDER#<id>#SLOTS#<lane>`/<number>: one slot with its lease, taken under a condition. A lane holds 100 slots, so
  that one query shows which are free.

Reads of queue and slots may be a second old: each write has a condition of its own, or concerns its own job alone.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.reading import read_as, read_or
from fermata.domain.providers.queue import Lease, Limits, ProviderQueue, Reservation
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, Slots, StartAt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LANE: Final = 100
"""Slots in one lane: 600 writes a second at 300 starts, of the 1,000 that a partition takes."""
MOST_LANES: Final = 4
"""Lanes that one look reads at most: its own, and where that is full, others that change with the time."""
_SLOT_TRIES: Final = 3
_SORT_KEY: Final = {"S": "STATE"}
_NEXT: Final = "NEXT"
_PLACE: Final = "PLACE#"

_FREE: Final = "attribute_not_exists(until_ms) OR until_ms <= :now"
_MINE: Final = "holder = :holder"
_DUE: Final = "attribute_not_exists(next_ms) OR next_ms <= :now"
_SOON: Final = "next_ms BETWEEN :now AND :ahead"


class DynamoProviderStates:
    """`ProviderStates` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table
        self._taken: dict[tuple[str, str], int] = {}

    def load(self, provider: str) -> ProviderState:
        """The provider's circuit, read consistently; raises `UnreadableRecordError`, and orders wait meanwhile."""
        with aws_errors(f"the record of {provider} could not be read"):
            answer = self._client.get_item(TableName=self._table, Key=_key(provider), ConsistentRead=True)
        return _state(provider, answer.get("Item"))

    def load_all(self, providers: Collection[str]) -> Mapping[str, ProviderState]:
        """The circuits of several providers; unreadable ones count as new."""
        request: Any = {self._table: {"Keys": [_key(provider) for provider in providers]}}
        with aws_errors("the records of the providers could not be read"):
            answer = self._client.batch_get_item(RequestItems=request)
        items = {item["pk"]["S"]: item for item in answer["Responses"].get(self._table, [])}
        return {provider: _state_or_new(provider, items.get(_key(provider)["pk"]["S"])) for provider in providers}

    def look(self, provider: str, ticket: str, limits: Limits, now_ms: int) -> ProviderState:
        """Circuit, queue and as many slots as decide about one ticket; all slots where it is empty."""
        state = self.load(provider)
        following, queue = self._queue(provider)
        slots = _Seen(ticket, limits.concurrent, now_ms)
        for lane in _lanes(ticket, limits.concurrent, now_ms):
            slots.add(lane, self._lane(provider, lane))
            if ticket and (slots.free or slots.own is not None):
                break
        return state.with_queue(
            queue.model_copy(
                update={
                    "running": slots.running,
                    "typical_ms": slots.typical_ms,
                    "slots_read": slots.read if slots.read < limits.concurrent else 0,
                    **following,
                }
            ),
            Slots(tuple(slots.free), slots.own),
        )

    def holds(self, provider: str, ticket: str) -> bool:
        """Whether a ticket has a place, or a slot that is not given back."""
        return self._find_slot(provider, ticket) is not None or "Item" in self._get(_queue(provider, _PLACE + ticket))

    def save(self, state: ProviderState) -> ProviderState:
        """Replace the previous version of the circuit; returns the written record, or the current one where another run
        wrote first.
        """
        same_version = "version = :before" if state.version > 1 else "attribute_not_exists(version)"
        values: dict[str, Any] = {
            ":version": {"N": str(state.version)},
            ":state": {"S": state.model_dump_json(by_alias=True, exclude_defaults=True)},
            **({":before": {"N": str(state.version - 1)}} if state.version > 1 else {}),
        }
        with aws_errors(f"the record of {state.provider} could not be written", CONDITION_FAILED) as refusal:
            self._client.update_item(
                TableName=self._table,
                Key=_key(state.provider),
                UpdateExpression="SET version = :version, #state = :state",
                ConditionExpression=same_version,
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return state
        return _state(state.provider, refusal.item)

    def take(self, state: ProviderState, ticket: str, lease: Lease, limits: Limits) -> StartAt | None:
        """Lease a free slot and reserve the next start; None where others took what `state` shows. A ticket that has a
        slot keeps it, for the longer of both leases.
        """
        provider, own = state.provider, state.slots.own
        if own is not None and self._lease(provider, own, ticket, lease, _MINE):
            return StartAt(lease.since_ms)
        free = state.slots.free
        first = crc32(ticket.encode()) % len(free) if free else 0
        for number in (*free[first:], *free[:first])[:_SLOT_TRIES]:
            if self._lease(provider, number, ticket, lease, _FREE):
                self._taken[provider, ticket] = number
                start = self._start(state, lease.since_ms, limits)
                if start is None:
                    self._free(provider, ticket, number, None)
                return start
        return None

    def wait(self, provider: str, ticket: str, place: Reservation) -> None:
        """Store when a waiting job comes again. It keeps its first reserved start."""
        values = {":start": place.start_ms, ":told": place.told_ms, ":ttl": place.told_ms // 1000 + 24 * 3600}
        with aws_errors(f"the record of {provider} could not be written"):
            self._client.update_item(
                TableName=self._table,
                Key=_queue(provider, _PLACE + ticket),
                UpdateExpression="SET start_ms = if_not_exists(start_ms, :start), told_ms = :told, #ttl = :ttl",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=_numbers(values),
            )

    def turn_away(self, provider: str, return_ms: int) -> None:
        """Note when the last job comes again that found the queue full."""
        with aws_errors(f"the record of {provider} could not be written"):
            self._client.update_item(
                TableName=self._table,
                Key=_queue(provider, _NEXT),
                UpdateExpression="SET return_ms = :return",
                ExpressionAttributeValues=_numbers({":return": return_ms}),
            )

    def leave(self, provider: str, ticket: str) -> None:
        """Delete a place, if there is one."""
        with aws_errors(f"the record of {provider} could not be written"):
            self._client.delete_item(TableName=self._table, Key=_queue(provider, _PLACE + ticket))

    def give_back(self, provider: str, slot: GivenBack) -> None:
        """Free the slot of a ticket, if it has one; its item keeps how long the call took."""
        number = self._taken.get((provider, slot.ticket))
        if number is None:
            number = self._find_slot(provider, slot.ticket)
        if number is not None:
            self._free(provider, slot.ticket, number, slot.took_ms)

    def _lease(self, provider: str, number: int, ticket: str, lease: Lease, condition: str) -> bool:
        values = {":since": lease.since_ms, ":until": lease.until_ms}
        now = {":now": lease.since_ms} if condition == _FREE else {}
        extended = "since_ms = if_not_exists(since_ms, :since)" if condition == _MINE else "since_ms = :since"
        with aws_errors(f"the record of {provider} could not be written", CONDITION_FAILED):
            self._client.update_item(
                TableName=self._table,
                Key=_slot(provider, number),
                UpdateExpression=f"SET holder = :holder, {extended}, until_ms = :until",
                ConditionExpression=condition,
                ExpressionAttributeValues={":holder": {"S": ticket}, **_numbers({**values, **now})},
            )
            return True
        return False

    def _start(self, state: ProviderState, now_ms: int, limits: Limits) -> StartAt | None:
        if state.queue.next_go_ms <= now_ms:
            start = self._reserve(state.provider, now_ms, limits, ":now", _DUE, {":now": now_ms})
            if start is not None:
                return start
        soon = {":now": now_ms, ":ahead": now_ms + AHEAD_MS}
        return self._reserve(state.provider, now_ms, limits, "next_ms", _SOON, soon)

    def _reserve(
        self, provider: str, now_ms: int, limits: Limits, start: str, condition: str, values: Mapping[str, int]
    ) -> StartAt | None:
        numbers = {**values, ":gap": limits.gap_ms, ":slots": limits.concurrent}
        with aws_errors(f"the record of {provider} could not be written", CONDITION_FAILED):
            answer = self._client.update_item(
                TableName=self._table,
                Key=_queue(provider, _NEXT),
                UpdateExpression=f"SET next_ms = {start} + :gap, slots = :slots",
                ConditionExpression=condition,
                ExpressionAttributeValues=_numbers(numbers),
                ReturnValues="UPDATED_NEW",
            )
            return StartAt(max(now_ms, int(answer["Attributes"]["next_ms"]["N"]) - limits.gap_ms))
        return None

    def _free(self, provider: str, ticket: str, number: int, took_ms: int | None) -> None:
        took = "" if took_ms is None else " SET took_ms = :took"
        values = {":holder": {"S": ticket}, **({} if took_ms is None else _numbers({":took": took_ms}))}
        with aws_errors(f"the record of {provider} could not be written", CONDITION_FAILED):
            self._client.update_item(
                TableName=self._table,
                Key=_slot(provider, number),
                UpdateExpression=f"REMOVE holder, since_ms, until_ms{took}",
                ConditionExpression=_MINE,
                ExpressionAttributeValues=values,
            )
        self._taken.pop((provider, ticket), None)

    def _find_slot(self, provider: str, ticket: str) -> int | None:
        concurrent = _number(self._get(_queue(provider, _NEXT)).get("Item", {}), "slots")
        for lane in _lanes(ticket, concurrent, 0)[:1]:
            for item in self._lane(provider, lane):
                if item.get("holder", {}).get("S") == ticket:
                    return int(item["sk"]["S"])
        return None

    def _queue(self, provider: str) -> tuple[dict[str, int], ProviderQueue]:
        following, waiting = dict[str, int](), dict[str, Reservation]()
        for item in self._query(provider, f"PROVIDER#{provider}#QUEUE"):
            name = item["sk"]["S"]
            if name == _NEXT:
                following = {"next_go_ms": _number(item, "next_ms"), "next_return_ms": _number(item, "return_ms")}
            else:
                waiting[name.removeprefix(_PLACE)] = Reservation(_number(item, "start_ms"), _number(item, "told_ms"))
        return following, ProviderQueue(waiting=waiting)

    def _lane(self, provider: str, lane: int) -> Iterator[Mapping[str, Any]]:
        return self._query(provider, f"PROVIDER#{provider}#SLOTS#{lane}")

    def _query(self, provider: str, partition: str) -> Iterator[Mapping[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            with aws_errors(f"the record of {provider} could not be read"):
                page = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": {"S": partition}},
                    **start,
                )
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _get(self, key: dict[str, Any]) -> Mapping[str, Any]:
        with aws_errors("the record of the provider could not be read"):
            return self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)


class _Seen:
    """The slots that one look has read so far."""

    def __init__(self, ticket: str, concurrent: int, now_ms: int) -> None:
        self._ticket, self._concurrent, self._now_ms = ticket, concurrent, now_ms
        self.running: dict[str, Lease] = {}
        self.free: list[int] = []
        self.own: int | None = None
        self.read = 0
        self._took: list[int] = []

    @property
    def typical_ms(self) -> int:
        """The mean of what the last call of each slot took."""
        return sum(self._took) // len(self._took) if self._took else 0

    def add(self, lane: int, items: Iterator[Mapping[str, Any]]) -> None:
        """Count a lane's slots; those without an item were never taken."""
        numbers = range(lane * LANE, min(self._concurrent, (lane + 1) * LANE))
        free = dict.fromkeys(numbers)
        for item in items:
            number, until_ms = int(item["sk"]["S"]), _number(item, "until_ms")
            if took_ms := _number(item, "took_ms"):
                self._took.append(took_ms)
            if until_ms <= self._now_ms:
                continue
            holder = item["holder"]["S"]
            self.running[holder] = Lease(_number(item, "since_ms"), until_ms)
            free.pop(number, None)
            if holder == self._ticket:
                self.own = number
        self.free += free
        self.read += len(numbers)


def _lanes(ticket: str, concurrent: int, now_ms: int) -> list[int]:
    """The lanes to look at, the ticket's own first; all where no ticket asks."""
    count = -(-concurrent // LANE)
    if not ticket:
        return [*range(count)]
    own = crc32(ticket.encode()) % count if count else 0
    if count <= MOST_LANES:
        return [(own + step) % count for step in range(count)]
    # Which other lanes are looked at changes every second, so that no free slot stays out of sight.
    others = (crc32(f"{ticket} {now_ms // 1000} {step}".encode()) % count for step in range(1, MOST_LANES))
    return [*dict.fromkeys((own, *others))]


def _key(provider: str) -> dict[str, Any]:
    return {"pk": {"S": f"PROVIDER#{provider}"}, "sk": _SORT_KEY}


def _queue(provider: str, name: str) -> dict[str, Any]:
    return {"pk": {"S": f"PROVIDER#{provider}#QUEUE"}, "sk": {"S": name}}


def _slot(provider: str, number: int) -> dict[str, Any]:
    return {"pk": {"S": f"PROVIDER#{provider}#SLOTS#{number // LANE}"}, "sk": {"S": f"{number:05d}"}}


def _state(provider: str, item: Mapping[str, Any] | None) -> ProviderState:
    if not item or "state" not in item:
        return ProviderState(provider=provider)
    return read_as(f"PROVIDER#{provider}/STATE", item, _parsed)


def _state_or_new(provider: str, item: Mapping[str, Any] | None) -> ProviderState:
    return read_or(ProviderState(provider=provider), lambda: _state(provider, item))


def _parsed(item: Mapping[str, Any]) -> ProviderState:
    return ProviderState.model_validate_json(item["state"]["S"])


def _number(item: Mapping[str, Any], name: str) -> int:
    return int(item[name]["N"]) if name in item else 0


def _numbers(values: Mapping[str, int]) -> dict[str, Any]:
    return {name: {"N": str(value)} for name, value in values.items()}
