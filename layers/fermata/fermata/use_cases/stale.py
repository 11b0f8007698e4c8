"""Optimistic locking: if another writer changes a record first, read it again and decide again."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from fermata.errors import FermataError, StaleRecordError

READS: Final = 5
"""The number of tries of a change, each on a newer record, before it is given up."""

_Record = TypeVar("_Record")
_Known = TypeVar("_Known")
_Saved = TypeVar("_Saved")


def retry_on_stale(
    change: Callable[[_Record | _Known], _Saved],
    read: Callable[[], _Record],
    *,
    known: _Known | None = None,
    reads: int = READS,
    given_up: FermataError | None = None,
) -> _Saved:
    """The result of `change`, which decides on the record from `read` and saves it. Whenever `change` raises
    `StaleRecordError`, it is called again with a newer record. A caller that has already read the record passes it as
    `known`.

    After `reads` lost races raises `given_up`, or the last `StaleRecordError` if `given_up` is None.
    """
    record: _Record | _Known = read() if known is None else known
    for _ in range(reads - 1):
        with suppress(StaleRecordError):
            return change(record)
        record = read()
    try:
        return change(record)
    except StaleRecordError as error:
        if given_up is None:
            raise
        raise given_up from error
