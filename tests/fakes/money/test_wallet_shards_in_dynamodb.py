"""A hot tenant's wallet that is spread over shards: whatever writers do between each other's reads and writes, no order
exceeds a bound, and none is refused while anything is left.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.items import Item
from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.money.wallet_deals import Deals
from fermata.adapters.dynamodb.money.wallet_store import DynamoWalletStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions, Write
from fermata.domain.jobs.job import Job
from fermata.domain.money.movement import grant_of
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.providers.budget_shares import SHARDS, shard_of
from fermata.domain.tenants.discounts import Tier
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import FermataError, OutOfCreditError, TenantSuspendedError
from fermata.limit_errors import LostSongsError, MonthlyLimitError, RateLimitedError, TooManyJobsError
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, items, ledger_in_dynamodb
from tests.fakes.money.orders import DECEMBER, counters
from tests.fakes.tenants.orders import lose, risky
from tests.songs import queued_job, rate_limited
from tests.support.cloud import TABLE, dynamodb_with_table
from tests.support.direct_dynamodb import directly, empty
from tests.support.turns import Interrupted, orders, together

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HOT = PlanLimits(submits_per_minute=6000, concurrent_jobs=6000)
COOL = PlanLimits(submits_per_minute=1200, concurrent_jobs=6000)
PRICE = 30
JOBS = [new_job_id(NOON, number.to_bytes(10)) for number in range(2000)]
IDS = [[job_id for job_id in JOBS if shard_of(job_id) == shard] for shard in range(SHARDS)]
"""The ids of some jobs of each shard."""


@pytest.fixture(scope="module")
def client() -> Iterator["DynamoDBClient"]:
    with mock_aws():
        yield directly(dynamodb_with_table())


@pytest.fixture
def ledger(client: "DynamoDBClient") -> Ledger:
    return fresh(client)


def fresh(client: "DynamoDBClient", credits_: int = 0, **limits: Any) -> Ledger:  # noqa: ANN401 - fields of the limits
    empty(client, TABLE)
    ledger = ledger_in_dynamodb(client)
    ledger.wallets.open(empty_wallet("acme", NOON))
    if credits_:
        ledger.wallets.grant(grant_of("acme", credits_, "0000-grant", NOON))
    ledger.wallets.set_plan("acme", Plan.PREPAID, None, HOT.model_copy(update=limits))
    return ledger


def job_in(shard: int, now: Any = NOON, turn: int = 0) -> Job:  # noqa: ANN401 - a moment
    return queued_job(id=IDS[shard][turn], now=now)


def passes(ledger: Ledger, shard: int, now: Any = NOON, turn: int = 0) -> bool:  # noqa: ANN401 - a moment
    try:
        ledger.jobs.create(job_in(shard, now, turn))
    except (OutOfCreditError, MonthlyLimitError, TooManyJobsError, RateLimitedError):
        return False
    return True


def shares(client: "DynamoDBClient") -> list[dict[str, Any]]:
    return [share for shard in range(SHARDS) for share in items(client, f"WALLET#acme#{shard}", "SHARE")]


def test_a_plan_that_is_not_hot_leaves_one_item(client: "DynamoDBClient", ledger: Ledger) -> None:
    fresh(client)
    ledger.wallets.set_plan("other", Plan.PREPAID, None, COOL)
    ledger.wallets.open(empty_wallet("cool", NOON))
    ledger.wallets.set_plan("cool", Plan.PREPAID, None, COOL)
    assert not items(client, "WALLET#cool#0", "SHARE")
    assert "shards" not in items(client, "WALLET#cool", "WALLET")[0]


def test_a_wallet_is_the_sum_of_its_shards_and_its_plan_is_whole(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 1000)
    assert all([passes(ledger, 3), passes(ledger, 9)])
    wallet = ledger.wallet()
    assert (wallet.submits_per_minute, wallet.concurrent_jobs) == (6000, 6000)
    assert (wallet.open_jobs, wallet.submits_in_minute, counters(ledger)) == (2, 2, (1000, 940, 60, 0))


def test_ordinary_orders_and_ends_write_one_shard(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 10**6)
    before = {share["pk"]: share for share in shares(client)}
    first = items(client, "WALLET#acme", "WALLET")
    job = job_in(5)
    ledger.jobs.create(job)
    ledger.jobs.settle(job.settled(rate_limited(), NOON))
    changed = {share["pk"] for share in shares(client) if share != before[share["pk"]]}
    assert changed == {"WALLET#acme#5"}
    assert items(client, "WALLET#acme", "WALLET") == first


@pytest.mark.parametrize("credits_", [0, 29, 30, 59, 90, 500])
def test_every_credit_is_found_in_whatever_shard_it_is_left(client: "DynamoDBClient", credits_: int) -> None:
    ledger = fresh(client, credits_)
    taken = sum(passes(ledger, number % SHARDS, turn=number // SHARDS) for number in range(20))
    assert taken == credits_ // PRICE
    counters(ledger)


@pytest.mark.parametrize(
    ("bounds", "refused", "taken"),
    [
        ({"concurrent_jobs": 5}, TooManyJobsError, 5),
        ({"monthly_credits": 100}, MonthlyLimitError, 3),
    ],
)
def test_every_bound_is_kept_to_the_last(
    client: "DynamoDBClient", bounds: dict[str, int], refused: type[FermataError], taken: int
) -> None:
    ledger = fresh(client, 10_000, **bounds)
    assert [passes(ledger, number) for number in range(8)] == [True] * taken + [False] * (8 - taken)
    with pytest.raises(refused):
        ledger.jobs.create(job_in(9))
    ended = job_in(0)
    ledger.jobs.settle(ended.settled(rate_limited(), NOON))
    assert passes(ledger, 9)
    assert not passes(ledger, 10)
    for name, amount in bounds.items():
        assert sum(share[name] for share in shares(client)) == amount


def test_a_minute_takes_its_orders_and_no_more_whatever_shards_they_come_to(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 10**6, submits_per_minute=1201)
    for turn in range(3):
        assert all(passes(ledger, shard, turn=turn) for shard in range(SHARDS))
    # Whatever is left is moved to one shard's count, as if it had ordered them.
    part = DynamoTransactions(client, TABLE)
    for shard in range(SHARDS):
        used = {":used": 72}
        part.write(
            {"": part.update(f"WALLET#acme#{shard}", "SHARE", "SET #submits_in_minute = :used", None, used)}, 10**9
        )
    left = 1201 - 72 * SHARDS
    assert sum(passes(ledger, 4, turn=turn) for turn in range(3, 3 + left + 5)) == left
    assert ledger.wallet().submits_in_minute == 1201
    assert all(passes(ledger, shard, NOON + timedelta(minutes=1), turn=70) for shard in range(SHARDS))
    assert ledger.wallet().submits_in_minute == SHARDS


def test_a_cap_is_one_for_all_shards_and_begins_anew_with_the_month(client: "DynamoDBClient") -> None:
    ledger = fresh(client)
    assert ledger.wallets.set_plan("acme", Plan.POSTPAID, 100, HOT)
    job = job_in(0)
    ledger.jobs.create(job)
    assert [passes(ledger, number) for number in (1, 2, 3)] == [True, True, False]
    ledger.jobs.settle(job.settled(rate_limited(), NOON))
    assert [passes(ledger, number) for number in (4, 5)] == [True, False]
    assert not passes(ledger, 6, DECEMBER)
    counters(ledger)


def test_a_suspension_holds_in_every_shard_and_ends_in_every_shard(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 1000)
    assert [ledger.wallets.suspend("acme", NOON), ledger.wallets.suspend("acme", NOON)] == [True, False]
    for shard in range(SHARDS):
        with pytest.raises(TenantSuspendedError):
            ledger.jobs.create(job_in(shard))
    assert [ledger.wallets.resume("acme"), ledger.wallets.resume("acme")] == [True, False]
    assert passes(ledger, 3)


def test_lost_songs_count_in_every_shard(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 10_000, lost_songs_per_day=2)
    first, second = risky(1), risky(2)
    for job in (first, second):
        ledger.jobs.create(job)
    with pytest.raises(LostSongsError):
        ledger.jobs.create(risky(3))
    lose(ledger, first)
    lose(ledger, second)
    for shard in range(SHARDS):
        with pytest.raises(LostSongsError):
            ledger.jobs.create(job_in(shard))
    assert passes(ledger, 0, NOON + timedelta(days=1))
    assert (ledger.wallet().lost_in_day, ledger.wallet().at_risk) == (2, 0)


def test_a_wallet_becomes_whole_and_spread_with_everything_in_it(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 1000)
    job = job_in(7)
    ledger.jobs.create(job)
    for limits in (COOL, HOT, HOT.model_copy(update={"tiers": (Tier(from_credits=10, percent=5),)}), HOT):
        assert ledger.wallets.set_plan("acme", Plan.PREPAID, None, limits)
        assert counters(ledger) == (1000, 970, 30, 0)
        assert ledger.wallet().submits_per_minute == limits.submits_per_minute
        assert ("shards" in items(client, "WALLET#acme", "WALLET")[0]) is (limits == HOT)
    ledger.jobs.settle(job.settled(rate_limited(), NOON))
    assert counters(ledger) == (1000, 1000, 0, 0)


def test_a_wallet_of_which_more_is_taken_than_the_plan_allows_stays_whole(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 1000)
    assert all(passes(ledger, number) for number in range(3))
    assert ledger.wallets.set_plan("acme", Plan.POSTPAID, 50, HOT)
    assert "shards" not in items(client, "WALLET#acme", "WALLET")[0]
    assert not passes(ledger, 4)


def test_a_debt_keeps_a_spread_wallet_postpaid(client: "DynamoDBClient") -> None:
    ledger = fresh(client)
    assert ledger.wallets.set_plan("acme", Plan.POSTPAID, 100, HOT)
    assert passes(ledger, 3)
    assert not ledger.wallets.set_plan("acme", Plan.PREPAID, None, HOT)
    assert (ledger.wallet().plan, ledger.wallet().cap_credits) == (Plan.POSTPAID, 100)
    assert passes(ledger, 4)


def test_an_end_by_a_release_before_shards_counts(client: "DynamoDBClient") -> None:
    """Such a run adds to the first item, and an order finds in a deal what came back there."""
    ledger = fresh(client, 30)
    assert passes(ledger, 3)
    adds = "ADD #balance :back , #held :less , #committed :less , #open_jobs :one"
    transactions = DynamoTransactions(client, TABLE)
    part = transactions.update("WALLET#acme", "WALLET", adds, None, {":back": 30, ":less": -30, ":one": -1})
    transactions.write({"": part}, transactions.deadline())
    assert (ledger.wallet().balance, ledger.wallet().held) == (30, 0)
    assert [passes(ledger, 4), passes(ledger, 5)] == [True, False]


def test_a_run_that_died_between_closing_and_dealing_holds_nobody_up(client: "DynamoDBClient") -> None:
    for limits in (HOT, COOL):
        ledger = fresh(client, 60)
        ledger.wallets.set_plan("acme", Plan.PREPAID, None, limits)
        quick = DynamoTransactions(client, TABLE, pause=lambda _: None)
        deals = Deals("acme", quick, quick.deadline())
        first = deals.first()
        assert first is not None
        assert deals.close(first)
        assert ledger.wallet().balance == 60
        DynamoJobStore(quick).create(job_in(1))
        assert [passes(ledger, 2), passes(ledger, 3)] == [True, False]
        assert counters(ledger) == (60, 0, 60, 0)


class _Torn(DynamoTransactions):
    """Transactions that read one half of a wallet's shards, and the other after something else happened."""

    meanwhile: Callable[[], object] | None = None

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        meanwhile, half = self.meanwhile, SHARDS // 2
        if len(keys) != SHARDS or meanwhile is None:
            return super().get_all(keys)
        self.meanwhile, found = None, super().get_all(keys[:half])
        meanwhile()
        return [*found, *super().get_all(keys[half:])]


