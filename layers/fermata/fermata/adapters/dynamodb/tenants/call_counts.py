"""Call counts in DynamoDB: `READS#<tenant>` holds the calls of each kind in the latest minute, the uploads offered on
the latest day, and the plan's limits of each.
"""

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from fermata.adapters.aws_errors import CONDITION_FAILED, aws_errors
from fermata.adapters.dynamodb.items import plain, typed
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write, names_in
from fermata.domain.tenants.plan_limits import CALL_KINDS, DEFAULT_LIMITS, CallKind, PlanLimits
from fermata.errors import TransientError
from fermata.ports.tenants import CallCount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TRIES: Final = 3
_SORT_KEY: Final = "READS"
_PER_DAY: Final = "references_per_day"
_STORED_LIMITS: Final = tuple(dict.fromkeys((*(kind.limit for kind in CALL_KINDS), _PER_DAY)))
"""The plan limits that are stored beside the counters."""
_UPLOAD_ALLOWED: Final = (
    "#day >= :day AND (#references < #references_per_day"
    " OR (attribute_not_exists(#references_per_day) AND #references < :usual))"
)


def limit_calls(tenant_id: str, limits: PlanLimits, transactions: DynamoTransactions) -> dict[str, Write]:
    """The part of a transaction that changes a tenant's call limits."""
    values = {f":{name}": getattr(limits, name) for name in _STORED_LIMITS}
    expression = "SET " + " , ".join(f"#{name} = :{name}" for name in _STORED_LIMITS)
    return {"calls": transactions.update(_partition(tenant_id), _SORT_KEY, expression, None, values)}


class DynamoCallCounts:
    """`CallCounts` over one table."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, tenant_id: str, kind: CallKind, minute: str, calls: int) -> CallCount:
        """Count calls of a kind; returns all calls of the minute and the plan's limit. Raises `TransientError`."""
        values = {":minute": minute, ":calls": calls}
        others = ", ".join(f"#{each.counter}" for each in CALL_KINDS if each != kind)
        begin = f"SET #minute = :minute, #{kind.counter} = :calls REMOVE {others}"
        for _ in range(_TRIES):
            # The first write of a minute resets the counters of all kinds; the conditions let only one write do so.
            for expression, condition in (
                (f"ADD #{kind.counter} :calls", "#minute >= :minute"),
                (begin, "attribute_not_exists(#minute) OR #minute < :minute"),
            ):
                item, was_written = self._update(tenant_id, expression, condition, values)
                if was_written:
                    return CallCount(used=int(item[kind.counter]), quota=_limit(item, kind.limit))
        raise TransientError(f"the calls of {tenant_id} could not be counted: others kept beginning a minute")

    def add_reference(self, tenant_id: str, day: date) -> CallCount:
        """Count one upload on a day in UTC if the plan allows it; otherwise `used` exceeds `quota` and nothing is
        counted. Raises `TransientError`.
        """
        values = {":day": day.isoformat(), ":one": 1}
        for _ in range(_TRIES):
            usual = {":usual": DEFAULT_LIMITS.references_per_day}
            item, was_written = self._update(tenant_id, "ADD #references :one", _UPLOAD_ALLOWED, {**values, **usual})
            if not was_written and str(item.get("day", "")) >= day.isoformat():
                quota = _limit(item, _PER_DAY)
                return CallCount(used=quota + 1, quota=quota)
            if not was_written:
                begin = "SET #day = :day, #references = :one"
                is_new = "attribute_not_exists(#day) OR #day < :day"
                item, was_written = self._update(tenant_id, begin, is_new, values)
            if was_written:
                return CallCount(used=int(item["references"]), quota=_limit(item, _PER_DAY))
        raise TransientError(f"the uploads of {tenant_id} could not be counted: others kept beginning a day")

    def _update(
        self, tenant_id: str, expression: str, condition: str, values: dict[str, Any]
    ) -> tuple[dict[str, Any], bool]:
        """The item after the update, or as it is where the condition did not hold, and whether it held."""
        with aws_errors("calls could not be counted", CONDITION_FAILED) as refusal:
            answer = self._client.update_item(
                TableName=self._table,
                Key=typed({"pk": _partition(tenant_id), "sk": _SORT_KEY}),
                UpdateExpression=expression,
                ConditionExpression=condition,
                ExpressionAttributeNames=names_in(f"{expression} {condition}"),
                ExpressionAttributeValues=typed(values),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
            return plain(answer["Attributes"]), True
        return plain(refusal.item), False


def _limit(item: dict[str, Any], name: str) -> int:
    return int(item.get(name, getattr(DEFAULT_LIMITS, name)))


def _partition(tenant_id: str) -> str:
    return f"READS#{tenant_id}"
