"""What orders, their ends and an operator do to a wallet, as pure values."""

from datetime import UTC, datetime

import pytest

from fermata.api.responses.account import Account
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.money.movement import EntryKind, grant_of, hold_on, settlement_of
from fermata.domain.money.wallet import Plan, Wallet, empty_wallet
from fermata.domain.tenants.plan_limits import PlanLimits, month_of
from fermata.errors import OutOfCreditError
from tests.fakes.clock import NOON
from tests.songs import (
    JOB_ID,
    candidate,
    delivered_job,
    failed_job,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    suno_job,
)

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
ULID = JOB_ID.removeprefix("job_")
CHAIN = (candidate("minimax"), candidate("aimlapi"))


def wallet(**changes: object) -> Wallet:
    return empty_wallet("acme", NOON).model_copy(update=changes)


def refused_job() -> Job:
    return failed_job(rate_limited()).settled(rate_limited(), NOON)


def delivered_by(position: int) -> Job:
    ready = ready_job(candidate=position).model_copy(update={"candidates": CHAIN})
    return ready.with_tracks((stored_track(),), NOON).settled(None, NOON)


def counters(wallet: Wallet) -> tuple[int, int, int, int]:
    return wallet.granted, wallet.balance, wallet.held, wallet.spent


@pytest.mark.parametrize(
    ("job", "charged"),
    [
        (queued_job(), Charged.HELD),
        (ready_job(), Charged.HELD),
        (delivered_job(), Charged.YES),
        (refused_job(), Charged.REFUNDED),
        (queued_job(status=JobStatus.CANCELED), Charged.REFUNDED),
        (queued_job(status=JobStatus.EXPIRED), Charged.REFUNDED),
    ],
)
def test_an_open_job_holds_a_delivered_one_costs_and_any_other_end_is_free(job: Job, charged: Charged) -> None:
    assert job.charged is charged


@pytest.mark.parametrize(("chain", "held"), [(CHAIN, 39), (CHAIN[:1], 30), (CHAIN[::-1], 39)])
def test_a_job_holds_the_highest_price_that_it_may_come_to(chain: tuple[object, ...], held: int) -> None:
    (entry,) = hold_on(queued_job(candidates=chain)).entries
    assert (entry.kind, entry.credits, entry.job_id, entry.attempt, entry.at) == ("hold", held, JOB_ID, None, NOON)


@pytest.mark.parametrize(
    ("job", "entries"),
    [
        pytest.param(delivered_by(0), [("settle", 30), ("refund", 9)], id="the cheaper model delivered"),
        pytest.param(delivered_by(1), [("settle", 39)], id="the most expensive model delivered"),
        pytest.param(refused_job(), [("refund", 30)], id="no model delivered"),
    ],
)
def test_an_end_spends_the_delivered_models_price_and_returns_the_rest(
    job: Job, entries: list[tuple[str, int]]
) -> None:
    settlement = settlement_of(job)
    assert [(entry.kind.value, entry.credits) for entry in settlement.entries] == entries
    assert {entry.attempt for entry in settlement.entries} == {1}
    assert settlement.held == -job.hold_credits


@pytest.mark.parametrize(
    ("job", "entries"),
    [
        pytest.param(suno_job(1, 2), [("settle", 20)], id="both of two"),
        pytest.param(suno_job(2), [("settle", 10), ("refund", 10)], id="the second of two"),
        pytest.param(suno_job(1, 3, made=3), [("settle", 20)], id="an extra song in place of an ordered one"),
        pytest.param(suno_job(1, 2, 3, made=3), [("settle", 20)], id="an extra song costs nothing"),
        pytest.param(suno_job(1, price=21), [("settle", 10), ("refund", 11)], id="half a credit is not taken"),
        pytest.param(suno_job(1, price=1), [("settle", 0), ("refund", 1)], id="a share below one credit is free"),
        pytest.param(suno_job(1, price=0, songs=1), [("settle", 0)], id="a song that was paid before"),
    ],
)
def test_an_end_spends_the_share_of_the_songs_that_are_there(job: Job, entries: list[tuple[str, int]]) -> None:
    ended = job.settled(None, NOON)
    assert [(entry.kind.value, entry.credits) for entry in settlement_of(ended).entries] == entries
    funded = wallet().after(grant_of("acme", 100, "g", NOON)).after(hold_on(ended)).after(settlement_of(ended))
    assert counters(funded) == (100, 100 - entries[0][1], 0, entries[0][1])
    assert (funded.spent_in_month, funded.open_jobs) == (entries[0][1], 0)


def test_an_open_job_cannot_be_settled() -> None:
    with pytest.raises(AssertionError, match="queued job has not ended"):
        settlement_of(queued_job())


