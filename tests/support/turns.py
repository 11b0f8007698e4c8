"""Writers that take turns at a table, so that a test chooses the order of all their reads and writes."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def orders(writers: int, calls: int) -> Iterator[tuple[int, ...]]:
    """All orders of so many first calls of so many writers."""
    return product(range(writers), repeat=calls)


class Turns:
    """Lets one writer at a time make one call: as `order` says, then each in turn to its end. A turn of a writer that
    has ended is skipped.
    """

    def __init__(self, order: Sequence[int], writers: int) -> None:
        self._left = list(order)
        self._living = list(range(writers))
        self._changed = threading.Condition()

    def take(self, writer: int, call: Callable[[], object]) -> object:
        """Make a call when it is this writer's turn."""
        with self._changed:
            self._changed.wait_for(lambda: self._next() == writer)
            try:
                return call()
            finally:
                if self._left:
                    self._left.pop(0)
                self._changed.notify_all()

    def end(self, writer: int) -> None:
        """This writer makes no more calls."""
        with self._changed:
            self._living.remove(writer)
            self._changed.notify_all()

    def _next(self) -> int:
        while self._left and self._left[0] not in self._living:
            self._left.pop(0)
        return self._left[0] if self._left else self._living[0]


class TakingTurns(DynamoTransactions):
    """Transactions of one writer among others."""

    def __init__(self, client: "DynamoDBClient", turns: Turns, writer: int) -> None:
        super().__init__(client, TABLE, pause=lambda _: None, clock=lambda: 0.0)
        self._turns, self._writer = turns, writer

    def get(self, partition: str, sort_key: str) -> Item | None:
        return self._turns.take(self._writer, lambda: super(TakingTurns, self).get(partition, sort_key))  # type: ignore[return-value]

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        return self._turns.take(self._writer, lambda: super(TakingTurns, self).get_all(keys))  # type: ignore[return-value]

    def write(self, writes: Mapping[str, Write], deadline: float) -> Mapping[str, Item]:
        return self._turns.take(self._writer, lambda: super(TakingTurns, self).write(writes, deadline))  # type: ignore[return-value]


def together(
    client: "DynamoDBClient", order: Sequence[int], *writers: Callable[[DynamoTransactions], object]
) -> list[object]:
    """What each writer returned, or the exception that it raised, when their calls came in this order."""
    turns, results = Turns(order, len(writers)), [object()] * len(writers)

    def run(number: int, writer: Callable[[DynamoTransactions], object]) -> None:
        try:
            results[number] = writer(TakingTurns(client, turns, number))
        except Exception as error:  # noqa: BLE001 - the test judges it
            results[number] = error
        finally:
            turns.end(number)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Interrupted(DynamoTransactions):
    """Transactions before whose next write something else may happen once."""

    meanwhile: Callable[[], object] | None = None

    def write(self, writes: Mapping[str, Write], deadline: float) -> Mapping[str, Item]:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().write(writes, deadline)
