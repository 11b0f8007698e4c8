"""What every change of a record does where another writer comes first: read it again, and decide again."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from fermata.errors import FermataError, StaleRecordError

READS: Final = 5
"""How often a change is tried, each time on a newer record, before it is given up."""

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
    """What `change` makes of the record that `read` brings. It decides and saves, and gets a newer record each time it
    raises `StaleRecordError`. A caller that has read the record already passes it as `known`.

    After `reads` lost races raises `given_up`, or without one the last `StaleRecordError`.
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
