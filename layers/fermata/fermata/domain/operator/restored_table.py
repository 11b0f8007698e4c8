"""A table that was restored from a backup, and what makes it fit for use."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

ACTIVE: Final = "ACTIVE"
KEYS: Final = ("pk", "sk")
INDEXES: Final = frozenset({"ByCheckAt", "ByTenant"})


@dataclass(frozen=True)
class TableFacts:
    """A table as DynamoDB describes it. `identity` differs for two tables that had one name after each other."""

    identity: str
    status: str
    keys: tuple[str, ...]
    indexes: Collection[str]


@dataclass(frozen=True)
class Preparation:
    """The note of a deployment in a restored table: which table it is, and since when it is in use."""

    identity: str
    at: datetime


def unfit(name: str, facts: TableFacts | None) -> str | None:
    """Why a table cannot be used as the restored one, in a sentence; None if it can."""
    if facts is None:
        return f"RestoredTableName: there is no table {name} in this account and region"
    if facts.status != ACTIVE:
        return f"RestoredTableName: {name} is {facts.status}; deploy again once its restore is complete"
    if facts.keys != KEYS:
        return f"RestoredTableName: {name} has the keys {', '.join(facts.keys)}; expected a copy of a table of Fermata"
    if missing := sorted(INDEXES - {*facts.indexes}):
        return f"RestoredTableName: {name} lacks the index {', '.join(missing)}; restore it again with all indexes"
    return None