def test_a_jobs_entries_have_ids_of_their_own_that_follow_from_the_job_and_sort() -> None:
    later = delivered_by(0).model_copy(update={"finished_at": DECEMBER})
    assert settlement_of(later).entries != settlement_of(delivered_by(0)).entries
    ids = [entry.entry_id for entry in (*hold_on(queued_job()).entries, *settlement_of(later).entries)]
    assert ids == sorted(ids) == [f"{ULID}-1-hold", f"{ULID}-2-settle", f"{ULID}-3-refund"]


@pytest.mark.parametrize(("job", "spent"), [(delivered_by(0), 30), (delivered_by(1), 39), (refused_job(), 0)])
def test_credits_go_from_the_balance_over_the_hold_to_where_they_belong(job: Job, spent: int) -> None:
    price = job.hold_credits
    funded = wallet().after(grant_of("acme", 100, "g", NOON))
    held = funded.after(hold_on(job))
    assert counters(held) == (100, 100 - price, price, 0)
    assert counters(held.after(settlement_of(job))) == (100, 100 - spent, 0, spent)


@pytest.mark.parametrize(("balance", "good"), [(31, True), (30, True), (29, False), (0, False), (-5, False)])
def test_a_prepaid_wallet_covers_its_balance(balance: int, good: bool) -> None:
    prepaid = wallet(balance=balance, granted=balance)
    if good:
        assert prepaid.after(hold_on(queued_job())).balance == balance - 30
    else:
        with pytest.raises(OutOfCreditError) as caught:
            prepaid.after(hold_on(queued_job()))
        assert (caught.value.balance, caught.value.available, caught.value.price) == (balance, balance, 30)


@pytest.mark.parametrize(
    ("cap", "held", "spent", "good"),
    [(100, 0, 70, True), (100, 70, 0, True), (100, 35, 35, True), (100, 0, 71, False), (100, 36, 35, False)],
)
def test_a_postpaid_wallet_covers_its_cap_minus_spent_and_held(cap: int, held: int, spent: int, good: bool) -> None:
    postpaid = wallet(
        plan=Plan.POSTPAID, cap_credits=cap, held=held, spent=spent, spent_in_month=spent, balance=-held - spent
    )
    if good:
        after = postpaid.after(hold_on(queued_job()))
        assert (after.balance, after.available) == (-held - spent - 30, 0)
    else:
        with pytest.raises(OutOfCreditError):
            postpaid.after(hold_on(queued_job()))


def test_a_new_month_frees_what_was_spent_but_not_what_is_held() -> None:
    november = wallet(plan=Plan.POSTPAID, cap_credits=100, held=40, spent=60, spent_in_month=60, balance=-100)
    assert (november.available, november.in_month_of(DECEMBER).available) == (0, 60)
    december = november.after(hold_on(queued_job(created_at=DECEMBER)))
    assert (december.month, december.spent_in_month, december.held, december.spent) == ("2026-12", 0, 70, 60)


def test_a_job_that_ends_in_a_new_month_counts_in_that_month() -> None:
    november = wallet(granted=100, balance=70, held=30)
    december = november.after(settlement_of(delivered_job().model_copy(update={"finished_at": DECEMBER})))
    assert (december.month, december.spent_in_month, counters(december)) == ("2026-12", 30, (100, 70, 0, 30))


def test_a_writer_whose_clock_is_late_does_not_bring_the_old_month_back() -> None:
    december = wallet(month="2026-12", granted=100, balance=70, held=30, spent_in_month=5)
    after = december.after(settlement_of(delivered_job()))
    assert (after.month, after.spent_in_month) == ("2026-12", 35)


def test_months_are_those_of_utc_and_sort_as_text() -> None:
    moments = [datetime(2026, 9, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC), DECEMBER]
    assert [month_of(moment) for moment in moments] == ["2026-09", "2026-10", "2026-12"]


def test_an_account_is_shown_as_it_counts_now() -> None:
    postpaid = wallet(
        plan=Plan.POSTPAID, cap_credits=100, granted=10, held=40, spent=60, spent_in_month=60, balance=-90
    )
    assert Account.of(postpaid, NOON).as_json() == {
        "object": "account",
        "tenant_id": "acme",
        "plan": "postpaid",
        "cap_credits": 100,
        "balance_credits": -90,
        "held_credits": 40,
        "spent_credits": 60,
        "granted_credits": 10,
        "month": "2026-11",
        "spent_this_month_credits": 60,
        "available_credits": 0,
        "in_flight_jobs": 0,
        "lost_songs_today": 0,
        "unpaid_jobs_today": 0,
        "limits": PlanLimits().model_dump(mode="json"),
    }
    december = Account.of(postpaid, DECEMBER).as_json()
    assert (december["month"], december["spent_this_month_credits"], december["available_credits"]) == (
        "2026-12",
        0,
        60,
    )


def test_a_grant_is_an_entry_without_a_job() -> None:
    (entry,) = grant_of("acme", 5, "01-grant", NOON).entries
    assert (entry.kind, entry.credits, entry.job_id, entry.attempt) == (EntryKind.GRANT, 5, None, None)
