"""One contract for what songs take, kept by the in-memory fake and by DynamoDB, and how the latter bears trouble."""

from itertools import count
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

from fermata.adapters.dynamodb.providers.estimates import MAX_AGE_S, MODELS_CACHED, DynamoEstimates
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.latency import SONGS_KEPT, SongTime
from fermata.ports.providers import Estimates
from tests.fakes.providers.estimates import InMemoryEstimates
from tests.support.cloud import TABLE, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MODEL = "minimax/music-2.5+"
KEY = {"pk": {"S": "ESTIMATES"}, "sk": {"S": f"MODEL#{MODEL}"}}
FORMER = {"pk": {"S": "ESTIMATES"}, "sk": {"S": "ESTIMATES"}}
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
    return len(item["songs"]["L"])


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
    # Found on record, so the item of earlier releases is not asked.
    assert (expected(reader), reads.calls) == (LEARNED, 1)


def test_several_models_are_read_in_one_request_and_then_each_without_one(dynamodb: "DynamoDBClient") -> None:
    learn(always_fresh(dynamodb))
    learn(always_fresh(dynamodb), "minimax/music-9-preview")
    reader = DynamoEstimates(dynamodb, TABLE, lambda: 1000.0)
    together = AnswersInstead(dynamodb, "BatchGetItem")
    reader.read_ahead([MODEL, "minimax/music-9-preview", "aimlapi/never-ordered"])
    alone = AnswersInstead(dynamodb, "GetItem")
    assert (expected(reader), reader.of("minimax/music-9-preview", PRIOR)) == (LEARNED, LEARNED)
    assert reader.of("aimlapi/never-ordered", PRIOR) == PRIOR
    assert (together.calls, alone.calls) == (1, 0)


def test_a_song_writes_one_item_however_many_models_there_are(dynamodb: "DynamoDBClient") -> None:
    estimates = always_fresh(dynamodb)
    for number in range(3):
        learn(estimates, f"family/{number}")
    before = {item["sk"]["S"]: item for item in dynamodb.scan(TableName=TABLE)["Items"]}
    estimates.learn("family/1", SongTime("job_new", 60, 55))
    after = {item["sk"]["S"]: item for item in dynamodb.scan(TableName=TABLE)["Items"]}
    assert [name for name in after if after[name] != before.get(name)] == ["MODEL#family/1"]


def test_a_function_remembers_only_so_many_names_that_callers_made_up(dynamodb: "DynamoDBClient") -> None:
    reader = DynamoEstimates(dynamodb, TABLE, lambda: 1000.0)
    reader.read_ahead([f"family/{number}" for number in range(MODELS_CACHED)])
    reads = AnswersInstead(dynamodb, "GetItem")
    assert (reader.of("family/0", PRIOR), reads.calls) == (PRIOR, 0)
    reader.of("family/one-too-many", PRIOR)
    assert (reader.of("family/0", PRIOR), reads.calls) == (PRIOR, 2)


def test_a_model_with_all_its_songs_learns_one_a_second_at_most(dynamodb: "DynamoDBClient") -> None:
    now = 1_800_000_000.0
    estimates = DynamoEstimates(dynamodb, TABLE, now=lambda: now)
    for number in range(SONGS_KEPT):
        estimates.learn(MODEL, SongTime(f"job_{number:02d}", 60))
    writes = AnswersInstead(dynamodb, "PutItem")
    now += 0.999
    estimates.learn(MODEL, SongTime("job_within_the_second", 60))
    assert writes.calls == 0
    now += 0.001
    estimates.learn(MODEL, SongTime("job_after_it", 60))
    assert writes.calls == 1


def test_what_the_largest_item_of_a_model_costs_is_two_write_units(dynamodb: "DynamoDBClient") -> None:
    estimates = always_fresh(dynamodb)
    for number in range(SONGS_KEPT + 1):
        estimates.learn(MODEL, SongTime(f"job_{number:026d}", 3600, 3500))
    item = dynamodb.get_item(TableName=TABLE, Key=KEY)["Item"]
    # By DynamoDB's rules: UTF-8 of names and texts, two digits a byte and one more, a byte an element, three a list.
    songs = sum(3 + sum(1 + len(value) for part in song["L"] for value in part.values()) for song in item["songs"]["L"])
    assert songs + 200 <= 2048


def test_songs_that_earlier_releases_kept_in_one_item_are_the_beginning_of_a_models_own(
    dynamodb: "DynamoDBClient",
) -> None:
    stored = {"L": [{"L": [{"S": song.job_id}, {"N": str(song.latest_s)}, {"N": "0"}]} for song in SONGS]}
    former = {**FORMER, "models": {"M": {MODEL: stored}}, "version": {"N": "5"}}
    dynamodb.put_item(TableName=TABLE, Item=former)  # type: ignore[arg-type]  # nested by hand
    always_fresh(dynamodb).learn(MODEL, SongTime("job_6", 60, 55))
    assert songs_on_record(dynamodb) == len(SONGS) + 1
    assert dynamodb.get_item(TableName=TABLE, Key=FORMER)["Item"] == former


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
    [{"songs": {"S": "nonsense"}}, {"songs": {"L": [{"S": "x"}]}, "version": {"N": "7"}}, {}],
    ids=["no_list", "no_songs", "empty"],
)
def test_a_corrupted_item_counts_as_absent_and_is_replaced(
    dynamodb: "DynamoDBClient", fields: dict[str, object]
) -> None:
    dynamodb.put_item(TableName=TABLE, Item={**KEY, **fields})  # type: ignore[dict-item]
    dynamodb.put_item(TableName=TABLE, Item={**FORMER, "models": {"S": "nonsense"}})
    estimates = always_fresh(dynamodb)
    assert expected(estimates) == PRIOR
    learn(estimates)
    assert expected(estimates) == LEARNED


def test_times_that_were_stored_before_bounds_were_noted_count_as_exact(dynamodb: "DynamoDBClient") -> None:
    stored = {
        "L": [{"L": [{"S": f"job_{number}"}, {"N": str(seconds)}]} for number, seconds in enumerate(range(10, 60))]
    }
    dynamodb.put_item(TableName=TABLE, Item={**FORMER, "models": {"M": {MODEL: stored}}, "version": {"N": "50"}})
    estimates = always_fresh(dynamodb)
    assert expected(estimates) == Estimate(p50_s=44, p80_s=53)
    estimates.learn(MODEL, SongTime("job_new", 60, 55))
    assert songs_on_record(dynamodb) == SONGS_KEPT
