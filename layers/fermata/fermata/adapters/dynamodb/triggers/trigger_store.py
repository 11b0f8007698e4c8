"""Triggers in DynamoDB: `TRIGGER#TENANT#<tenant>` holds a tenant's triggers, `TRIGGER#SOURCE#<account>/<source>` the
tenant that owns the source.
"""

from typing import Final

from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.triggers.senders import Triggers
from fermata.errors import SourceTakenError, StaleRecordError

_SORT_KEY: Final = "TRIGGER"
_TENANT: Final = "the tenant"


class DynamoTriggerStore:
    """`TriggerStore` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def of_tenant(self, tenant_id: str) -> Triggers:
        """The triggers of a tenant, read consistently; all off where none are stored."""
        item = self._transactions.get(_tenant(tenant_id), _SORT_KEY)
        return Triggers(tenant_id=tenant_id) if item is None else read(item, Triggers.model_validate)

    def tenant_of(self, source: str) -> str | None:
        """The tenant that owns a source, read consistently, or None."""
        item = self._transactions.get(_source(source), _SORT_KEY)
        return None if item is None else read(item, lambda owned: str(owned["tenant_id"]))

    def save(self, before: Triggers, after: Triggers) -> None:
        """Replace the triggers, take new sources and release removed ones, in one transaction. Raises
        `StaleRecordError` where they changed since `before` was read, `SourceTakenError` where another tenant has a
        source.
        """
        writes: dict[str, Write] = {_TENANT: self._put(after)}
        writes |= {source: self._take(source, after.tenant_id) for source in set(after.sources) - set(before.sources)}
        gone = set(before.sources) - set(after.sources)
        writes |= {
            source: self._transactions.delete(_source(source), _SORT_KEY, "attribute_exists(pk)") for source in gone
        }
        failed = self._transactions.write(writes, self._transactions.deadline())
        if _TENANT in failed:
            raise StaleRecordError(f"the triggers of {after.tenant_id} changed meanwhile")
        if failed:
            raise SourceTakenError(sorted(failed))

    def _put(self, after: Triggers) -> Write:
        item = after.model_dump(mode="json")
        fresh = after.version == 1
        condition = "attribute_not_exists(pk)" if fresh else "#version = :before"
        values = None if fresh else {":before": after.version - 1}
        return self._transactions.put(_tenant(after.tenant_id), _SORT_KEY, item, condition, values)

    def _take(self, source: str, tenant_id: str) -> Write:
        item = {"tenant_id": tenant_id}
        return self._transactions.put(_source(source), _SORT_KEY, item, "attribute_not_exists(pk)")


def _tenant(tenant_id: str) -> str:
    return f"TRIGGER#TENANT#{tenant_id}"


def _source(source: str) -> str:
    return f"TRIGGER#SOURCE#{source}"
