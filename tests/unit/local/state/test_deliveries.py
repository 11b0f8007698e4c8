"""Events that were accepted are delivered after a kill, and delivered ones are not delivered again."""

import errno
from pathlib import Path

import pytest

from local.emulator.event_bridge import Delivery
from local.state.emulated.deliveries import Deliveries
from local.state.errors import StateWriteError
from local.state.journal import Journal
from local.state.store import Moment, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.db")


def again(store: Store) -> list[Delivery]:
    """Return what is pending for the next life."""
    store.close()
    return Deliveries(Journal(Store(store.path))).pending()


def test_a_delivery_is_pending_until_it_is_done(store: Store) -> None:
    deliveries, begun = Deliveries(Journal(store)), list[str]()
    first, second = Delivery("arn:1", "{}", "rule", "queue"), Delivery("arn:2", "{}")
    for each in (first, second):
        deliveries.accept(each, lambda: begun.append("begun"))
    deliveries.done(first)
    assert begun == ["begun", "begun"]
    assert again(store) == [second]


def test_a_delivery_is_kept_with_the_call_that_caused_it_and_begins_after_it(store: Store) -> None:
    journal = Journal(store)
    deliveries, delivery, begun = Deliveries(journal), Delivery("arn:1", "{}"), list[str]()
    with journal.call():
        deliveries.accept(delivery, lambda: begun.append("begun"))
        assert (deliveries.pending(), begun) == ([], [])
    assert (again(store), begun) == ([delivery], ["begun"])


def test_a_delivery_that_cannot_be_kept_does_not_begin(store: Store) -> None:
    begun = list[str]()

    def full(_: Moment) -> None:
        raise OSError(errno.ENOSPC, "full")

    store.reach = full
    with pytest.raises(StateWriteError):
        Deliveries(Journal(store)).accept(Delivery("arn:1", "{}"), lambda: begun.append("begun"))
    assert begun == []
