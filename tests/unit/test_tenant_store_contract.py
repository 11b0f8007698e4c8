"""One contract for tenants and keys, kept by the in-memory twin and by DynamoDB."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamo_tenant_store import DynamoTenantStore
from fermata.domain.tenants import Tenant, new_api_key
from fermata.errors import TransientError
from fermata.ports import TenantStore
from tests.cloud import TABLE, dynamodb_with_table
from tests.twins import NOON, InMemoryTenantStore

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACME = Tenant(tenant_id="acme", created_at=NOON)
KEY, RECORD = new_api_key("acme", NOON, bytes(range(25)))


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> TenantStore:
    if request.param == "in_memory":
        return InMemoryTenantStore()
    return DynamoTenantStore(request.getfixturevalue("dynamodb"), TABLE)


def test_a_tenant_is_created_once_and_read_back_equal(store: TenantStore) -> None:
    assert store.find_tenant("acme") is None
    assert store.create_tenant(ACME)
    assert not store.create_tenant(Tenant(tenant_id="acme", created_at=NOON.replace(year=2027)))
    assert store.find_tenant("acme") == ACME


def test_a_key_is_found_by_its_hash_and_by_nothing_else(store: TenantStore) -> None:
    assert store.find_key(RECORD.sha256) is None
    store.add_key(RECORD)
    assert store.find_key(RECORD.sha256) == RECORD
    assert store.find_key(KEY) is None
    assert store.find_key(RECORD.key_id) is None
    assert store.find_key("") is None


def test_a_key_that_is_there_is_not_handed_to_another_tenant(store: TenantStore) -> None:
    store.add_key(RECORD)
    store.add_key(RECORD.model_copy(update={"tenant_id": "other"}))
    assert store.find_key(RECORD.sha256) == RECORD


def test_tenants_and_keys_do_not_see_each_other(store: TenantStore) -> None:
    store.create_tenant(Tenant(tenant_id=RECORD.sha256[:60], created_at=NOON))
    store.add_key(RECORD)
    assert store.find_key(RECORD.sha256[:60]) is None
    assert store.find_tenant(RECORD.sha256) is None


def test_the_key_itself_is_nowhere_in_the_table(dynamodb: "DynamoDBClient") -> None:
    DynamoTenantStore(dynamodb, TABLE).add_key(RECORD)
    items = json.dumps(dynamodb.scan(TableName=TABLE)["Items"])
    assert KEY not in items
    assert KEY.rpartition("_")[2] not in items


def test_a_table_that_cannot_be_used_is_transient_and_not_an_unknown_key(dynamodb: "DynamoDBClient") -> None:
    store = DynamoTenantStore(dynamodb, "no-such-table")
    with pytest.raises(TransientError):
        store.find_key(RECORD.sha256)
    with pytest.raises(TransientError):
        store.add_key(RECORD)
