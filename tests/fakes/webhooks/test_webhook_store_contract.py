"""One contract for endpoints and their secrets, kept by the in-memory fake and by DynamoDB."""

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.adapters.dynamodb.webhooks.webhook_store import DynamoWebhookStore
from fermata.domain.webhooks.message import WebhookEndpoint
from fermata.domain.webhooks.secret import new_secret
from fermata.errors import ConfigurationError, TransientError
from fermata.ports.webhooks import WebhookStore
from tests.fakes.clock import NOON
from tests.fakes.webhooks.webhook_store import InMemoryWebhookStore
from tests.support.cloud import TABLE, AnswersInstead, aws_error
from tests.webhooks import NEXT_SECRET, SECRET, URL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ENDPOINT = WebhookEndpoint(tenant_id="acme", url=URL)
TOMORROW = NOON + timedelta(days=1)


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> WebhookStore:
    if request.param == "in_memory":
        return InMemoryWebhookStore()
    return DynamoWebhookStore(DynamoTransactions(request.getfixturevalue("dynamodb"), TABLE))


def signing(store: WebhookStore, tenant_id: str = "acme") -> tuple[str, ...]:
    return store.secrets(tenant_id).signing(NOON)


def test_a_tenant_without_a_webhook_has_neither_endpoint_nor_secret(store: WebhookStore) -> None:
    assert store.find("acme") is None
    with pytest.raises(ConfigurationError):
        store.secrets("acme")


def test_the_first_endpoint_brings_the_first_secret(store: WebhookStore) -> None:
    assert store.point(ENDPOINT, SECRET)
    assert (store.find("acme"), signing(store)) == (ENDPOINT, (SECRET,))
    assert store.find("other") is None


def test_another_endpoint_keeps_the_secret(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    moved = ENDPOINT.model_copy(update={"url": "https://other.example.com/"})
    assert not store.point(moved, NEXT_SECRET)
    assert (store.find("acme"), signing(store)) == (moved, (SECRET,))


def test_an_endpoint_that_is_switched_off_keeps_its_secret(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    store.switch_off("acme")
    store.switch_off("nobody")
    assert (store.find("acme"), signing(store)) == (WebhookEndpoint(tenant_id="acme"), (SECRET,))
    assert store.find("nobody") is None


def test_a_disabled_endpoint_is_on_again_once_it_is_set_again(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    store.disable("acme", URL, NOON)
    assert store.find("acme") == ENDPOINT.model_copy(update={"disabled_at": NOON})
    store.point(ENDPOINT, NEXT_SECRET)
    assert store.find("acme") == ENDPOINT


def test_an_endpoint_that_is_switched_off_is_not_disabled_any_more(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    store.disable("acme", URL, NOON)
    store.switch_off("acme")
    assert store.find("acme") == WebhookEndpoint(tenant_id="acme")


def test_only_the_address_that_is_gone_is_disabled(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    store.disable("acme", "https://before.example.com/", NOON)
    store.disable("nobody", URL, NOON)
    assert store.find("acme") == ENDPOINT
    assert store.find("nobody") is None


def test_a_rotated_secret_signs_on_beside_the_new_one(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    assert store.rotate("acme", NEXT_SECRET, TOMORROW)
    assert signing(store) == (NEXT_SECRET, SECRET)
    assert store.secrets("acme").signing(TOMORROW) == (NEXT_SECRET,)
    assert store.find("acme") == ENDPOINT


def test_a_rotation_that_is_repeated_loses_no_secret(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    for _ in range(3):
        assert store.rotate("acme", NEXT_SECRET, TOMORROW)
    assert signing(store) == (NEXT_SECRET, SECRET)


def test_of_three_secrets_the_last_two_sign(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    third = new_secret(bytes(24))
    store.rotate("acme", NEXT_SECRET, TOMORROW)
    store.rotate("acme", third, TOMORROW)
    assert signing(store) == (third, NEXT_SECRET)


def test_a_rotation_without_overlap_silences_the_old_secret_at_once(store: WebhookStore) -> None:
    store.point(ENDPOINT, SECRET)
    store.rotate("acme", NEXT_SECRET, NOON)
    assert signing(store) == (NEXT_SECRET,)


def test_a_tenant_may_have_a_secret_and_no_endpoint(store: WebhookStore) -> None:
    assert not store.rotate("acme", SECRET, TOMORROW)
    assert (store.find("acme"), signing(store)) == (WebhookEndpoint(tenant_id="acme"), (SECRET,))
    assert not store.point(ENDPOINT, NEXT_SECRET)
    assert signing(store) == (SECRET,)


# ---- what only DynamoDB does


def test_a_secret_is_in_a_partition_of_its_own(dynamodb: "DynamoDBClient") -> None:
    DynamoWebhookStore(DynamoTransactions(dynamodb, TABLE)).point(ENDPOINT, SECRET)
    with_secret = [item["pk"]["S"] for item in dynamodb.scan(TableName=TABLE)["Items"] if SECRET in str(item)]
    assert with_secret == ["WEBHOOK_SECRET#acme"]


def test_two_first_secrets_at_once_are_one_after_the_other(dynamodb: "DynamoDBClient") -> None:
    """Both found no secret to rotate; the second then rotates the first one's."""
    store = DynamoWebhookStore(DynamoTransactions(dynamodb, TABLE))
    writes = iter((None, lambda: DynamoWebhookStore(DynamoTransactions(dynamodb, TABLE)).rotate("acme", SECRET, NOON)))

    def before_each(**_: object) -> None:
        other = next(writes, None)
        if other is not None:
            other()

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", before_each)
    assert store.rotate("acme", NEXT_SECRET, TOMORROW)
    assert signing(store) == (NEXT_SECRET, SECRET)


@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems"])
def test_trouble_of_the_table_is_transient(dynamodb: "DynamoDBClient", operation: str) -> None:
    store = DynamoWebhookStore(DynamoTransactions(dynamodb, TABLE))
    AnswersInstead(dynamodb, operation, aws_error("ProvisionedThroughputExceededException", "canary"))
    with pytest.raises(TransientError) as caught:
        store.find("acme") if operation == "GetItem" else store.point(ENDPOINT, SECRET)
    assert "canary" not in str(caught.value)
    assert SECRET not in str(caught.value)
