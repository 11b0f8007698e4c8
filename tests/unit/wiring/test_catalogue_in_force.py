"""A function works with the catalogue as its deployment has it, and reads what differs once."""

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata import config
from fermata.adapters import aws
from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.domain.providers.settings import ProviderChanges
from fermata.errors import ConfigurationError
from fermata.wiring import outward, stores
from tests.support.cloud import TABLE, AnswersInstead, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LOCAL = "http://127.0.0.1:9000"
SETTINGS = OperatorSettings(providers={"minimax": ProviderChanges(base_url=LOCAL, daily_budget_usd=Decimal("2.50"))})


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator["DynamoDBClient"]:
    """The client of a cold start, at a table that holds the settings."""
    with mock_aws():
        client = dynamodb_with_table()
        DynamoSettingsStore(client, TABLE).keep(SETTINGS)
        monkeypatch.setattr(aws, "dynamodb", lambda: client)
        monkeypatch.setenv("TABLE_NAME", TABLE)
        monkeypatch.setenv("SETTINGS_VERSION", SETTINGS.version)
        _start_cold()
        yield client
        _start_cold()


def _start_cold() -> None:
    stores.catalogue.cache_clear()
    stores.settings_store.cache_clear()


def test_settings_are_read_once_and_hold_for_every_use(dynamodb: "DynamoDBClient") -> None:
    reads = AnswersInstead(dynamodb, "GetItem")

    assert stores.catalogue() is stores.catalogue()
    assert stores.catalogue() == SETTINGS.applied_to(read_catalogue())
    assert [stores.budget_micro_usd(provider) for provider in ("minimax", "aimlapi")] == [2_500_000, 50_000_000]
    assert reads.calls == 1


def test_nothing_is_read_where_nothing_is_set(dynamodb: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS_VERSION", NOTHING_SET)
    reads = AnswersInstead(dynamodb, "GetItem")

    assert stores.catalogue() == read_catalogue()
    assert reads.calls == 0


@pytest.mark.usefixtures("dynamodb")
@pytest.mark.parametrize("provider", ["nobody", "models"])
def test_an_unknown_provider_has_no_budget(provider: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the catalogue has no provider '{provider}'"):
        stores.budget_micro_usd(provider)


@pytest.mark.usefixtures("dynamodb")
def test_no_unencrypted_call_reaches_an_untrusted_provider() -> None:
    """The deployment was checked, but a key is not sent on the word of a table."""
    given = {
        "TABLE_NAME": TABLE,
        "SETTINGS_VERSION": SETTINGS.version,
        "PROVIDER_KEYS_SECRET_ARN": "arn",
        "CONNECT_TIMEOUT_SECONDS": "10",
    }
    trusting = config.load(config.UpstreamSettings, {**given, "TRUSTED_LOCAL_ORIGINS": LOCAL})
    outward.upstream(trusting, 1)

    trusting_another = config.load(config.UpstreamSettings, {**given, "TRUSTED_LOCAL_ORIGINS": f"{LOCAL}1"})
    with pytest.raises(ConfigurationError, match="the base_url of minimax must begin with https://"):
        outward.upstream(trusting_another, 1)
