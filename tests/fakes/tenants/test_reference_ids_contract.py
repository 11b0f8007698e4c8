"""One contract for providers' ids of recordings, kept by the in-memory fake and by DynamoDB."""

from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.tenants.reference_ids import DynamoReferenceIds
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.ports.audio import ReferenceIds
from tests.fakes.tenants.reference_ids import InMemoryReferenceIds
from tests.references import known_as
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> ReferenceIds:
    if request.param == "in_memory":
        return InMemoryReferenceIds()
    client: DynamoDBClient = request.getfixturevalue("dynamodb")
    return DynamoReferenceIds(DynamoTransactions(client, TABLE))


def alias(
    store: ReferenceIds, provider_id: str, kind: str = "voice_id", tenant_id: str = "acme", provider: str = "aimlapi"
) -> str | None:
    return store.key_alias(tenant_id, provider, kind, provider_id)


def test_both_ids_of_a_recording_are_known_with_the_key_of_their_account(store: ReferenceIds) -> None:
    store.remember("acme", known_as("vocal-1", "instrumental-1", alias="2026-11"))
    assert alias(store, "vocal-1") == "2026-11"
    assert alias(store, "instrumental-1", "instrumental_id") == "2026-11"


def test_an_id_is_known_to_its_tenant_at_its_provider_in_its_kind_only(store: ReferenceIds) -> None:
    store.remember("acme", known_as("vocal-1", "instrumental-1"))
    assert alias(store, "vocal-1", tenant_id="other") is None
    assert alias(store, "vocal-1", provider="minimax") is None
    assert alias(store, "vocal-1", kind="instrumental_id") is None
    assert (alias(store, "vocal-2"), alias(store, "VOCAL-1"), alias(store, "")) == (None, None, None)


def test_an_id_that_the_provider_did_not_give_is_not_remembered(store: ReferenceIds) -> None:
    store.remember("acme", known_as("vocal-1", ""))
    assert (alias(store, "vocal-1"), alias(store, "", "instrumental_id")) == ("default", None)


def test_ids_of_any_length_and_script_are_told_apart(store: ReferenceIds) -> None:
    store.remember("acme", known_as("v" * 1024, "\u58f0#1"))
    assert alias(store, "v" * 1024) == alias(store, "\u58f0#1", "instrumental_id") == "default"
    assert alias(store, "v" * 1023) is None


def test_remembering_again_changes_nothing(store: ReferenceIds) -> None:
    for _ in range(2):
        store.remember("acme", known_as("vocal-1"))
    assert alias(store, "vocal-1") == "default"
