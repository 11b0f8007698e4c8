"""One contract for what the operator has set, kept by the in-memory fake and by DynamoDB."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from fermata.domain.catalogue.models import Estimate, read_catalogue
from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.domain.providers.settings import ProviderChanges
from fermata.errors import ConfigurationError, TransientError
from fermata.ports.operator import SettingsStore
from tests.fakes.operator.settings_store import InMemorySettingsStore
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ONE = OperatorSettings(providers={"minimax": ProviderChanges(rpm=7, base_url="https://a.example")})
OTHER = OperatorSettings(priors={"minimax/music-2.5": Estimate(p50_s=1, p80_s=2)})


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> SettingsStore:
    if request.param == "in_memory":
        return InMemorySettingsStore()
    return DynamoSettingsStore(request.getfixturevalue("dynamodb"), TABLE)


def test_what_was_kept_is_found_under_its_version(store: SettingsStore) -> None:
    store.keep(ONE)
    store.keep(OTHER)
    store.keep(ONE)
    assert [store.load(each.version) for each in (ONE, OTHER)] == [ONE, OTHER]


def test_as_much_as_all_parameters_take_is_kept(store: SettingsStore) -> None:
    prior = Estimate(p50_s=10_000, p80_s=20_000)
    large = OperatorSettings(priors={f"{model.id}/{n}": prior for model in read_catalogue().models for n in range(99)})
    assert len(large.as_json()) > 100_000
    store.keep(large)
    assert store.load(large.version) == large


def test_a_version_that_was_never_kept_is_not_there(store: SettingsStore) -> None:
    store.keep(ONE)
    with pytest.raises(ConfigurationError, match=OTHER.version):
        store.load(OTHER.version)


def test_settings_that_change_nothing_need_not_be_kept(store: SettingsStore) -> None:
    assert store.load(NOTHING_SET) == OperatorSettings()
    store.keep(OperatorSettings())
    assert store.load(NOTHING_SET) == OperatorSettings()


def test_what_was_forgotten_is_gone_and_the_others_stay(store: SettingsStore) -> None:
    store.keep(ONE)
    store.keep(OTHER)
    store.forget(ONE.version)
    store.forget(ONE.version)
    store.forget("refused")
    assert store.load(OTHER.version) == OTHER
    with pytest.raises(ConfigurationError):
        store.load(ONE.version)


def test_a_deployment_that_sets_nothing_reads_and_writes_nothing(dynamodb: "DynamoDBClient") -> None:
    calls = [AnswersInstead(dynamodb, operation) for operation in ("GetItem", "PutItem")]
    store = DynamoSettingsStore(dynamodb, TABLE)
    store.keep(store.load(NOTHING_SET))
    assert [each.calls for each in calls] == [0, 0]


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("PutItem", lambda store: store.keep(ONE)),
        ("GetItem", lambda store: store.load(ONE.version)),
        ("DeleteItem", lambda store: store.forget(ONE.version)),
    ],
)
def test_what_dynamodb_refuses_is_transient(
    dynamodb: "DynamoDBClient", operation: str, call: Callable[[SettingsStore], object]
) -> None:
    AnswersInstead(dynamodb, operation, aws_error("AccessDeniedException", "secret"))
    with pytest.raises(TransientError, match="AccessDeniedException") as raised:
        call(DynamoSettingsStore(dynamodb, TABLE))
    assert "secret" not in str(raised.value)
