"""One contract for what songs take, kept by the in-memory fake and by DynamoDB, and how the latter bears trouble."""

from itertools import count
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

from fermata.adapters.dynamodb.providers.estimates import MAX_AGE_S, DynamoEstimates
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SONGS_KEPT, SongTime
from fermata.ports.providers import Estimates
from tests.fakes.providers.estimates import InMemoryEstimates
from tests.support.cloud import TABLE, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MODEL = "minimax/music-2.5+"
KEY = {"pk": {"S": "ESTIMATES"}, "sk": {"S": "ESTIMATES"}}
SONGS = [SongTime(f"job_{number}", 10 * number, 10 * number) for number in range(1, 6)]
PRIOR = Estimate(p50_s=700, p80_s=900)
LEARNED = Estimate(p50_s=30, p80_s=40)


def always_fresh(dynamodb: "DynamoDBClient") -> DynamoEstimates:
    return DynamoEstimates(dynamodb, TABLE, count(0, MAX_AGE_S).__next__)


@pytest.fixture(params=["in_memory", "dynamodb"])
def estimates(request: pytest.FixtureRequest) -> Estimates:
    if request.param == "in_memory":
        return InMemoryEstimates()
    return always_fresh(request.getfixturevalue("dynamodb"))


def expected(estimates: Estimates) -> Estimate:
    return estimates.of(MODEL, PRIOR)


def learn(estimates: Estimates, model_id: str = MODEL) -> None:
    for song in SONGS:
        estimates.learn(model_id, song)


def songs_on_record(dynamodb: "DynamoDBClient") -> int:
    item = dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]
    return sum(len(songs["L"]) for songs in item["models"]["M"].values())


def test_without_songs_the_prior_is_the_estimate_and_after_the_fifth_it_no_longer_counts(estimates: Estimates) -> None:
    assert expected(estimates) == PRIOR
    learn(estimates)
    assert expected(estimates) == LEARNED
    assert estimates.of(MODEL, Estimate(p50_s=1, p80_s=1)) == LEARNED


def test_a_job_that_comes_twice_is_counted_once(estimates: Estimates) -> None:
    for _ in range(5):
        estimates.learn(MODEL, SONGS[0])
    assert expected(estimates) == PRIOR


def test_bounds_are_kept_as_they_were_learned(estimates: Estimates) -> None:
    for number in range(5):
        estimates.learn(MODEL, SongTime(f"job_{number}", 40, 10 * (number % 4)))
    assert expected(estimates) == Estimate(p50_s=35, p80_s=35)


def test_models_are_known_by_their_own_names(estimates: Estimates) -> None:
    learn(estimates, "minimax/music-9-preview")
    assert estimates.of("minimax/music-9-preview", PRIOR) == LEARNED
    assert expected(estimates) == PRIOR


def test_a_read_is_remembered_for_half_a_minute(dynamodb: "DynamoDBClient") -> None:
    now = 1000.0
    reader = DynamoEstimates(dynamodb, TABLE, lambda: now)
    assert expected(reader) == PRIOR
    learn(always_fresh(dynamodb))
    reads = AnswersInstead(dynamodb, "GetItem")
    now += MAX_AGE_S - 1
    assert (expected(reader), reads.calls) == (PRIOR, 0)
    now += 1
    assert (expected(reader), reads.calls) == (LEARNED, 1)


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "AccessDeniedException"])
def test_what_cannot_be_read_is_what_was_known_before(dynamodb: "DynamoDBClient", code: str) -> None:
    reader = always_fresh(dynamodb)
    AnswersInstead(dynamodb, "GetItem", aws_error(code))
    assert expected(reader) == PRIOR
    learn(reader)
    assert expected(reader) == LEARNED
    AnswersInstead(dynamodb, "GetItem", aws_error(code))
    assert expected(reader) == LEARNED


