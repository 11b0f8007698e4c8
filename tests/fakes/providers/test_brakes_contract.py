"""One contract for an operator's pauses, budgets and the claims that they hold, kept by the fakes and by DynamoDB."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.providers.brake_store import DynamoBrakeStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.budget_shares import SHARDS, shard_of
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged, unknown_outcome
from fermata.domain.providers.spending import PauseAndBudget
from fermata.errors import ProviderHeldError, StaleRecordError, TransientError
from fermata.ports.jobs import JobStore
from fermata.ports.providers import BrakeStore
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger import items
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.songs import JOB_ID, claimed_attempt, queued_job, rate_limited
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table, passes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

COST = 150_000
TODAY = NOON.date()
NEXT_DAY = NOON + timedelta(days=1)


@dataclass(frozen=True)
class Stores:
    """Jobs, pauses and budgets over the same records."""

    jobs: JobStore
    brakes: BrakeStore

    def of(self, provider: str = "minimax") -> PauseAndBudget:
        return self.brakes.load([provider], TODAY)[provider]

    @property
    def spent(self) -> int:
        return self.of().spent_micro_usd

    def queued(self, number: int = 0) -> Job:
        job = queued_job(id=f"{JOB_ID[:-2]}{number:02d}")
        self.jobs.create(job)
        return job

    def claim(self, job: Job, budget: int = 0, **changes: object) -> Job:
        claimed = job.claimed(attempt(**changes), NOON)
        self.jobs.claim(claimed, budget)
        return claimed

    def is_claimed(self, job: Job) -> bool:
        stored = self.jobs.load(job.id)
        return stored is not None and stored.status is JobStatus.SUBMITTING


def attempt(**changes: Any) -> Attempt:  # noqa: ANN401 - fields of an attempt
    return claimed_attempt(**{"cost_micro_usd": COST, **changes})


def tried(claim: Callable[[], object]) -> bool:
    try:
        claim()
    except ProviderHeldError:
        return False
    return True


@pytest.fixture
def dynamodb() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield dynamodb_with_table(*FUNDED_WALLETS)


def over_dynamodb(client: "DynamoDBClient") -> Stores:
    transactions = DynamoTransactions(client, TABLE)
    return Stores(DynamoJobStore(transactions), DynamoBrakeStore(transactions))


@pytest.fixture(params=["in_memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "in_memory":
        jobs = InMemoryJobStore()
        return Stores(jobs, jobs.brakes)
    return over_dynamodb(request.getfixturevalue("dynamodb"))


# ---- pauses


def test_without_any_record_nothing_is_held(stores: Stores) -> None:
    assert stores.brakes.load(["minimax", "aimlapi"], TODAY) == {
        "minimax": PauseAndBudget("minimax", TODAY),
        "aimlapi": PauseAndBudget("aimlapi", TODAY),
    }


def test_a_pause_is_reported_until_it_is_lifted(stores: Stores) -> None:
    assert stores.brakes.pause("minimax", NOON)
    assert not stores.brakes.pause("minimax", NEXT_DAY)
    assert (stores.of().paused_by, stores.of("aimlapi").paused_by) == (("minimax",), ())
    assert stores.brakes.resume("minimax")
    assert not stores.brakes.resume("minimax")
    assert stores.of().paused_by == ()


def test_a_budget_that_was_set_holds_until_it_is_reset(stores: Stores) -> None:
    stores.brakes.set_budget("minimax", COST)
    assert (stores.of().set_micro_usd, stores.of("aimlapi").set_micro_usd) == (COST, None)
    assert (stores.of().budget(7), stores.of("aimlapi").budget(7)) == (COST, 7)
    stores.brakes.set_budget("minimax", 0)
    assert (stores.of().set_micro_usd, stores.of().budget(7)) == (0, 0)
    stores.brakes.set_budget("minimax", None)
    stores.brakes.set_budget("minimax", None)
    assert stores.of() == PauseAndBudget("minimax", TODAY)


@pytest.mark.parametrize("pauses_first", [True, False])
@pytest.mark.parametrize("resumes_first", [True, False])
def test_a_pause_and_a_budget_that_was_set_leave_each_other_alone(
    stores: Stores, pauses_first: bool, resumes_first: bool
) -> None:
    if pauses_first:
        assert stores.brakes.pause("minimax", NOON)
    stores.brakes.set_budget("minimax", COST)
    if not pauses_first:
        assert stores.brakes.pause("minimax", NOON)
    assert not tried(partial(stores.claim, stores.queued()))
    if resumes_first:
        assert stores.brakes.resume("minimax")
        assert (stores.of().paused_by, stores.of().set_micro_usd) == ((), COST)
        stores.brakes.set_budget("minimax", None)
    else:
        stores.brakes.set_budget("minimax", None)
        assert (stores.of().paused_by, stores.of().set_micro_usd) == (("minimax",), None)
        assert stores.brakes.resume("minimax")
    assert stores.of() == PauseAndBudget("minimax", TODAY)
    assert tried(partial(stores.claim, stores.queued(1)))


def test_a_budget_that_was_set_pauses_nothing(stores: Stores) -> None:
    stores.brakes.set_budget("minimax", COST)
    assert stores.is_claimed(stores.claim(stores.queued()))
    assert not stores.brakes.resume("minimax")


def test_the_pause_of_all_and_that_of_one_are_two(stores: Stores) -> None:
    stores.brakes.pause("all", NOON)
    stores.brakes.pause("minimax", NOON)
    assert (stores.of().paused_by, stores.of("aimlapi").paused_by) == (("minimax", "all"), ("all",))
    stores.brakes.resume("all")
    assert stores.of().paused_by == ("minimax",)


@pytest.mark.parametrize("name", ["minimax", "all"])
def test_a_paused_provider_is_not_claimed_and_nothing_is_written(stores: Stores, name: str) -> None:
    job = stores.queued()
    stores.brakes.pause(name, NOON)
    with pytest.raises(ProviderHeldError) as caught:
        stores.claim(job)
    assert caught.value.paused_by == name
    assert (stores.jobs.load(job.id), stores.spent) == (job, 0)
    stores.brakes.resume(name)
    stores.claim(job)
    assert stores.is_claimed(job)


def test_the_pause_of_another_provider_holds_nothing(stores: Stores) -> None:
    stores.brakes.pause("aimlapi", NOON)
    assert stores.is_claimed(stores.claim(stores.queued()))


# ---- budgets


def test_a_claim_is_booked_and_read_back_without_its_booking(stores: Stores) -> None:
    claimed = stores.claim(stores.queued())
    assert stores.jobs.load(claimed.id) == claimed.model_copy(update={"to_book": None})
    assert (stores.spent, stores.of("aimlapi").spent_micro_usd) == (COST, 0)


@pytest.mark.parametrize(
    ("budget", "songs"), [(1, 0), (COST - 1, 0), (COST, 1), (2 * COST - 1, 1), (3 * COST, 3), (0, 5)]
)
def test_a_budget_allows_as_many_songs_as_fit_into_it(stores: Stores, budget: int, songs: int) -> None:
    jobs = [stores.queued(number) for number in range(5)]
    passed = [tried(partial(stores.claim, job, budget)) for job in jobs]
    assert passed == [True] * songs + [False] * (5 - songs)
    assert [stores.is_claimed(job) for job in jobs] == passed
    assert stores.spent == songs * COST


def test_a_spent_budget_is_no_pause(stores: Stores) -> None:
    job = stores.queued()
    with pytest.raises(ProviderHeldError) as caught:
        stores.claim(job, COST - 1)
    assert (caught.value.paused_by, stores.jobs.load(job.id)) == (None, job)


def test_a_new_day_has_a_budget_of_its_own(stores: Stores) -> None:
    stores.claim(stores.queued(0), COST)
    stores.claim(stores.queued(1), COST, started_at=NEXT_DAY)
    assert stores.spent == COST
    assert stores.brakes.load(["minimax"], NEXT_DAY.date())["minimax"].spent_micro_usd == COST


def failure(charged: ProviderCharged) -> Failure:
    return Failure(failure_class=FailureClass.RATE_LIMITED, provider_charged=charged, message="no", code="1")


@pytest.mark.parametrize(
    ("charged", "left"), [(ProviderCharged.NO, 0), (ProviderCharged.UNKNOWN, COST), (ProviderCharged.YES, COST)]
)
def test_only_what_is_surely_unpaid_is_given_back_to_the_budget(
    stores: Stores, charged: ProviderCharged, left: int
) -> None:
    claimed = stores.claim(stores.queued(), COST)
    failed = claimed.with_outcome(claimed.attempts[-1].after(Refused(failure(charged)), NOON), NOON)
    stores.jobs.save(failed)
    assert stores.spent == left


@pytest.mark.parametrize("back", [False, True], ids=["nothing was booked", "all was given back"])
def test_a_budget_that_is_too_small_for_one_song_allows_none(stores: Stores, back: bool) -> None:
    if back:
        claimed = stores.claim(stores.queued(1))
        stores.jobs.save(claimed.with_outcome(claimed.attempts[-1].after(Refused(rate_limited()), NOON), NOON))
    assert stores.spent == 0
    with pytest.raises(ProviderHeldError):
        stores.claim(stores.queued(), budget=COST - 1)
    assert stores.spent == 0


def test_what_is_given_back_is_given_back_once_whatever_is_written_later(stores: Stores) -> None:
    claimed = stores.claim(stores.queued(), COST)
    failed = claimed.with_outcome(claimed.attempts[-1].after(Refused(rate_limited()), NOON), NOON)
    stores.jobs.save(failed)
    with pytest.raises(StaleRecordError):
        stores.jobs.save(failed)
    again = failed.claimed(attempt(number=2), NOON)
    stores.jobs.claim(again, COST)
    assert stores.spent == COST
    unknown = again.with_outcome(again.attempts[-1].after(Refused(unknown_outcome("cut")), NOON), NOON)
    stores.jobs.save(unknown)
    assert stores.spent == COST


def test_the_end_of_a_job_gives_nothing_back_once_more(stores: Stores) -> None:
    stores.claim(stores.queued(1))
    claimed = stores.claim(stores.queued())
    failed = claimed.with_outcome(claimed.attempts[-1].after(Refused(rate_limited()), NOON), NOON)
    stores.jobs.save(failed)
    ended = failed.settled(rate_limited(), NOON)
    stores.jobs.settle(ended)
    stores.jobs.save(ended.published())
    stores.jobs.forget(tombstone_of(ended.published(), NOON))
    assert stores.spent == COST


def test_what_is_given_back_after_midnight_goes_to_the_day_of_the_order(stores: Stores) -> None:
    claimed = stores.claim(stores.queued(), COST)
    stores.jobs.save(claimed.with_outcome(claimed.attempts[-1].after(Refused(rate_limited()), NEXT_DAY), NEXT_DAY))
    assert stores.spent == 0
    assert stores.brakes.load(["minimax"], NEXT_DAY.date())["minimax"].spent_micro_usd == 0


def test_an_attempt_that_ordered_nothing_books_nothing(stores: Stores) -> None:
    job = stores.queued()
    stores.jobs.save(job.with_attempt_without_order(attempt().after(Refused(rate_limited()), NOON), NOON))
    assert stores.spent == 0


def test_of_two_reasons_the_lost_race_is_reported(stores: Stores) -> None:
    job = stores.queued()
    stores.claim(job, COST)
    stores.brakes.pause("all", NOON)
    with pytest.raises(StaleRecordError):
        stores.claim(job, COST, claim_id="another run")


# ---- what only DynamoDB does


def test_of_many_parallel_claims_exactly_as_many_pass_as_the_budget_allows(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    jobs = [stores.queued(number) for number in range(20)]
    with ThreadPoolExecutor(8) as runs:
        passed = list(runs.map(lambda job: tried(lambda: stores.claim(job, 3 * COST)), jobs))
    assert (sum(passed), stores.spent) == (3, 3 * COST)
    assert [stores.is_claimed(job) for job in jobs] == passed


def test_no_claim_is_made_after_a_pause_returned(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    jobs = [stores.queued(number) for number in range(20)]

    def pause_at(number: int) -> int | None:
        if number == 10:
            stores.brakes.pause("all", NOON)
            return sum(stores.is_claimed(job) for job in jobs)
        tried(lambda: stores.claim(jobs[number]))
        return None

    with ThreadPoolExecutor(4) as runs:
        at_the_pause = next(told for told in list(runs.map(pause_at, range(20))) if told is not None)
    assert sum(stores.is_claimed(job) for job in jobs) == at_the_pause


@pytest.mark.parametrize("name", ["minimax", "all"])
def test_a_pause_between_the_claims_decision_and_its_write_holds_it(dynamodb: "DynamoDBClient", name: str) -> None:
    stores = over_dynamodb(dynamodb)
    job = stores.queued()

    def pause() -> None:
        stores.brakes.pause(name, NOON)

    AnswersInstead(dynamodb, "TransactWriteItems", pause)
    assert not tried(lambda: stores.claim(job))
    assert stores.jobs.load(job.id) == job


def test_the_spending_of_a_day_is_forgotten_after_two_months(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    stores.claim(stores.queued())
    (day,) = items(dynamodb, "BUDGET#minimax", "2026")
    midnight = NOON.replace(hour=0)
    assert (day["sk"], day["ttl"]) == ("2026-11-21", int((midnight + timedelta(days=60)).timestamp()))


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
def test_a_table_that_cannot_be_used_is_transient(dynamodb: "DynamoDBClient", operation: str) -> None:
    stores = over_dynamodb(dynamodb)
    AnswersInstead(dynamodb, operation, aws_error("ProvisionedThroughputExceededException", "canary"))
    with pytest.raises(TransientError) as caught:
        _ = stores.of() if operation == "BatchGetItem" else stores.brakes.pause("all", NOON)
    assert "canary" not in str(caught.value)


def test_pauses_and_budgets_that_were_read_only_in_part_are_not_taken_for_absent(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)

    def in_part(parsed: dict[str, Any], **_: object) -> None:
        parsed["UnprocessedKeys"] = {TABLE: {"Keys": [{"pk": {"S": "PAUSE#all"}, "sk": {"S": "PAUSE"}}]}}

    dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", in_part)
    with pytest.raises(TransientError, match="throttled"):
        stores.of()


@pytest.mark.parametrize("name", ["minimax", "all"])
def test_a_pause_is_in_every_copy_that_a_claim_may_check_and_its_end_in_none(
    dynamodb: "DynamoDBClient", name: str
) -> None:
    stores = over_dynamodb(dynamodb)
    jobs = [stores.queued(number) for number in range(60)]
    assert {shard_of(job.id) for job in jobs} == set(range(SHARDS))
    stores.brakes.pause(name, NOON)
    assert not any(tried(partial(stores.claim, job)) for job in jobs)
    stores.brakes.resume(name)
    assert all(tried(partial(stores.claim, job)) for job in jobs)


def test_claims_of_jobs_of_two_shards_share_no_item(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    written: list[set[str]] = []

    def note(params: dict[str, Any], **_: object) -> None:
        parts = [next(iter(part.values())) for part in params["TransactItems"]]
        written.append({str(part.get("Item") or part["Key"]) for part in parts})

    jobs = [stores.queued(number) for number in range(60)]
    first, second = ([job for job in jobs if shard_of(job.id) == shard] for shard in (1, 2))
    # The first claims count the shards and are handed what later ones need.
    for job in (*first[:2], *second[:2]):
        stores.claim(job, 10**12)
    dynamodb.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", note)
    for job in (first[2], second[2]):
        stores.claim(job, 10**12)
    assert len(written) == 2
    assert not written[0] & written[1]


def test_a_pause_that_was_ended_meanwhile_pauses_no_copy(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)

    def resume() -> None:
        stores.brakes.resume("minimax")

    AnswersInstead(dynamodb, "TransactWriteItems", passes, resume)
    stores.brakes.pause("minimax", NOON)
    assert all(tried(partial(stores.claim, stores.queued(number))) for number in range(40))


def test_an_end_whose_pause_came_again_meanwhile_frees_no_copy(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    stores.brakes.pause("minimax", NOON)

    def pause() -> None:
        stores.brakes.pause("minimax", NEXT_DAY)

    AnswersInstead(dynamodb, "TransactWriteItems", passes, pause)
    stores.brakes.resume("minimax")
    assert not any(tried(partial(stores.claim, stores.queued(number))) for number in range(40))


def test_what_an_interrupted_end_left_is_ended_by_the_next(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    stores.brakes.pause("minimax", NOON)
    AnswersInstead(dynamodb, "TransactWriteItems", passes, aws_error("ProvisionedThroughputExceededException"))
    with pytest.raises(TransientError):
        stores.brakes.resume("minimax")
    assert not stores.brakes.resume("minimax")
    assert all(tried(partial(stores.claim, stores.queued(number))) for number in range(40))


def test_new_orders_are_refused_by_one_item(dynamodb: "DynamoDBClient") -> None:
    stores = over_dynamodb(dynamodb)
    assert stores.brakes.pause("orders", NOON)
    found = dynamodb.scan(TableName=TABLE)["Items"]
    assert [item["pk"]["S"] for item in found if item["pk"]["S"].startswith("PAUSE")] == ["PAUSE#orders"]
