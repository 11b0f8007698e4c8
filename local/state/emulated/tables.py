"""DynamoDB's items, kept one by one."""

from collections.abc import Iterable
from typing import Any, Final

from local.deploy.deployment import ACCOUNT_ID, REGION
from local.emulator.moto_seams import MotoValue
from local.state.emulated import seams
from local.state.emulated.item_text import as_text, from_text
from local.state.errors import StateRefusedError
from local.state.journal import Journal
from local.state.store import Change

KIND: Final = "item"
_SCHEMA: Final = "table"


class Tables:
    """Keeps the items of all tables."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def install(self) -> None:
        """Keep every change from now on, and fill each table as soon as it is created. To be called before the calls
        are locked, so that a transaction is kept before another call sees it.
        """
        call, create = seams.CALL_DYNAMODB.original, seams.CREATE_TABLE.original

        def call_action(handler: MotoValue) -> MotoValue:
            with self._journal.call():
                return call(handler)

        def create_table(backend: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
            table = create(backend, *rest, **named)
            self._fill(table)
            # moto reports each change of an item to the table's stream.
            table.stream_shard = _Stream(self._journal, self, table)
            return table

        seams.CALL_DYNAMODB.replace(call_action)
        seams.CREATE_TABLE.replace(create_table)

    def prepare(self, owner: str, key: str) -> None:
        """Do nothing: items are small."""

    def kept(self) -> None:
        """Do nothing: an item leaves nothing behind."""

    def changes(self, owner: str, key: str) -> list[Change]:
        """Return an item as it is, or its absence."""
        from moto.dynamodb.models import dynamodb_backends
        from moto.dynamodb.models.dynamo_type import DynamoType

        table: MotoValue = dynamodb_backends[ACCOUNT_ID][REGION].tables.get(owner)
        if table is None:
            return []
        item = table.get_item(*(DynamoType(part) for part in from_text(key)))
        return [Change(KIND, owner, key, None if item is None else as_text(item.attrs))]

    def _fill(self, table: MotoValue) -> None:
        """Put the kept items of a table into it, and keep its keys; raises `StateRefusedError` for other keys."""
        store = self._journal.store
        schema = ", ".join(f"{key['AttributeName']} ({key['KeyType']})" for key in table.schema)
        before = dict(store.read(_SCHEMA, table.name)).get("keys", schema)
        if before != schema:
            raise StateRefusedError(
                f"{store.path}: the items of the table {table.name} have the keys {before}, and the template now has "
                f"{schema}; start with the former template, or with --fresh to begin anew"
            )
        store.write([Change(_SCHEMA, table.name, "keys", schema)])
        if rows := list(store.read(KIND, table.name)):
            _place(table, rows)


class _Stream:
    """Takes the place of a table's stream."""

    def __init__(self, journal: Journal, tables: Tables, table: MotoValue) -> None:
        self._journal, self._tables, self._table = journal, tables, table

    def add(self, old: MotoValue, new: MotoValue) -> None:
        """Note that an item changed."""
        self._journal.touch(self._tables, self._table.name, key_of(new or old))

    def __deepcopy__(self, _memo: dict[int, Any]) -> "_Stream":
        return self


def key_of(item: MotoValue) -> str:
    """Return an item's key as the journal names it."""
    return as_text([part for part in (item.hash_key, item.range_key) if part is not None])


def _place(table: MotoValue, rows: Iterable[tuple[str, str]]) -> None:
    from moto.dynamodb.models.dynamo_type import DynamoType

    from local.state.emulated.lazy_item import LazyItem

    for key, text in rows:
        hash_key, *more = (DynamoType(part) for part in from_text(key))
        if more:
            table.items[hash_key][more[0]] = LazyItem(hash_key, more[0], text)
        else:
            table.items[hash_key] = LazyItem(hash_key, None, text)