def test_a_table_that_fails_is_not_read_again_at_every_poll(dynamodb: "DynamoDBClient") -> None:
    reader = DynamoEstimates(dynamodb, TABLE, lambda: 1000.0)
    reads = AnswersInstead(dynamodb, "GetItem", aws_error("InternalServerError"))
    assert [expected(reader) for _ in range(3)] == [PRIOR] * 3
    assert reads.calls == 1


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "AccessDeniedException"])
def test_a_song_that_cannot_be_counted_is_left_out_and_nothing_is_raised(
    dynamodb: "DynamoDBClient", operation: str, code: str
) -> None:
    estimates = always_fresh(dynamodb)
    calls = AnswersInstead(dynamodb, operation, aws_error(code))
    estimates.learn(MODEL, SONGS[0])
    assert calls.calls == 1
    estimates.learn(MODEL, SONGS[1])
    assert songs_on_record(dynamodb) == 1


def test_a_table_that_cannot_be_reached_fails_no_poll(dynamodb: "DynamoDBClient") -> None:
    def unreachable() -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb")

    estimates = always_fresh(dynamodb)
    dynamodb.meta.events.register("before-call.dynamodb", lambda **_: unreachable())
    estimates.learn(MODEL, SONGS[0])
    assert expected(estimates) == PRIOR


@pytest.mark.parametrize("before", [0, 2], ids=["first_song", "later_song"])
def test_a_write_that_loses_the_race_reads_again_and_loses_nothing(dynamodb: "DynamoDBClient", before: int) -> None:
    estimates, other = always_fresh(dynamodb), always_fresh(dynamodb)
    for song in SONGS[3 : 3 + before]:
        other.learn(MODEL, song)
    in_between = SONGS[:2]

    def write_first(**_: object) -> None:
        if in_between:
            other.learn(MODEL, in_between.pop())

    dynamodb.meta.events.register("before-call.dynamodb.PutItem", write_first)
    estimates.learn(MODEL, SONGS[2])
    assert songs_on_record(dynamodb) == 3 + before


def test_a_write_whose_answer_was_lost_counts_once(dynamodb: "DynamoDBClient") -> None:
    estimates = always_fresh(dynamodb)
    other = always_fresh(dynamodb)
    estimates.learn(MODEL, SONGS[0])

    def apply_and_lose() -> object:
        other.learn(MODEL, SONGS[1])
        other.learn(MODEL, SONGS[2])
        return aws_error("ConditionalCheckFailedException")()

    AnswersInstead(dynamodb, "PutItem", apply_and_lose)  # type: ignore[arg-type]
    estimates.learn(MODEL, SONGS[1])
    assert songs_on_record(dynamodb) == 3


def test_a_race_that_is_lost_three_times_is_given_up(dynamodb: "DynamoDBClient") -> None:
    writes = AnswersInstead(dynamodb, "PutItem", *[aws_error("ConditionalCheckFailedException")] * 9)
    always_fresh(dynamodb).learn(MODEL, SONGS[0])
    assert writes.calls == 3


@pytest.mark.parametrize(
    "fields",
    [{"models": {"S": "nonsense"}}, {"models": {"M": {MODEL: {"L": [{"S": "x"}]}}}, "version": {"N": "7"}}, {}],
    ids=["no_map", "no_songs", "empty"],
)
def test_a_corrupted_item_counts_as_absent_and_is_replaced(
    dynamodb: "DynamoDBClient", fields: dict[str, object]
) -> None:
    dynamodb.put_item(TableName=TABLE, Item={**KEY, **fields})  # type: ignore[dict-item]
    estimates = always_fresh(dynamodb)
    assert expected(estimates) == PRIOR
    learn(estimates)
    assert expected(estimates) == LEARNED


def test_times_that_were_stored_before_bounds_were_noted_count_as_exact(dynamodb: "DynamoDBClient") -> None:
    stored = {
        "L": [{"L": [{"S": f"job_{number}"}, {"N": str(seconds)}]} for number, seconds in enumerate(range(10, 60))]
    }
    dynamodb.put_item(TableName=TABLE, Item={**KEY, "models": {"M": {MODEL: stored}}, "version": {"N": "50"}})
    estimates = always_fresh(dynamodb)
    assert expected(estimates) == Estimate(p50_s=44, p80_s=53)
    estimates.learn(MODEL, SongTime("job_new", 60, 55))
    assert songs_on_record(dynamodb) == SONGS_KEPT
