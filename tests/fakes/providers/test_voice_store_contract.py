"""One contract for the voices that providers named, kept by the in-memory fake and by DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fermata.adapters.dynamodb.providers.voice_store import DynamoVoiceStore
from fermata.domain.catalogue.voices import FoundVoices, Voice
from fermata.ports.providers import VoiceStore
from tests.fakes.clock import NOON
from tests.fakes.providers.voice_store import InMemoryVoiceStore
from tests.support.cloud import TABLE

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LATER = NOON + timedelta(hours=1)
VOICES = (Voice(id="A (Mandarin)_b", name="B"), Voice(id="c", language="en", gender="male"))
KEY: Any = {"pk": {"S": "VOICES#minimax"}, "sk": {"S": "VOICES"}}


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> VoiceStore:
    if request.param == "in_memory":
        return InMemoryVoiceStore()
    return DynamoVoiceStore(request.getfixturevalue("dynamodb"), TABLE)


def test_before_the_first_time_nothing_is_known_and_anybody_may_ask(store: VoiceStore) -> None:
    assert store.load("minimax") == FoundVoices()
    assert store.load("minimax").is_due(NOON)


def test_saved_voices_come_back_as_they_are(store: VoiceStore) -> None:
    store.save("minimax", VOICES, LATER)
    assert store.load("minimax") == FoundVoices(voices=VOICES, ask_again_at=LATER)
    assert store.load("others") == FoundVoices()
    store.save("minimax", (), LATER)
    assert store.load("minimax").voices == ()


def test_one_caller_at_a_time_may_ask_and_keeps_what_is_known(store: VoiceStore) -> None:
    store.save("minimax", VOICES, NOON)
    assert store.take_turn("minimax", NOON, LATER)
    assert not store.take_turn("minimax", NOON, LATER)
    assert store.load("minimax") == FoundVoices(voices=VOICES, ask_again_at=LATER)
    assert store.take_turn("others", NOON, LATER)


def test_a_turn_ends_at_its_instant(store: VoiceStore) -> None:
    assert store.take_turn("minimax", NOON, LATER)
    assert not store.take_turn("minimax", LATER - timedelta(milliseconds=1), LATER)
    assert store.take_turn("minimax", LATER, LATER + timedelta(hours=1))


def test_of_many_callers_at_once_one_gets_the_turn(dynamodb: "DynamoDBClient") -> None:
    store = DynamoVoiceStore(dynamodb, TABLE)
    with ThreadPoolExecutor(8) as callers:
        turns = list(callers.map(lambda _: store.take_turn("minimax", NOON, LATER), range(8)))
    assert sum(turns) == 1


@pytest.mark.parametrize(
    "item",
    [
        {"voices": {"S": "none"}},
        {"voices": {"L": [{"M": {"id": {"N": "7"}}}]}},
        {"ask_again_at": {"S": "soon"}},
        {"ask_again_at": {"L": []}},
    ],
)
def test_a_malformed_item_counts_as_nothing(dynamodb: "DynamoDBClient", item: dict[str, Any]) -> None:
    dynamodb.put_item(TableName=TABLE, Item={**KEY, **item})
    assert DynamoVoiceStore(dynamodb, TABLE).load("minimax") == FoundVoices()