def test_an_order_is_not_refused_by_shards_that_were_read_at_different_moments(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 2 * PRICE)
    job = job_in(3)
    ledger.jobs.create(job)
    transactions = _Torn(client, TABLE)

    def one_comes_and_one_goes() -> None:
        ledger.jobs.settle(job.settled(rate_limited(), NOON))
        ledger.jobs.create(job_in(12))

    transactions.meanwhile = one_comes_and_one_goes
    DynamoJobStore(transactions).create(job_in(4))
    assert counters(ledger) == (2 * PRICE, 0, 2 * PRICE, 0)


def test_a_share_does_not_lend_what_another_order_took_meanwhile(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 2 * PRICE - 1)
    transactions = Interrupted(client, TABLE)
    transactions.meanwhile = lambda: ledger.jobs.create(job_in(4))
    with pytest.raises(OutOfCreditError):
        DynamoJobStore(transactions).create(job_in(3))
    assert counters(ledger) == (59, 29, 30, 0)
    assert all(share["balance"] >= 0 for share in shares(client))


def test_a_share_that_lent_its_orders_meanwhile_takes_none_in_a_new_minute(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 1000)
    assert passes(ledger, 4)

    class Lending(DynamoTransactions):
        lends = True

        def write(self, writes: Mapping[str, Write], deadline: float) -> Mapping[str, Item]:
            if self.lends:
                self.lends = False
                for shard, more in ((4, -375), (5, 375)):
                    adds = "ADD #submits_per_minute :more"
                    part = self.update(f"WALLET#acme#{shard}", "SHARE", adds, None, {":more": more})
                    super().write({"": part}, deadline)
            return super().write(writes, deadline)

    DynamoJobStore(Lending(client, TABLE)).create(job_in(4, NOON + timedelta(minutes=1), 1))
    (share,) = items(client, "WALLET#acme#4", "SHARE")
    assert share["submits_in_minute"] == 1 <= share["submits_per_minute"]
    assert sum(each["submits_per_minute"] for each in shares(client)) == 6000


