"""One contract for what runs share of a provider, kept by the in-memory fake and by DynamoDB."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

from fermata.adapters.dynamodb.providers.provider_states import DynamoProviderStates
from fermata.domain.providers.circuit import Circuit, CircuitRules, Health, Trial
from fermata.domain.providers.queue import Admitted, Lease, Limits, ProviderQueue, Reservation
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, StartAt
from fermata.errors import TransientError
from fermata.ports.providers import ProviderStates
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.support.cloud import TABLE, Answer, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FULL = ProviderState(
    provider="minimax",
    version=1,
    queue=ProviderQueue(
        running={"job_a/1": Lease(1_800_000_000_000, 1_800_000_960_000)},
        waiting={"job_b/2": Reservation(1_800_000_000_500, 1_800_000_001_000)},
        next_go_ms=1_800_000_000_500,
        next_return_ms=3,
        typical_ms=61_000,
    ),
    circuit=Circuit(
        failed_at_ms=(1, 2), open_until_ms=5, open_for_ms=4, trial=Trial("job_a/1", 7), disabled_by="2153"
    ).without_model("music-2.5", "2061"),
)


@pytest.fixture(params=["in_memory", "dynamodb"])
def states(request: pytest.FixtureRequest) -> ProviderStates:
    if request.param == "in_memory":
        return InMemoryProviderStates()
    return DynamoProviderStates(request.getfixturevalue("dynamodb"), TABLE)


def test_a_provider_of_whom_nothing_is_known_has_a_fresh_record(states: ProviderStates) -> None:
    assert states.load("minimax") == ProviderState(provider="minimax")


def test_a_record_is_read_back_equal(states: ProviderStates) -> None:
    states.save(FULL)
    assert states.load("minimax") == FULL.written()
    assert states.load("aimlapi") == ProviderState(provider="aimlapi")


def test_a_record_is_stored_under_the_names_that_earlier_versions_read(dynamodb: "DynamoDBClient") -> None:
    DynamoProviderStates(dynamodb, TABLE).save(FULL)
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    stored = json.loads(item["state"]["S"])
    assert (stored.keys(), stored["pacing"]["typical_ms"]) == ({"provider", "version", "pacing", "circuit"}, 61_000)


def test_a_record_that_an_earlier_version_stored_is_read() -> None:
    stored = '{"provider":"minimax","version":4,"pacing":{"waiting":{"job_b/2":[5,9]},"typical_ms":61000}}'
    queue = ProviderQueue(waiting={"job_b/2": Reservation(5, 9)}, typical_ms=61_000)
    assert ProviderState.model_validate_json(stored) == ProviderState(provider="minimax", version=4, queue=queue)


def test_failures_of_a_made_up_name_are_read_back_equal_and_close_no_slots(states: ProviderStates) -> None:
    rules = CircuitRules(failures=1, window_ms=60_000, open_ms=30_000, longest_open_ms=600_000)
    circuit = Circuit().after_unlisted("suno-zzz", "job_a/1", Health.FAILS, "http_403", 1_800_000_000_000, rules)
    circuit = circuit.after_unlisted("suno-yyy", "job_b/1", Health.SHUTS_US_OUT, "2153", 1_800_000_000_000, rules)
    circuit = circuit.let_through("job_c/1", 1_800_000_090_000, "suno-zzz")
    states.save(ProviderState(provider="apiinone", version=1, limits=Limits(100, 3), circuit=circuit))
    assert states.load("apiinone").circuit == circuit
    assert states.load("apiinone").open_slots == 3


def test_of_two_writers_that_read_the_same_version_one_wins(states: ProviderStates) -> None:
    first = ProviderState(provider="minimax").enabled().written()
    assert states.save(ProviderState(provider="minimax").enabled()) == first
    assert states.save(FULL) == first
    second = first.enabled()
    assert states.save(second) == second
    assert states.save(second.model_copy(update={"circuit": Circuit(disabled_by="x")})) == second
    assert states.load("minimax") == second


@pytest.mark.parametrize("version", [1, 3])
def test_only_the_next_version_may_be_saved(states: ProviderStates, version: int) -> None:
    states.save(FULL)
    other = FULL.written().model_copy(update={"version": version, "circuit": Circuit()})
    assert states.save(other) == states.load("minimax") == FULL.written()


def test_a_later_version_of_nothing_is_not_saved(states: ProviderStates) -> None:
    fresh = ProviderState(provider="minimax")
    assert states.save(FULL.model_copy(update={"version": 2})) == fresh
    assert states.load("minimax") == fresh


def test_several_records_are_read_at_once_and_unknown_ones_are_fresh(states: ProviderStates) -> None:
    states.save(FULL)
    fresh = ProviderState(provider="aimlapi")
    assert states.load_all(["minimax", "aimlapi"]) == {"minimax": FULL.written(), "aimlapi": fresh}


def test_a_slot_is_given_back_beside_every_other_writer_and_counts_as_free_at_once(states: ProviderStates) -> None:
    states.save(FULL)
    read_before = states.load("minimax")
    states.give_back("minimax", GivenBack("job_a/1", 11_000))
    states.give_back("minimax", GivenBack("job_a/1", 11_000))
    assert states.load("minimax").queue.running == {}
    assert states.load("minimax").queue.typical_ms == 51_000

    # A writer that did not see it neither loses to it nor undoes it.
    unaware = read_before.model_copy(update={"version": 2})
    assert states.save(unaware).is_like(unaware)
    aware = states.load("minimax")
    assert aware.queue.running == {}
    assert states.save(aware.model_copy(update={"version": 3})).version == 3
    assert states.load("minimax").queue.typical_ms == 51_000
    assert states.load("minimax").given_back == frozenset()


def test_a_slot_of_an_unpaid_call_teaches_nothing(states: ProviderStates) -> None:
    states.save(FULL)
    states.give_back("minimax", GivenBack("job_a/1", None))
    assert (states.load("minimax").queue.running, states.load("minimax").queue.typical_ms) == ({}, 61_000)


def test_a_slot_that_is_given_back_before_anything_was_written_does_no_harm(states: ProviderStates) -> None:
    states.give_back("minimax", GivenBack("job_a/1", 7))
    assert states.load("minimax").version == 0
    assert states.save(FULL).is_like(FULL)


# ---- slots taken beside the record

LIMITS = Limits(gap_ms=100, concurrent=3)
BEGAN = 1_800_000_000_000


def lease(began_ms: int) -> Lease:
    return Lease(began_ms, began_ms + 960_000)


def opened(states: ProviderStates) -> ProviderState:
    """The record after a first job went by it: two slots are open, the next start is 100 ms later."""
    asked, _ = states.load("minimax").ask("job_0/1", BEGAN, BEGAN + 960_000, LIMITS, has_alternative=False)
    return states.save(asked)


def take(states: ProviderStates, ticket: str, now_ms: int, limits: Limits = LIMITS) -> int | None:
    """The start that was reserved in ms after the first one; None where the record has to decide."""
    taken = states.take("minimax", ticket, lease(now_ms), limits)
    if isinstance(taken, StartAt):
        return taken.start_ms - BEGAN
    assert taken == states.load("minimax")
    return None


def test_open_slots_are_taken_in_the_order_of_requests_each_a_gap_apart(states: ProviderStates) -> None:
    opened(states)
    assert [take(states, f"job_{number}/1", BEGAN + 20) for number in (1, 2, 3)] == [100, 200, None]
    pacing = states.load("minimax").queue
    assert sorted(pacing.running) == ["job_0/1", "job_1/1", "job_2/1"]
    assert pacing.running["job_1/1"] == lease(BEGAN + 20)
    assert pacing.next_go_ms == BEGAN + 300


def test_a_slot_taken_after_the_last_start_is_long_gone_begins_at_once(states: ProviderStates) -> None:
    opened(states)
    assert take(states, "job_1/1", BEGAN + 5000) == 5000


def test_a_start_that_is_not_soon_is_reserved_only_in_the_record(states: ProviderStates) -> None:
    opened(states)
    assert take(states, "job_1/1", BEGAN + 100 - AHEAD_MS - 1) is None
    assert take(states, "job_1/1", BEGAN + 100 - AHEAD_MS) == 100


def waited_for(state: ProviderState) -> ProviderState:
    crowd = [f"job_w{number}/1" for number in range(4)]
    for ticket in crowd:
        state, _ = state.ask(ticket, BEGAN, BEGAN + 960_000, LIMITS, has_alternative=False)
    return state


@pytest.mark.parametrize(
    "change",
    [
        waited_for,
        lambda state: state.enabled().model_copy(update={"circuit": Circuit(open_until_ms=1, open_for_ms=1)}),
        lambda state: state.enabled().model_copy(update={"circuit": Circuit(disabled_at_ms=1)}),
        lambda state: state.enabled().model_copy(update={"circuit": Circuit().without_model("music-2.5", "2061")}),
    ],
    ids=["a job waits", "circuit is not closed", "disabled", "a model is outside the plan"],
)
def test_no_ticket_bypasses_the_record_while_it_decides(
    states: ProviderStates, change: Callable[[ProviderState], ProviderState]
) -> None:
    state = opened(states)
    changed = change(state).model_copy(update={"version": state.version + 1})
    assert states.save(changed).is_like(changed)
    assert take(states, "job_1/1", BEGAN + 5000) is None


def test_limits_that_changed_since_the_record_was_written_are_decided_by_the_record(states: ProviderStates) -> None:
    opened(states)
    assert take(states, "job_1/1", BEGAN + 5000, Limits(gap_ms=100, concurrent=1)) is None


def test_a_ticket_takes_one_slot(states: ProviderStates) -> None:
    opened(states)
    assert take(states, "job_1/1", BEGAN + 5000) == 5000
    assert take(states, "job_1/1", BEGAN + 6000) is None


def test_a_ticket_that_gave_its_slot_back_reads_the_record_so_that_it_does_not_lose_the_next_one(
    states: ProviderStates,
) -> None:
    opened(states)
    states.give_back("minimax", GivenBack("job_1/1", None))
    assert take(states, "job_1/1", BEGAN + 5000) is None


def test_a_slot_that_is_given_back_is_open_again_once_the_record_was_written(states: ProviderStates) -> None:
    opened(states)
    assert [take(states, f"job_{number}/1", BEGAN + 5000) for number in (1, 2)] == [5000, 5100]
    states.give_back("minimax", GivenBack("job_1/1", 1000))
    assert take(states, "job_3/1", BEGAN + 6000) is None
    asked, turn = states.load("minimax").ask("job_3/1", BEGAN + 6000, BEGAN + 966_000, LIMITS, has_alternative=False)
    assert turn == Admitted(0)
    states.save(asked)
    assert sorted(states.load("minimax").queue.running) == ["job_0/1", "job_2/1", "job_3/1"]
    assert states.load("minimax").taken == frozenset()


def test_a_write_that_did_not_see_a_slot_being_taken_is_refused(states: ProviderStates) -> None:
    state = opened(states)
    take(states, "job_1/1", BEGAN + 5000)
    stands = states.save(state.enabled())
    assert (stands.version, sorted(stands.queue.running)) == (state.version, ["job_0/1", "job_1/1"])
    assert states.save(stands.enabled()).version == state.version + 1
    assert sorted(states.load("minimax").queue.running) == ["job_0/1", "job_1/1"]


def test_a_write_that_knows_of_no_slots_is_refused_where_there_are_some(states: ProviderStates) -> None:
    states.save(FULL)
    unaware = FULL.model_copy(update={"version": 2, "circuit": Circuit()})
    assert unaware.slots_left is None
    assert states.save(unaware) == states.load("minimax") == FULL.written()


# ---- what only DynamoDB does


def test_a_start_that_is_no_longer_soon_once_another_took_one_is_not_reserved(dynamodb: "DynamoDBClient") -> None:
    states = DynamoProviderStates(dynamodb, TABLE)
    opened(states)

    def passes() -> None:
        """The first try, which finds that the next start is yet to come."""

    def another_takes() -> None:
        assert take(states, "job_2/1", BEGAN + 20) == 100

    AnswersInstead(dynamodb, "UpdateItem", passes, another_takes)
    assert take(states, "job_1/1", BEGAN + 100 - AHEAD_MS) is None
    assert sorted(states.load("minimax").queue.running) == ["job_0/1", "job_2/1"]


def test_a_record_of_a_long_line_is_read_back_equal(dynamodb: "DynamoDBClient") -> None:
    states, state = DynamoProviderStates(dynamodb, TABLE), ProviderState(provider="minimax")
    for number in range(600):
        state = state.ask(f"job_{number:026d}/1", number, 960_000, Limits(500, 20), has_alternative=False)[0]
    states.save(state.model_copy(update={"version": 1}))
    assert states.load("minimax") == state.model_copy(update={"version": 1}).written()


def unreachable() -> Answer:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize("trouble", [unreachable, aws_error("ProvisionedThroughputExceededException", "canary")])
@pytest.mark.parametrize(
    ("operation", "use"),
    [
        ("GetItem", lambda states: states.load("minimax")),
        ("BatchGetItem", lambda states: states.load_all(["minimax"])),
        ("UpdateItem", lambda states: states.save(FULL)),
        ("UpdateItem", lambda states: states.take("minimax", "job_a/1", Lease(1, 2), Limits(1, 1))),
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
