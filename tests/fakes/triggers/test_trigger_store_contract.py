"""One contract for what is turned on and whose events are whose, kept by the in-memory fake and by DynamoDB."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.triggers.trigger_store import DynamoTriggerStore
from fermata.domain.triggers.senders import Change, Triggers
from fermata.errors import SourceTakenError, StaleRecordError, TransientError
from fermata.ports.triggers import TriggerStore
from tests.fakes.triggers.trigger_store import InMemoryTriggerStore
from tests.support.cloud import TABLE, dynamodb_with_table

SHOP, DESK = "111122223333/shop", "111122223333/desk"


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[TriggerStore]:
    if request.param == "in_memory":
        yield InMemoryTriggerStore()
        return
    with mock_aws():
        yield DynamoTriggerStore(DynamoTransactions(dynamodb_with_table(), TABLE, pause=lambda _s: None))


def changed(store: TriggerStore, tenant_id: str, *sources: str) -> Triggers:
    before = store.of_tenant(tenant_id)
    after = before.changed(Change(inbox=True, events=True, sources=sources))
    store.save(before, after)
    return after


def test_everything_is_off_before_the_first_change(store: TriggerStore) -> None:
    assert store.of_tenant("acme") == Triggers(tenant_id="acme", inbox=False, events=False, sources=(), version=0)
    assert store.tenant_of(SHOP) is None


def test_a_change_is_read_back_equal_and_its_sources_are_found(store: TriggerStore) -> None:
    after = changed(store, "acme", SHOP, DESK)
    assert store.of_tenant("acme") == after
    assert (store.tenant_of(SHOP), store.tenant_of(DESK)) == ("acme", "acme")


def test_a_source_that_is_left_out_has_no_owner_and_may_go_to_another_tenant(store: TriggerStore) -> None:
    changed(store, "acme", SHOP, DESK)
    changed(store, "acme", DESK)
    assert store.tenant_of(SHOP) is None
    changed(store, "other", SHOP)
    assert (store.tenant_of(SHOP), store.tenant_of(DESK)) == ("other", "acme")


def test_a_source_of_another_tenant_is_not_taken_and_nothing_else_is_written(store: TriggerStore) -> None:
    before = changed(store, "acme", SHOP)
    with pytest.raises(SourceTakenError) as refused:
        changed(store, "other", DESK, SHOP)
    assert refused.value.sources == (SHOP,)
    assert store.of_tenant("other").version == 0
    assert store.tenant_of(DESK) is None
    assert store.of_tenant("acme") == before


def test_of_two_changes_at_once_the_later_one_has_to_read_again(store: TriggerStore) -> None:
    for _ in range(2):
        before = store.of_tenant("acme")
        store.save(before, before.changed(Change(inbox=True)))
        with pytest.raises(StaleRecordError):
            store.save(before, before.changed(Change(inbox=False, sources=(SHOP,))))
    assert store.of_tenant("acme").inbox
    assert store.tenant_of(SHOP) is None


@mock_aws
def test_a_change_that_gives_up_a_source_which_is_not_where_it_should_be_is_not_written() -> None:
    client = dynamodb_with_table()
    store = DynamoTriggerStore(DynamoTransactions(client, TABLE))
    before = changed(store, "acme", SHOP, DESK)
    client.delete_item(TableName=TABLE, Key={"pk": {"S": f"TRIGGER#SOURCE#{SHOP}"}, "sk": {"S": "TRIGGER"}})
    with pytest.raises(SourceTakenError):
        changed(store, "acme", DESK)
    assert store.of_tenant("acme") == before


@mock_aws
def test_a_table_that_cannot_be_used_is_transient_and_not_an_unknown_sender() -> None:
    store = DynamoTriggerStore(DynamoTransactions(dynamodb_with_table(), "no-such-table", pause=lambda _s: None))
    with pytest.raises(TransientError):
        store.tenant_of(SHOP)
    with pytest.raises(TransientError):
        changed(store, "acme", SHOP)