Writer = Callable[[DynamoTransactions], object]


def ordering(shard: int, turn: int = 0) -> Writer:
    return lambda transactions: DynamoJobStore(transactions).create(job_in(shard, turn=turn))


def planning(limits: PlanLimits) -> Writer:
    return lambda transactions: DynamoWalletStore(transactions).set_plan("acme", Plan.PREPAID, None, limits)


def ending(job: Job) -> Writer:
    return lambda transactions: DynamoJobStore(transactions).settle(job.settled(rate_limited(), NOON))


@pytest.mark.parametrize(("credits_", "good"), [(59, 1), (60, 2)])
def test_of_two_orders_in_any_order_of_their_calls_what_fits_passes(
    client: "DynamoDBClient", credits_: int, good: int
) -> None:
    for order in orders(2, 6):
        ledger = fresh(client, credits_)
        results = together(client, order, ordering(3), ordering(4))
        refused = [each for each in results if isinstance(each, Exception)]
        assert (len(refused), order) == (2 - good, order)
        assert all(isinstance(each, OutOfCreditError) for each in refused)
        assert counters(ledger)[2] == good * PRICE


def test_of_three_orders_in_any_order_of_their_calls_what_fits_passes(client: "DynamoDBClient") -> None:
    for order in orders(3, 3):
        ledger = fresh(client, 80)
        results = together(client, order, ordering(3), ordering(4), ordering(5))
        assert sorted(type(each).__name__ for each in results) == ["OutOfCreditError", "Wallet", "Wallet"]
        assert counters(ledger)[2] == 2 * PRICE


