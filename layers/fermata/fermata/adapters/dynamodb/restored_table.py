"""A restored table, and the note `TABLE`/`RESTORED` of the deployment that prepared it for use."""

from datetime import datetime
from typing import Final

from fermata.adapters.aws_errors import aws_errors
from fermata.adapters.dynamodb.reading import read
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.operator.restored_table import Preparation, TableFacts

_NOTE: Final = ("TABLE", "RESTORED")


class DynamoRestoredTable:
    """`RestoredTable` over one table."""

    def __init__(self, transactions: DynamoTransactions) -> None:
        self._transactions = transactions

    def facts(self) -> TableFacts | None:
        """What the table is, or None."""
        with aws_errors("the restored table could not be described", "ResourceNotFoundException"):
            table = self._transactions.client.describe_table(TableName=self._transactions.table)["Table"]
            return TableFacts(
                identity=f"{table['TableArn']} of {table['CreationDateTime'].isoformat()}",
                status=table["TableStatus"],
                keys=tuple(key["AttributeName"] for key in table["KeySchema"]),
                indexes=[index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])],
            )
        return None

    def preparation(self) -> Preparation | None:
        """The note, read consistently, or None."""
        item = self._transactions.get(*_NOTE)
        if item is None:
            return None
        return read(item, lambda note: Preparation(note["identity"], datetime.fromisoformat(note["at"])))

    def note(self, preparation: Preparation) -> None:
        """Write the note."""
        item = {"identity": preparation.identity, "at": preparation.at.isoformat()}
        put = self._transactions.put(*_NOTE, item)
        self._transactions.write({"note": put}, self._transactions.deadline())
