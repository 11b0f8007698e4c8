"""One contract for tenants and keys, kept by the in-memory fake and by DynamoDB."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.tenants.api_keys import Scope, new_api_key
from fermata.domain.tenants.tenant import Tenant
from fermata.errors import StaleRecordError, TransientError
from fermata.ports.tenants import TenantStore
from tests.fakes.clock import NOON
from tests.fakes.tenants.tenant_store import InMemoryTenantStore
from tests.support.cloud import TABLE, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACME = Tenant(tenant_id="acme", created_at=NOON)
KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)), (Scope.JOBS_READ,), NOON + timedelta(days=1))
_, NEXT = new_api_key("acme", NOON + timedelta(seconds=1), bytes(range(1, 26)))
LATER = NOON + timedelta(seconds=61)


def in_dynamodb(client: "DynamoDBClient", table: str = TABLE) -> DynamoTenantStore:
    return DynamoTenantStore(DynamoTransactions(client, table), lambda: client)


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> TenantStore:
    if request.param == "in_memory":
        return InMemoryTenantStore()
    return in_dynamodb(request.getfixturevalue("dynamodb"))


def test_a_tenant_is_created_once_and_read_back_equal(store: TenantStore) -> None:
    assert store.find_tenant("acme") is None
    assert store.create_tenant(ACME)
    assert not store.create_tenant(Tenant(tenant_id="acme", created_at=NOON.replace(year=2027)))
    assert store.find_tenant("acme") == ACME


def test_every_tenant_is_listed_once_and_nothing_else_is(store: TenantStore) -> None:
    assert list(store.tenant_ids()) == []
    for tenant_id in ("other", "acme", "acme"):
        store.create_tenant(Tenant(tenant_id=tenant_id, created_at=NOON))
    store.add_key(RECORD)
    assert list(store.tenant_ids()) == ["acme", "other"]


def test_a_tenant_is_stored_and_listed_together_or_not_at_all(dynamodb: "DynamoDBClient") -> None:
    store = in_dynamodb(dynamodb)
    AnswersInstead(dynamodb, "TransactWriteItems", aws_error("InternalServerError"))
    with pytest.raises(TransientError):
        store.create_tenant(ACME)
    assert (store.find_tenant("acme"), list(store.tenant_ids())) == (None, [])
    assert store.create_tenant(ACME)
    assert list(store.tenant_ids()) == ["acme"]


def test_a_key_is_found_by_its_id_and_by_nothing_else(store: TenantStore) -> None:
    assert store.find_key(RECORD.key_id) is None
    store.add_key(RECORD)
    assert store.find_key(RECORD.key_id) == RECORD
    for other in (KEY, RECORD.sha256, ""):
        assert store.find_key(other) is None


def test_an_id_that_is_taken_is_not_handed_to_another_tenant(store: TenantStore) -> None:
    store.add_key(RECORD)
    with pytest.raises(StaleRecordError):
        store.add_key(RECORD.model_copy(update={"tenant_id": "other"}))
    assert store.find_key(RECORD.key_id) == RECORD
    assert store.keys_of("other") == []


def test_a_tenants_keys_are_listed_oldest_first(store: TenantStore) -> None:
    others = new_api_key("other", NOON, bytes(25))[1]
    for key in (NEXT, RECORD, others):
        store.add_key(key)
    assert store.keys_of("acme") == [RECORD, NEXT]
    assert store.keys_of("nobody") == []


def test_tenants_and_keys_do_not_see_each_other(store: TenantStore) -> None:
    store.create_tenant(Tenant(tenant_id=RECORD.key_id, created_at=NOON))
    assert store.find_key(RECORD.key_id) is None
    store.add_key(RECORD)
    assert store.find_tenant("acme") is None


def test_a_rotated_key_stands_beside_its_successor(store: TenantStore) -> None:
    store.add_key(RECORD)
    replaced = RECORD.replaced_by(NEXT.key_id, NOON + timedelta(hours=1))
    store.rotate_key(replaced, NEXT)
    assert (store.find_key(RECORD.key_id), store.find_key(NEXT.key_id)) == (replaced, NEXT)
    assert store.keys_of("acme") == [replaced, NEXT]


def test_a_key_is_rotated_once(store: TenantStore) -> None:
    store.add_key(RECORD)
    store.rotate_key(RECORD.replaced_by(NEXT.key_id, NOON), NEXT)
    third = new_api_key("acme", NOON, bytes(range(2, 27)))[1]
    with pytest.raises(StaleRecordError):
        store.rotate_key(RECORD.replaced_by(third.key_id, LATER), third)
    assert store.find_key(third.key_id) is None
    stored = store.find_key(RECORD.key_id)
    assert stored is not None
    assert (stored.rotated_to, stored.expires_at) == (NEXT.key_id, NOON)


def test_a_key_that_was_revoked_meanwhile_is_not_rotated(store: TenantStore) -> None:
    store.add_key(RECORD)
    store.revoke_key(RECORD, NOON)
    with pytest.raises(StaleRecordError):
        store.rotate_key(RECORD.replaced_by(NEXT.key_id, LATER), NEXT)
    assert store.find_key(NEXT.key_id) is None


def test_a_key_that_is_not_there_is_not_rotated(store: TenantStore) -> None:
    with pytest.raises(StaleRecordError):
        store.rotate_key(RECORD.replaced_by(NEXT.key_id, LATER), NEXT)
    assert (store.find_key(RECORD.key_id), store.find_key(NEXT.key_id)) == (None, None)


def test_a_key_is_not_rotated_to_one_whose_id_is_taken(store: TenantStore) -> None:
    store.add_key(RECORD)
    taken = NEXT.model_copy(update={"tenant_id": "other"})
    store.add_key(taken)
    with pytest.raises(StaleRecordError):
        store.rotate_key(RECORD.replaced_by(NEXT.key_id, LATER), NEXT)
    assert (store.find_key(RECORD.key_id), store.find_key(NEXT.key_id)) == (RECORD, taken)


def test_a_key_is_revoked_once_and_stays_so(store: TenantStore) -> None:
    assert not store.revoke_key(RECORD, NOON)
    assert store.find_key(RECORD.key_id) is None
    store.add_key(RECORD)
    assert store.revoke_key(RECORD, NOON)
    assert not store.revoke_key(RECORD, LATER)
    assert store.find_key(RECORD.key_id) == RECORD.model_copy(update={"revoked_at": NOON})


def test_a_use_is_noted_once_a_minute(store: TenantStore) -> None:
    store.add_key(RECORD)
    for moment in (NOON, NOON + timedelta(seconds=59), LATER, LATER + timedelta(seconds=1), NOON):
        store.note_use(RECORD.key_id, moment)
    assert store.find_key(RECORD.key_id) == RECORD.model_copy(update={"last_used_at": LATER})


def test_the_use_of_a_key_that_is_not_there_makes_none(store: TenantStore) -> None:
    store.note_use(RECORD.key_id, NOON)
    assert store.find_key(RECORD.key_id) is None


@pytest.mark.parametrize("end", ["an end", "a rotation", "a revocation"])
def test_the_records_of_a_key_go_ninety_days_after_its_end_and_not_before(dynamodb: "DynamoDBClient", end: str) -> None:
    store = in_dynamodb(dynamodb)
    endless = RECORD.model_copy(update={"expires_at": None})
    store.add_key(RECORD if end == "an end" else endless)
    ends = RECORD.expires_at if end == "an end" else LATER
    if end == "a rotation":
        store.rotate_key(endless.replaced_by(NEXT.key_id, LATER), NEXT)
    if end == "a revocation":
        assert store.revoke_key(endless, LATER)
    assert ends is not None
    found = {(item["pk"]["S"], item["sk"]["S"]): item for item in dynamodb.scan(TableName=TABLE)["Items"]}
    for place in ((f"KEY#{RECORD.key_id}", "KEY"), ("TENANT#acme", f"KEY#{RECORD.key_id}")):
        assert found[place]["ttl"] == {"N": str(int((ends + timedelta(days=90)).timestamp()))}
    assert [place for place, item in found.items() if "ttl" not in item and NEXT.key_id not in "".join(place)] == []


def test_a_key_without_an_end_is_kept(dynamodb: "DynamoDBClient") -> None:
    in_dynamodb(dynamodb).add_key(NEXT)
    assert not any("ttl" in item for item in dynamodb.scan(TableName=TABLE)["Items"])


def test_the_key_itself_is_nowhere_in_the_table(dynamodb: "DynamoDBClient") -> None:
    in_dynamodb(dynamodb).add_key(RECORD)
    items = json.dumps(dynamodb.scan(TableName=TABLE)["Items"])
    assert KEY not in items
    assert KEY.rpartition("_")[2][:32] not in items


def test_a_table_that_cannot_be_used_is_transient_and_not_an_unknown_key(dynamodb: "DynamoDBClient") -> None:
    store = in_dynamodb(dynamodb, "no-such-table")
    for call in (store.find_key, store.keys_of, lambda key_id: store.note_use(key_id, NOON)):
        with pytest.raises(TransientError):
            call(RECORD.key_id)
    with pytest.raises(TransientError):
        store.add_key(RECORD)
    with pytest.raises(TransientError):
        list(store.tenant_ids())