@pytest.mark.parametrize(("before", "after"), [(HOT, COOL), (COOL, HOT), (HOT, HOT)])
def test_an_order_during_a_move_in_any_order_of_their_calls_is_taken_once(
    client: "DynamoDBClient", before: PlanLimits, after: PlanLimits
) -> None:
    for order in orders(2, 6):
        ledger = fresh(client, PRICE)
        ledger.wallets.set_plan("acme", Plan.PREPAID, None, before)
        _wallet, done = together(client, order, ordering(3), planning(after))
        assert (done, counters(ledger), order) == (True, (PRICE, 0, PRICE, 0), order)
        assert ("shards" in items(client, "WALLET#acme", "WALLET")[0]) is (after == HOT)
        assert not passes(ledger, 5)


def test_an_order_while_credit_comes_back_is_refused_only_before_it(client: "DynamoDBClient") -> None:
    for order in orders(2, 6):
        ledger = fresh(client, PRICE)
        job = job_in(9)
        ledger.jobs.create(job)
        ordered, ended = together(client, order, ordering(3), ending(job))
        assert (ended, order) == (None, order)
        taken = not isinstance(ordered, Exception)
        assert taken or isinstance(ordered, OutOfCreditError)
        assert counters(ledger) == (PRICE, PRICE * (not taken), PRICE * taken, 0)
        assert passes(ledger, 4) is not taken


