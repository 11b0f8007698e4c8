"""Whatever tenants order, however jobs end, and whatever is repeated: no credit appears, vanishes or is spent twice."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from fermata.domain.finish.redelivery import missing_numbers, recovered_job
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.movement import EntryKind, grant_of
from fermata.domain.money.reports.day_pages import DayList, DayPage
from fermata.domain.money.reports.ledger import BalanceAt, LedgerLine
from fermata.domain.money.wallet import Plan, empty_wallet
from fermata.domain.orders.candidates import Candidate
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.order_request import OnUnknown
from fermata.domain.providers.calls import AudioAt, Refused
from fermata.domain.providers.failures import ProviderCharged, unknown_outcome
from fermata.domain.tenants.discounts import Tier
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import OtherDiscountError, OutOfCreditError, StaleRecordError
from fermata.limit_errors import KeyLimitError, LostSongsError
from fermata.use_cases.accounts.read_ledger import read_ledger
from tests.fakes.clock import NOON
from tests.fakes.money.ledger import Ledger, assert_the_ledger_explains, ledger_in_dynamodb, ledger_in_memory
from tests.songs import candidate, claimed_attempt, queued_job, rate_limited, ready_job, stored_track
from tests.support.cloud import dynamodb_with_table

TRIO = candidate("apiinone").model_copy(update={"price_credits": 25, "songs": 3})
BY_THE_MINUTE = candidate("aimlapi").model_copy(
    update={"unit": "minute", "count": 60_000, "unit_credits": 41, "price_credits": 41}
)
CHAINS = [
    (BY_THE_MINUTE,),
    (candidate("minimax"), BY_THE_MINUTE),
    (candidate("apiinone"),),
    (candidate("minimax"),),
    (candidate("minimax"), candidate("aimlapi")),
    (candidate("minimax"), TRIO),
]
DEADLINE: dict[str, object] = {"finish_by": NOON + timedelta(days=900)}
SECOND_BILL: dict[str, object] = {"on_unknown": OnUnknown.FALLBACK}
TERMS: list[tuple[dict[str, object], bool]] = [
    ({}, False),
    (DEADLINE, False),
    (SECOND_BILL, False),
    (SECOND_BILL, True),
    ({**DEADLINE, **SECOND_BILL}, False),
]
"""What a request says, and whether the tenant pays for unknown outcomes."""
LOST_A_DAY = 3
LINKS = [f"https://cdn1.suno.ai/{number}.mp3" for number in range(1, 5)]
KEYS = [None, KeyCap(counter_id="aaaaaaaa", monthly_credits=70), KeyCap(counter_id="bbbbbbbb", monthly_credits=39)]
JOBS = st.integers(0, 5)
SONGS = st.sets(st.integers(1, len(LINKS)), min_size=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.integers(1, 80)),
        st.tuples(
            st.just("submit"),
            JOBS,
            st.sampled_from(CHAINS),
            st.sampled_from(TERMS),
            st.sampled_from([0, 0, 7]),
            st.sampled_from(KEYS),
        ),
        st.tuples(st.just("lose"), JOBS, st.booleans()),
        st.tuples(st.just("deliver"), JOBS, st.integers(0, 1), SONGS),
        st.tuples(st.just("redeliver"), JOBS, SONGS),
        st.tuples(st.just("sing_in_parts"), JOBS, st.lists(SONGS, min_size=2, max_size=3)),
        st.tuples(st.just("fail"), JOBS),
        st.tuples(
            st.just("plan"),
            st.none() | st.integers(1, 120),
            st.sampled_from([0, 10, 100]),
            st.dictionaries(st.integers(0, 90), st.integers(0, 100), max_size=3),
        ),
        st.tuples(st.just("days"), st.integers(1, 20)),
    ),
    max_size=30,
)


def priced(each: Candidate, percent: int) -> Candidate:
    """A model of a chain at a discount."""
    price = ceil(Fraction(each.price_credits * (100 - percent), 100))
    return each.model_copy(update={"discount_percent": percent, "price_credits": price})


@dataclass
class Operation:
    """A tenant and what the books must say about it, counted by hand."""

    ledger: Ledger
    now: datetime = NOON
    grants: int = 0
    granted: int = 0
    open: dict[str, Job] = field(default_factory=dict)
    spent: list[tuple[str, int]] = field(default_factory=list)
    spent_by_key: list[tuple[str, str | None, int]] = field(default_factory=list)
    chains: dict[str, tuple[int, int]] = field(default_factory=dict)
    """What an order was to cost at most, and what it cost with everything that was redelivered of it."""
    discount: int = 0
    tiers: dict[int, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    """The day of each song that a provider may have been paid for and the tenant was not."""

    def __post_init__(self) -> None:
        self.ledger.wallets.open(empty_wallet("acme", NOON))
        self.plan(None)

    def grant(self, amount: int) -> None:
        self.grants += 1
        self.granted += amount
        self.ledger.wallets.grant(grant_of("acme", amount, f"{self.grants:04d}-grant", self.now))

    @property
    def lost_today(self) -> int:
        return sum(day == f"{self.now:%Y-%m-%d}" for day in self.lost)

    @property
    def percent(self) -> int:
        """The discount of an order now."""
        spent = sum(price for month, price in self.spent if month == f"{self.now:%Y-%m}")
        reached = [start for start in self.tiers if start <= spent]
        return max(self.discount, self.tiers[max(reached)] if reached else 0)

    def submit(
        self,
        name: int,
        chain: tuple[Candidate, ...],
        terms: tuple[dict[str, object], bool] = ({}, False),
        too_much_off: int = 0,
        key_cap: KeyCap | None = None,
    ) -> None:
        percent = min(100, self.percent + too_much_off)
        request = queued_job().request.model_copy(update=terms[0])
        job = queued_job(
            id=new_job_id(NOON, bytes([name] * 10)),
            now=self.now,
            request=request,
            candidates=tuple(priced(each, percent) for each in chain),
            start_by=NOON + timedelta(days=900),
            pays_unknown=terms[1],
            key_cap=key_cap,
        )
        of_key = self.counted_on(key_cap.counter_id) + job.hold_credits if key_cap else 0
        at_risk = sum(each.at_risk for each in self.open.values())
        known = self.ledger.jobs.load(job.id) is not None
        before = self.ledger.wallet().in_month_of(self.now).available
        try:
            self.ledger.jobs.create(job)
        except OtherDiscountError:
            assert percent != self.percent
        except OutOfCreditError:
            assert before < job.hold_credits
        except LostSongsError:
            reserved = self.lost_today + at_risk + job.at_risk
            assert self.lost_today >= LOST_A_DAY or (job.at_risk and reserved > LOST_A_DAY)
        except KeyLimitError:
            assert key_cap is not None
            assert of_key > key_cap.monthly_credits
        except StaleRecordError:
            assert known
        else:
            assert percent == self.percent
            assert key_cap is None or of_key <= key_cap.monthly_credits
            assert before >= job.hold_credits
            assert self.lost_today < LOST_A_DAY
            assert not job.at_risk or self.lost_today + at_risk + job.at_risk <= LOST_A_DAY
            assert not known
            self.open[job.id] = job

    def counted_on(self, key: str) -> int:
        """What the orders of a key cost in this month, with what they hold."""
        spent = sum(price for month, of, price in self.spent_by_key if (month, of) == (f"{self.now:%Y-%m}", key))
        return spent + sum(job.hold_credits for job in self.open.values() if _key_of(job) == key)

    def deliver(self, name: int, position: int, songs: set[int]) -> None:
        job = self._stored(name)
        if job.status is JobStatus.QUEUED:
            position = min(position, len(job.candidates) - 1)
            claimed = job.claimed(claimed_attempt(candidate=position), self.now)
            made = ready_job().attempts[0].model_copy(update={"candidate": position})
            for step in (claimed, claimed.with_outcome(made, self.now)):
                self.ledger.jobs.save(step)
            self._store(claimed.with_outcome(made, self.now), songs, job.id)

    def lose(self, name: int, goes_on: bool) -> None:
        """The outcome of the first attempt stays unknown; the next model delivers where the order allows one."""
        job = self._stored(name)
        if job.status is not JobStatus.QUEUED:
            return
        unknown = claimed_attempt().after(Refused(unknown_outcome("cut")), self.now)
        claimed = job.claimed(claimed_attempt(), self.now)
        after = claimed.with_outcome(unknown, self.now)
        for step in (claimed, after):
            self.ledger.jobs.save(step)
        if not goes_on or after.status is not JobStatus.QUEUED:
            self._end(after.settled(unknown_outcome("cut"), self.now))
            return
        second = claimed_attempt(number=2, candidate=1)
        made = ready_job().attempts[0].model_copy(update={"number": 2, "candidate": 1})
        ordered = after.claimed(second, self.now)
        for step in (ordered, ordered.with_outcome(made, self.now)):
            self.ledger.jobs.save(step)
        stored = ordered.with_outcome(made, self.now).with_tracks((stored_track(1),), self.now)
        self.ledger.jobs.save(stored)
        self._end(stored.settled(None, self.now))

    def sing_in_parts(self, name: int, parts: list[set[int]]) -> None:
        """An order of three songs, good for its price, that arrive one part after the other."""
        self.grant(TRIO.price_credits)
        self.submit(name, (TRIO,))
        self.deliver(name, 0, parts[0])
        for songs in parts[1:]:
            self.check()
            self.redeliver(name, songs)

    def redeliver(self, name: int, songs: set[int]) -> None:
        """The last job of the chain that began with this one gets another that fetches what is missing."""
        first = last = self._stored(name)
        while missing_numbers(last):
            again = recovered_job(last, last.attempts[-1], AudioAt(LINKS[0], tuple(LINKS[1:])), self.now)
            known = self.ledger.jobs.load(again.id)
            if known is None:
                self._create_and_store(again, songs, first.id)
                return
            last = known

    def _create_and_store(self, again: Job, songs: set[int], first: str) -> None:
        try:
            self.ledger.jobs.create(again)
        except OutOfCreditError:
            return
        self.open[again.id] = again
        fetched = songs & set(again.attempts[0].wanted)
        if fetched:
            self._store(again, fetched, first)
        else:
            self._end(again.settled(rate_limited(), self.now))

    def _store(self, job: Job, songs: set[int], first: str) -> None:
        with_tracks = job.with_tracks(tuple(map(stored_track, songs)), self.now)
        self.ledger.jobs.save(with_tracks)
        self._end(with_tracks.settled(None, self.now))
        frozen, paid = self.chains.get(first, (job.candidate.price_credits, 0))
        self.chains[first] = (frozen, paid + self.spent[-1][1])

    def fail(self, name: int) -> None:
        job = self._stored(name)
        if job.status is JobStatus.QUEUED:
            self._end(job.settled(rate_limited(), self.now))

    def plan(self, cap: int | None, discount: int = 0, tiers: Mapping[int, int] | None = None) -> None:
        plan = Plan.PREPAID if cap is None else Plan.POSTPAID
        owes = self.ledger.wallet().balance < 0
        steps = tuple(Tier(from_credits=start, percent=percent) for start, percent in (tiers or {}).items())
        limits = PlanLimits(lost_songs_per_day=LOST_A_DAY, discount_percent=discount, tiers=steps)
        is_set = self.ledger.wallets.set_plan("acme", plan, cap, limits)
        assert is_set is not (owes and cap is None)
        if is_set:
            self.discount, self.tiers = discount, dict(tiers or {})

    def days(self, number: int) -> None:
        self.now += timedelta(days=number)

    def _stored(self, name: int) -> Job:
        job = self.ledger.jobs.load(new_job_id(NOON, bytes([name] * 10)))
        return job or queued_job(status=JobStatus.CANCELED)

    def _end(self, end: Job) -> None:
        self.ledger.jobs.settle(end)
        with pytest.raises(StaleRecordError):
            self.ledger.jobs.settle(end)
        del self.open[end.id]
        unknown = [each for each in end.attempts if each.provider_charged is ProviderCharged.UNKNOWN]
        if end.status is JobStatus.SUCCEEDED:
            of = end.candidate
            paid = unknown if end.pays_unknown else []
            bill = sum(end.candidates[each.candidate].price_credits for each in paid)
            of_songs = of.price_credits * min(len(end.tracks), of.songs) // of.songs
            if of.unit == "minute":
                measured = Fraction(sum(track.duration_ms for track in end.tracks), 60_000)
                of_songs = min(of.price_credits, ceil(measured * of.unit_credits * (100 - of.discount_percent) / 100))
            self.spent.append((f"{self.now:%Y-%m}", of_songs + bill))
            self.spent_by_key.append((f"{self.now:%Y-%m}", _key_of(end), of_songs + bill))
            unknown = [] if end.pays_unknown else unknown
        self.lost += [f"{self.now:%Y-%m-%d}"] * len(unknown)

    def check(self) -> None:
        wallet = self.ledger.wallet()
        entries = self.ledger.entries("acme")
        assert_the_ledger_explains(wallet, entries)
        assert wallet.granted == self.granted
        assert all(paid <= frozen for frozen, paid in self.chains.values())
        assert wallet.held == sum(job.hold_credits for job in self.open.values())
        assert wallet.open_jobs == len(self.open)
        assert wallet.at_risk == sum(job.at_risk for job in self.open.values())
        assert wallet.in_day_of(self.now).lost_in_day == self.lost_today
        used = self.ledger.used()
        ends = {entry.job_id for entry in entries if entry.kind in (EntryKind.SETTLE, EntryKind.REFUND)}
        assert sum(row.credits for row in used) == wallet.spent
        assert (sum(row.jobs for row in used), sum(row.succeeded for row in used)) == (len(ends), len(self.spent))
        assert wallet.spent == sum(price for _, price in self.spent)
        assert wallet.spent_in_month == sum(price for month, price in self.spent if month == wallet.month)
        assert wallet.plan is Plan.POSTPAID or wallet.balance >= 0
        assert len({entry.entry_id for entry in entries}) == len(entries)
        for cap in filter(None, KEYS):
            counter = self.ledger.key_counter(cap.counter_id)
            counted = counter.in_month_of(self.now).committed if counter else 0
            assert counted == self.counted_on(cap.counter_id) <= cap.monthly_credits

    def check_what_the_tenant_reads(self) -> None:
        """The ledger by pages, with and without balances that the audit stored, ends with the account's balance."""
        later = self.now + timedelta(minutes=1)
        entries = sorted(self.ledger.entries("acme"), key=lambda entry: entry.place)
        lines = self._read(NOON.date(), later)
        assert [line.entry for line in lines] == entries
        assert (lines[-1].balance if lines else 0) == self.ledger.wallet().balance
        half = lines[len(lines) // 2].entry.at.date() if lines else self.now.date()
        from_half = [line for line in lines if line.entry.at.date() >= half]
        assert self._read(half, later) == from_half
        at = BalanceAt(half)
        assert len(list(at.watch(entries))) == len(entries)
        self.ledger.by_time.keep_balance("acme", at.balance)
        assert self._read(half, later) == from_half

    def _read(self, first: date, now: datetime) -> list[LedgerLine]:
        lines: list[LedgerLine] = []
        page = DayPage(DayList("acme", first, now.date(), "ledger"), limit=4)
        while True:
            found, cursor = read_ledger(page, self.ledger.by_time, now)
            lines += found
            if cursor is None:
                return lines
            page = DayPage(page.of, page.limit, page.of.place_of(cursor))


def _key_of(job: Job) -> str | None:
    return job.key_cap.counter_id if job.key_cap else None


@contextmanager
def in_memory() -> Iterator[Ledger]:
    yield ledger_in_memory()


@contextmanager
def in_dynamodb() -> Iterator[Ledger]:
    with mock_aws():
        yield ledger_in_dynamodb(dynamodb_with_table())


def play(ledger: Ledger, steps: list[tuple[str, object]]) -> None:
    operation = Operation(ledger)
    for name, *arguments in steps:
        getattr(operation, name)(*arguments)
        operation.check()
    operation.check_what_the_tenant_reads()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(STEPS)
def test_granted_is_always_balance_and_held_and_spent_in_memory(steps: list[tuple[str, object]]) -> None:
    with in_memory() as ledger:
        play(ledger, steps)


@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_granted_is_always_balance_and_held_and_spent_in_dynamodb(steps: list[tuple[str, object]]) -> None:
    with in_dynamodb() as ledger:
        play(ledger, steps)
