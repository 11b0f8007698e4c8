"""All that makes a call to moto's DynamoDB take a part of its time, and no more of it where the table is full."""

from local.emulator.dynamodb import expressions, tables, transactions, values


def make_quick() -> None:
    """Replace it; to be called once."""
    transactions.remember_only_what_a_transaction_touches()
    tables.query_only_what_is_asked_for()
    tables.measure_items_once()
    values.measure_and_copy_attributes_as_they_are()
    values.pass_attributes_as_they_are()
    expressions.parse_updates_once()
    expressions.split_conditions_once()