class _Dealing(DynamoTransactions):
    """Transactions of a deal that is overtaken once it has closed and read all items."""

    meanwhile: Callable[[], object] | None = None

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        found = super().get_all(keys)
        if self.meanwhile is not None and any("closed" in item for item in found):
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return found


class _Late(DynamoTransactions):
    """Transactions whose first write comes after another run closed the wallet and read it, and before it deals."""

    def __init__(self, client: "DynamoDBClient", limits: PlanLimits) -> None:
        super().__init__(client, TABLE)
        self.limits: PlanLimits | None = limits
        self._deal = _Dealing(client, TABLE)

    def write(self, writes: Mapping[str, Write], deadline: float) -> Mapping[str, Item]:
        limits, self.limits = self.limits, None
        if limits is None:
            return super().write(writes, deadline)
        outcomes: list[Mapping[str, Item]] = []
        self._deal.meanwhile = lambda: outcomes.append(super(_Late, self).write(writes, deadline))
        assert DynamoWalletStore(self._deal).set_plan("acme", Plan.PREPAID, None, limits)
        return outcomes[0]


@pytest.mark.parametrize(("before", "after"), [(HOT, COOL), (COOL, HOT), (HOT, HOT)])
def test_an_order_that_was_read_before_a_deal_and_is_written_during_it_is_taken_once(
    client: "DynamoDBClient", before: PlanLimits, after: PlanLimits
) -> None:
    # More than a share has to borrow for.
    ledger = fresh(client, 100 * PRICE)
    ledger.wallets.set_plan("acme", Plan.PREPAID, None, before)
    DynamoJobStore(_Late(client, after)).create(job_in(3))
    assert counters(ledger) == (100 * PRICE, 99 * PRICE, PRICE, 0)
    assert ledger.wallet().open_jobs == 1


def test_an_end_that_was_read_before_a_deal_and_is_written_during_it_counts_once(client: "DynamoDBClient") -> None:
    ledger = fresh(client, 10 * PRICE)
    job = job_in(3)
    ledger.jobs.create(job)
    DynamoJobStore(_Late(client, HOT)).settle(job.settled(rate_limited(), NOON))
    assert counters(ledger) == (10 * PRICE, 10 * PRICE, 0, 0)
    assert ledger.wallet().open_jobs == 0
