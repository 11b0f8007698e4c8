"""One contract for what runs share of a provider, kept by the in-memory twin and by DynamoDB."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from fermata.adapters.dynamo_provider_states import DynamoProviderStates
from fermata.domain.circuit import Circuit, Trial
from fermata.domain.provider_state import GivenBack, ProviderState
from fermata.domain.waiting_line import Lease, Limits, Place, WaitingLine
from fermata.errors import TransientError
from fermata.ports import ProviderStates
from tests.cloud import TABLE, Answer, AnswersInstead, aws_error, dynamodb_with_table
from tests.twins import InMemoryProviderStates

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FULL = ProviderState(
    provider="minimax",
    version=1,
    pacing=WaitingLine(
        running={"job_a/1": Lease(1_800_000_000_000, 1_800_000_960_000)},
        waiting={"job_b/2": Place(1_800_000_000_500, 1_800_000_001_000)},
        next_start_ms=1_800_000_001_000,
        next_go_ms=1_800_000_000_500,
        next_return_ms=3,
        typical_ms=61_000,
    ),
    circuit=Circuit(failed_at_ms=(1, 2), open_until_ms=5, open_for_ms=4, trial=Trial("job_a/1", 7), disabled_by="2153"),
)


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table()


@pytest.fixture(params=["in_memory", "dynamodb"])
def states(request: pytest.FixtureRequest) -> ProviderStates:
    if request.param == "in_memory":
        return InMemoryProviderStates()
    return DynamoProviderStates(request.getfixturevalue("dynamodb"), TABLE)


def test_a_provider_of_whom_nothing_is_known_has_a_fresh_record(states: ProviderStates) -> None:
    assert states.load("minimax") == ProviderState(provider="minimax")


def test_a_record_is_read_back_equal(states: ProviderStates) -> None:
    states.save(FULL)
    assert states.load("minimax") == FULL
    assert states.load("aimlapi") == ProviderState(provider="aimlapi")


def test_of_two_writers_that_read_the_same_version_one_wins(states: ProviderStates) -> None:
    first = ProviderState(provider="minimax").enabled()
    assert states.save(first) == first
    assert states.save(FULL) == first
    second = first.enabled()
    assert states.save(second) == second
    assert states.save(second.model_copy(update={"circuit": Circuit(disabled_by="x")})) == second
    assert states.load("minimax") == second


@pytest.mark.parametrize("version", [1, 3])
def test_only_the_next_version_may_be_saved(states: ProviderStates, version: int) -> None:
    states.save(FULL)
    assert states.save(FULL.model_copy(update={"version": version, "circuit": Circuit()})) == FULL
    assert states.load("minimax") == FULL


def test_a_later_version_of_nothing_is_not_saved(states: ProviderStates) -> None:
    fresh = ProviderState(provider="minimax")
    assert states.save(FULL.model_copy(update={"version": 2})) == fresh
    assert states.load("minimax") == fresh


def test_several_records_are_read_at_once_and_unknown_ones_are_fresh(states: ProviderStates) -> None:
    states.save(FULL)
    assert states.load_all(["minimax", "aimlapi"]) == {"minimax": FULL, "aimlapi": ProviderState(provider="aimlapi")}


def test_a_slot_is_given_back_beside_every_other_writer_and_counts_as_free_at_once(states: ProviderStates) -> None:
    states.save(FULL)
    read_before = states.load("minimax")
    states.give_back("minimax", GivenBack("job_a/1", 11_000))
    states.give_back("minimax", GivenBack("job_a/1", 11_000))
    assert states.load("minimax").pacing.running == {}
    assert states.load("minimax").pacing.typical_ms == 51_000

    # A writer that did not see it neither loses to it nor undoes it.
    unaware = read_before.model_copy(update={"version": 2})
    assert states.save(unaware).is_like(unaware)
    aware = states.load("minimax")
    assert aware.pacing.running == {}
    assert states.save(aware.model_copy(update={"version": 3})).version == 3
    assert states.load("minimax").pacing.typical_ms == 51_000
    assert states.load("minimax").given_back == frozenset()


def test_a_slot_of_an_unpaid_call_teaches_nothing(states: ProviderStates) -> None:
    states.save(FULL)
    states.give_back("minimax", GivenBack("job_a/1", None))
    assert (states.load("minimax").pacing.running, states.load("minimax").pacing.typical_ms) == ({}, 61_000)


def test_a_slot_that_is_given_back_before_anything_was_written_does_no_harm(states: ProviderStates) -> None:
    states.give_back("minimax", GivenBack("job_a/1", 7))
    assert states.load("minimax").version == 0
    assert states.save(FULL).is_like(FULL)


# ---- what only DynamoDB does


def test_a_record_of_a_long_line_is_read_back_equal(dynamodb: "DynamoDBClient") -> None:
    states, state = DynamoProviderStates(dynamodb, TABLE), ProviderState(provider="minimax")
    for number in range(600):
        state = state.ask(f"job_{number:026d}/1", number, 960_000, Limits(500, 20), has_alternative=False)[0]
    states.save(state.model_copy(update={"version": 1}))
    assert states.load("minimax") == state.model_copy(update={"version": 1})


def unreachable() -> Answer:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize("trouble", [unreachable, aws_error("ProvisionedThroughputExceededException", "canary")])
@pytest.mark.parametrize(
    ("operation", "use"),
    [
        ("GetItem", lambda states: states.load("minimax")),
        ("BatchGetItem", lambda states: states.load_all(["minimax"])),
        ("UpdateItem", lambda states: states.save(FULL)),
        ("UpdateItem", lambda states: states.give_back("minimax", GivenBack("job_a/1", 7))),
    ],
)
def test_a_table_that_cannot_be_used_is_transient(
    dynamodb: "DynamoDBClient",
    trouble: Callable[[], Answer],
    operation: str,
    use: Callable[[ProviderStates], object],
) -> None:
    AnswersInstead(dynamodb, operation, trouble)
    with pytest.raises(TransientError, match=r"of minimax|of the providers") as caught:
        use(DynamoProviderStates(dynamodb, TABLE))
    assert "canary" not in str(caught.value)


def test_a_record_is_read_consistently(dynamodb: "DynamoDBClient") -> None:
    asked: list[object] = []

    def look(params: dict[str, object], **_: object) -> None:
        asked.append(params["ConsistentRead"])

    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", look)
    DynamoProviderStates(dynamodb, TABLE).load("minimax")
    assert asked == [True]
