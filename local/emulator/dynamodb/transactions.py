"""Makes the cost of moto's transactions independent of the table's size: only touched items are saved and restored."""

import copy
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue


def remember_only_what_a_transaction_touches() -> None:
    """Save only the items of a transaction, because moto copies the whole table for each of its items."""
    from moto.dynamodb.models.table import Table

    original = moto_seams.TRANSACT_WRITE.original

    def transact_write_items(self: MotoValue, transact_items: list[dict[str, Any]]) -> MotoValue:
        before = list(_touched(self, transact_items))
        try:
            return original(self, transact_items)
        except Exception:
            for table, key, attributes in before:
                self.delete_item(table, key)
                if attributes is not None:
                    self.put_item(table, attributes)
            raise

    def deepcopy(value: MotoValue) -> MotoValue:
        return value if isinstance(value, Table) else copy.deepcopy(value)

    moto_seams.TRANSACT_WRITE.replace(transact_write_items)
    moto_seams.TABLE_COPY.replace(SimpleNamespace(deepcopy=deepcopy))


def _touched(
    backend: MotoValue, transact_items: list[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any], dict[str, Any] | None]]:
    for part in transact_items:
        operation = next(iter(part.values()))
        table = backend.tables.get(operation["TableName"])
        if table is not None:
            names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
            source = operation.get("Item") or operation["Key"]
            key = {name: source[name] for name in names}
            item = backend.get_item(operation["TableName"], key)
            yield operation["TableName"], key, copy.deepcopy(item.to_json()["Attributes"]) if item else None
