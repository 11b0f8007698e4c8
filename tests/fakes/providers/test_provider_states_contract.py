"""One contract for what runs share of a provider, kept by the in-memory fake and by DynamoDB."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import EndpointConnectionError

from fermata.adapters.dynamodb.providers.provider_states import LANE, DynamoProviderStates
from fermata.domain.providers.circuit import Circuit, CircuitRules, Health, Trial
from fermata.domain.providers.queue import Lease, Limits, ProviderQueue, Reservation
from fermata.domain.providers.state import AHEAD_MS, GivenBack, ProviderState, Slots
from fermata.errors import TransientError
from fermata.ports.providers import ProviderStates
from tests.fakes.providers.provider_states import InMemoryProviderStates
from tests.support.cloud import TABLE, Answer, AnswersInstead, aws_error

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FULL = ProviderState(
    provider="minimax",
    version=1,
    circuit=Circuit(
        failed_at_ms=(1, 2), open_until_ms=5, open_for_ms=4, trial=Trial("job_a/1", 7), disabled_by="2153"
    ).without_model("music-2.5", "2061"),
)


@pytest.fixture(params=["in_memory", "dynamodb"])
def states(request: pytest.FixtureRequest) -> ProviderStates:
    if request.param == "in_memory":
        return InMemoryProviderStates()
    return DynamoProviderStates(request.getfixturevalue("dynamodb"), TABLE)


# ---- the circuit


def test_a_provider_of_whom_nothing_is_known_has_a_fresh_record(states: ProviderStates) -> None:
    assert states.load("minimax") == ProviderState(provider="minimax")


def test_a_record_is_read_back_equal(states: ProviderStates) -> None:
    states.save(FULL)
    assert states.load("minimax") == FULL
    assert states.load("aimlapi") == ProviderState(provider="aimlapi")


def test_the_record_holds_the_circuit_and_nothing_of_the_queue(dynamodb: "DynamoDBClient") -> None:
    waiting = ProviderQueue(waiting={"job_b/2": Reservation(5, 9)})
    DynamoProviderStates(dynamodb, TABLE).save(FULL.with_queue(waiting, Slots()))
    (item,) = dynamodb.scan(TableName=TABLE)["Items"]
    assert json.loads(item["state"]["S"]).keys() == {"provider", "version", "circuit"}


def test_of_a_record_that_an_earlier_release_stored_the_circuit_is_read() -> None:
    stored = '{"provider":"minimax","version":4,"limits":{"gap_ms":1,"concurrent":2},"pacing":{"typical_ms":61000}}'
    assert ProviderState.model_validate_json(stored) == ProviderState(provider="minimax", version=4)


def test_failures_of_a_made_up_name_are_read_back_equal(states: ProviderStates) -> None:
    rules = CircuitRules(failures=1, window_ms=60_000, open_ms=30_000, longest_open_ms=600_000)
    circuit = Circuit().after_unlisted("suno-zzz", "job_a/1", Health.FAILS, "http_403", 1_800_000_000_000, rules)
    circuit = circuit.after_unlisted("suno-yyy", "job_b/1", Health.SHUTS_US_OUT, "2153", 1_800_000_000_000, rules)
    circuit = circuit.let_through("job_c/1", 1_800_000_090_000, "suno-zzz")
    states.save(ProviderState(provider="apiinone", version=1, circuit=circuit))
    assert states.load("apiinone").circuit == circuit


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
    other = FULL.model_copy(update={"version": version, "circuit": Circuit()})
    assert states.save(other) == states.load("minimax") == FULL


def test_a_later_version_of_nothing_is_not_saved(states: ProviderStates) -> None:
    fresh = ProviderState(provider="minimax")
    assert states.save(FULL.model_copy(update={"version": 2})) == fresh
    assert states.load("minimax") == fresh


def test_several_records_are_read_at_once_and_unknown_ones_are_fresh(states: ProviderStates) -> None:
    states.save(FULL)
    fresh = ProviderState(provider="aimlapi")
    assert states.load_all(["minimax", "aimlapi"]) == {"minimax": FULL, "aimlapi": fresh}


# ---- slots and starts

LIMITS = Limits(gap_ms=100, concurrent=3)
BEGAN = 1_800_000_000_000


def lease(began_ms: int, lasts_ms: int = 960_000) -> Lease:
    return Lease(began_ms, began_ms + lasts_ms)


def look(states: ProviderStates, ticket: str = "", at_ms: int = BEGAN, limits: Limits = LIMITS) -> ProviderState:
    return states.look("minimax", ticket, limits, at_ms)


def take(states: ProviderStates, ticket: str, at_ms: int = BEGAN, limits: Limits = LIMITS) -> int | None:
    """The start that was reserved in ms after the first one; None where there was no slot or no start."""
    return taken_as_of(look(states, ticket, at_ms, limits), states, ticket, at_ms, limits)


def taken_as_of(
    seen: ProviderState, states: ProviderStates, ticket: str, at_ms: int, limits: Limits = LIMITS
) -> int | None:
    start = states.take(seen, ticket, lease(at_ms), limits)
    return None if start is None else start.start_ms - BEGAN


def running(states: ProviderStates, at_ms: int = BEGAN) -> list[str]:
    return sorted(look(states, at_ms=at_ms).queue.running)


def test_slots_are_taken_in_the_order_of_requests_each_a_gap_apart(states: ProviderStates) -> None:
    assert [take(states, f"job_{number}/1") for number in range(4)] == [0, 100, 200, None]
    queue = look(states).queue
    assert sorted(queue.running) == ["job_0/1", "job_1/1", "job_2/1"]
    assert queue.running["job_1/1"] == lease(BEGAN)
    assert queue.next_go_ms == BEGAN + 300


def test_a_slot_taken_after_the_last_start_is_long_gone_begins_at_once(states: ProviderStates) -> None:
    take(states, "job_0/1")
    assert take(states, "job_1/1", BEGAN + 5000) == 5000


def test_a_start_that_is_not_soon_is_not_reserved_and_takes_no_slot(states: ProviderStates) -> None:
    far = Limits(gap_ms=AHEAD_MS + 1, concurrent=3)
    assert take(states, "job_0/1", limits=far) == 0
    assert take(states, "job_1/1", limits=far) is None
    assert running(states) == ["job_0/1"]
    assert take(states, "job_1/1", BEGAN + 1, far) == far.gap_ms


def test_a_ticket_that_has_a_slot_keeps_it_for_longer_and_starts_at_once(states: ProviderStates) -> None:
    take(states, "job_0/1")
    assert take(states, "job_0/1", BEGAN + 5) == 5
    queue = look(states).queue
    assert queue.running == {"job_0/1": Lease(BEGAN, BEGAN + 960_005)}
    assert queue.next_go_ms == BEGAN + 100


def test_of_runs_that_saw_the_same_free_slot_one_takes_it(states: ProviderStates) -> None:
    one = Limits(gap_ms=1, concurrent=1)
    seen = {name: look(states, name, limits=one) for name in ("job_a/1", "job_b/1")}
    took = [taken_as_of(seen[name], states, name, BEGAN, one) for name in seen]
    assert took == [0, None]
    assert running(states) == ["job_a/1"]


def test_a_slot_is_free_once_it_is_given_back_and_its_call_is_learned_from(states: ProviderStates) -> None:
    take(states, "job_a/1")
    assert states.holds("minimax", "job_a/1")
    for _ in range(2):
        states.give_back("minimax", GivenBack("job_a/1", 11_000))
    assert not states.holds("minimax", "job_a/1")
    assert (running(states), look(states).queue.typical_ms) == ([], 11_000)
    assert take(states, "job_a/1", BEGAN + 5000) == 5000


def test_a_call_that_is_no_measure_is_not_learned_from(states: ProviderStates) -> None:
    take(states, "job_a/1")
    states.give_back("minimax", GivenBack("job_a/1", None))
    assert (running(states), look(states).queue.typical_ms) == ([], 0)


def test_a_slot_whose_lease_is_over_is_free_and_its_owner_frees_no_other(states: ProviderStates) -> None:
    one = Limits(gap_ms=1, concurrent=1)
    take(states, "dead/1", limits=one)
    over = BEGAN + 960_000
    assert take(states, "next/1", over - 1, one) is None
    assert take(states, "next/1", over, one) == 960_000
    states.give_back("minimax", GivenBack("dead/1", 5))
    assert running(states, over) == ["next/1"]


def test_giving_back_what_was_never_taken_does_no_harm(states: ProviderStates) -> None:
    states.give_back("minimax", GivenBack("job_a/1", 7))
    assert look(states) == ProviderState(provider="minimax").with_queue(ProviderQueue(), Slots(free=(0, 1, 2)))


# ---- places


def test_a_place_is_there_until_its_job_leaves(states: ProviderStates) -> None:
    states.wait("minimax", "job_b/2", Reservation(BEGAN + 500, BEGAN + 1000))
    assert states.holds("minimax", "job_b/2")
    assert look(states).queue.waiting == {"job_b/2": Reservation(BEGAN + 500, BEGAN + 1000)}
    for _ in range(2):
        states.leave("minimax", "job_b/2")
    assert not states.holds("minimax", "job_b/2")
    assert look(states).queue.waiting == {}


def test_a_place_keeps_its_first_start_whatever_its_job_is_told_later(states: ProviderStates) -> None:
    states.wait("minimax", "job_b/2", Reservation(BEGAN, BEGAN))
    states.wait("minimax", "job_b/2", Reservation(BEGAN + 9000, BEGAN + 9500))
    assert look(states).queue.waiting == {"job_b/2": Reservation(BEGAN, BEGAN + 9500)}


def test_who_is_turned_away_is_noted_beside_the_next_start(states: ProviderStates) -> None:
    take(states, "job_0/1")
    states.turn_away("minimax", BEGAN + 7000)
    queue = look(states).queue
    assert (queue.next_go_ms, queue.next_return_ms) == (BEGAN + 100, BEGAN + 7000)


def test_providers_share_nothing(states: ProviderStates) -> None:
    take(states, "job_0/1")
    states.wait("minimax", "job_1/1", Reservation(BEGAN, BEGAN))
    assert states.look("aimlapi", "", LIMITS, BEGAN).queue == ProviderQueue()


# ---- what only DynamoDB does


def units(dynamodb: "DynamoDBClient") -> list[str]:
    """The keys of the items that are written from now on; each write is of less than 1 KB, so of one unit."""
    keys: list[str] = []

    def note(params: dict[str, dict[str, dict[str, str]]], **_: object) -> None:
        keys.append("/".join(part["S"] for part in params["Key"].values()))

    for operation in ("UpdateItem", "DeleteItem"):
        dynamodb.meta.events.register(f"provide-client-params.dynamodb.{operation}", note)
    return keys


@pytest.mark.parametrize("waiting", [0, 5, 300])
@pytest.mark.parametrize("taken", [0, 90])
def test_a_start_costs_three_write_units_however_many_jobs_wait_or_run(
    dynamodb: "DynamoDBClient", waiting: int, taken: int
) -> None:
    limits, states = Limits(gap_ms=1, concurrent=LANE), DynamoProviderStates(dynamodb, TABLE)
    for number in range(taken):
        take(states, f"job_{number:026d}/1", BEGAN + number, limits)
    for number in range(waiting):
        states.wait("minimax", f"job_w{number:025d}/1", Reservation(BEGAN + number, BEGAN + 10**6))
    at_ms, keys = BEGAN + 5000, units(dynamodb)
    assert take(states, "job_new/1", at_ms, limits) == 5000
    states.give_back("minimax", GivenBack("job_new/1", 60_000))
    assert len(keys) == 3
    assert [key for key in keys if "SLOTS" not in key] == ["PROVIDER#minimax#QUEUE/NEXT"]
    largest = max(len(json.dumps(item)) for item in dynamodb.scan(TableName=TABLE)["Items"])
    assert largest < 1024


MANY = Limits(gap_ms=1, concurrent=20_000)


def test_one_of_twenty_thousand_slots_is_found_in_one_query(dynamodb: "DynamoDBClient") -> None:
    states = DynamoProviderStates(dynamodb, TABLE)
    queries = AnswersInstead(dynamodb, "Query")
    seen = look(states, "job_a/1", limits=MANY)
    assert (queries.calls, len(seen.slots.free), seen.queue.slots_read) == (2, LANE, LANE)
    assert taken_as_of(seen, states, "job_a/1", BEGAN, MANY) == 0
    assert look(states, "job_a/1", limits=MANY).slots.own is not None
    # Another process, which does not remember the number, frees it as well.
    DynamoProviderStates(dynamodb, TABLE).give_back("minimax", GivenBack("job_a/1", None))
    assert look(states, "job_a/1", limits=MANY).slots.own is None


def test_each_of_several_hundred_slots_is_found_and_never_one_more(dynamodb: "DynamoDBClient") -> None:
    limits, states = Limits(gap_ms=1, concurrent=250), DynamoProviderStates(dynamodb, TABLE)
    starts = [take(states, f"job_{number}/1", BEGAN + number, limits) for number in range(251)]
    assert starts[:250] == [*range(250)]
    assert starts[250] is None
    states.give_back("minimax", GivenBack("job_17/1", None))
    assert take(states, "job_late/1", BEGAN + 300, limits) == 300


def test_a_full_lane_sends_to_others_that_change_with_the_time(dynamodb: "DynamoDBClient") -> None:
    limits, states = Limits(gap_ms=1, concurrent=1000), DynamoProviderStates(dynamodb, TABLE)
    own = look(states, "job_a/1", limits=limits)
    for number in own.slots.free:
        one = own.model_copy(update={"slots": Slots(free=(number,))})
        assert taken_as_of(one, states, f"other_{number}/1", BEGAN + number, limits) is not None
    lanes = set[int]()
    for second in range(60):
        free = look(states, "job_a/1", BEGAN + 1000 * second, limits).slots.free
        lanes |= {number // LANE for number in free}
    assert lanes == {*range(10)} - {own.slots.free[0] // LANE}


def test_fewer_slots_than_before_are_taken_only_once_enough_are_free(states: ProviderStates) -> None:
    for number in range(3):
        take(states, f"job_{number}/1")
    fewer = Limits(gap_ms=100, concurrent=2)
    seen = look(states, "next/1", BEGAN + 5000, fewer)
    assert len(seen.queue.running) == 3
    asked, admission = seen.ask("next/1", BEGAN + 5000, BEGAN + 9000, fewer, has_alternative=False)
    assert ("next/1" in asked.queue.waiting, admission.__class__.__name__) == (True, "WaitUntil")


def test_a_start_that_is_no_longer_soon_once_another_took_one_is_not_reserved(dynamodb: "DynamoDBClient") -> None:
    states, gap = DynamoProviderStates(dynamodb, TABLE), Limits(gap_ms=AHEAD_MS, concurrent=3)
    take(states, "job_0/1", limits=gap)
    seen = look(states, "job_1/1", limits=gap)
    assert take(states, "job_2/1", limits=gap) == AHEAD_MS
    assert taken_as_of(seen, states, "job_1/1", BEGAN, gap) is None
    assert running(states) == ["job_0/1", "job_2/1"]


def test_a_slot_lost_to_another_run_is_replaced_by_the_next_free_one(dynamodb: "DynamoDBClient") -> None:
    states = DynamoProviderStates(dynamodb, TABLE)
    seen = {name: look(states, name) for name in ("job_a/1", "job_b/1", "job_c/1", "job_d/1")}
    took = [taken_as_of(seen[name], states, name, BEGAN) for name in seen]
    assert took == [0, 100, 200, None]
    assert running(states) == ["job_a/1", "job_b/1", "job_c/1"]


def unreachable() -> Answer:
    raise EndpointConnectionError(endpoint_url="https://dynamodb")


@pytest.mark.parametrize("trouble", [unreachable, aws_error("ProvisionedThroughputExceededException", "canary")])
@pytest.mark.parametrize(
    ("operation", "use"),
    [
        ("GetItem", lambda states: states.load("minimax")),
        ("BatchGetItem", lambda states: states.load_all(["minimax"])),
        ("Query", lambda states: states.look("minimax", "job_a/1", LIMITS, 0)),
        ("UpdateItem", lambda states: states.save(FULL)),
        ("UpdateItem", lambda states: states.take(look(states), "job_a/1", Lease(1, 2), LIMITS)),
        ("UpdateItem", lambda states: states.wait("minimax", "job_a/1", Reservation(1, 1))),
        ("UpdateItem", lambda states: states.turn_away("minimax", 1)),
        ("DeleteItem", lambda states: states.leave("minimax", "job_a/1")),
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


def test_the_circuit_is_read_consistently(dynamodb: "DynamoDBClient") -> None:
    asked: list[object] = []

    def note(params: dict[str, object], **_: object) -> None:
        asked.append(params["ConsistentRead"])

    dynamodb.meta.events.register("provide-client-params.dynamodb.GetItem", note)
    look(DynamoProviderStates(dynamodb, TABLE))
    assert asked == [True]
