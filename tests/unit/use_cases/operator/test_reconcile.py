"""A provider's bill settles attempts in doubt: it is put on record, and customers' credits do not move."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from fermata.adapters.dynamodb.money.purchases import DynamoPurchases
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.movement import EntryKind
from fermata.domain.money.usage_export import UsageRow
from fermata.domain.providers.calls import AudioAt, Refused
from fermata.domain.providers.failures import ProviderCharged, unknown_outcome
from fermata.errors import InvalidRequestError, StaleRecordError, TransientError
from fermata.ports.money import Purchases
from fermata.use_cases.operator import reconcile as use_case
from fermata.use_cases.operator.reconcile import ReconcilePorts, reconcile_usage
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger import Ledger, ledger_in_dynamodb, ledger_over
from tests.fakes.money.purchases import InMemoryPurchases
from tests.fakes.money.wallet_store import FUNDED_WALLETS
from tests.songs import JOB_ID, claimed_attempt, queued_job, rate_limited, stored_track
from tests.support.cloud import TABLE, AnswersInstead, aws_error, dynamodb_with_table

LATER = NOON + timedelta(days=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Desk:
    """An operator's desk over the books of one store."""

    ledger: Ledger
    purchases: Purchases

    def stored(self, number: int = 0) -> Job:
        job = self.ledger.jobs.load(job_id(number))
        assert job is not None
        return job

    def ordered(self, number: int, began: datetime = NOON, provider: str = "minimax", **changes: Any) -> Job:  # noqa: ANN401
        """A job whose first attempt is claimed."""
        job = queued_job(provider, id=job_id(number))
        self.ledger.jobs.create(job)
        attempt = claimed_attempt(provider, started_at=began, claim_until=began + timedelta(minutes=16), **changes)
        claimed = job.claimed(attempt, began)
        self.ledger.jobs.save(claimed)
        return claimed

    def with_unknown_outcome(self, number: int = 0, began: datetime = NOON, **changes: Any) -> Job:  # noqa: ANN401
        """A failed job; whether its only attempt was charged is unknown."""
        job = self.ordered(number, began, **changes)
        ended = job.with_outcome(job.attempts[-1].after(Refused(unknown_outcome("cut")), began), began)
        self.ledger.jobs.save(ended)
        self.ledger.jobs.settle(ended.settled(unknown_outcome("cut"), began))
        return self.stored(number)

    def run(self, *rows: UsageRow, apply: bool = True, provider: str = "minimax") -> dict[str, Any]:
        ports = ReconcilePorts(self.ledger.jobs, self.purchases)
        return dict(reconcile_usage(provider, rows, ports, LATER, apply=apply))

    def notes(self) -> list[tuple[str | None, str | None]]:
        entries = self.ledger.entries("acme")
        return [(entry.job_id, entry.text) for entry in entries if entry.kind is EntryKind.NOTE]


def job_id(number: int) -> str:
    return f"{JOB_ID[:-2]}{number:02d}"


def row(line: int = 2, **fields: Any) -> UsageRow:  # noqa: ANN401 - fields of a row
    return UsageRow.model_validate({"line": line, **fields})


AT_NOON = row(created_at=NOON, model="music-2.5")
BY_ID = row(upstream_id="a1")


@pytest.fixture(params=["in_memory", "dynamodb"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    if request.param == "in_memory":
        jobs = InMemoryJobStore()
        yield Desk(ledger_over(jobs), InMemoryPurchases(jobs))
        return
    with mock_aws():
        client = dynamodb_with_table(*FUNDED_WALLETS)
        yield Desk(ledger_in_dynamodb(client), DynamoPurchases(DynamoTransactions(client, TABLE)))


# ---- which attempts are found


def test_an_attempt_moves_from_the_billed_to_those_in_doubt_and_back_with_the_writes_that_change_it(desk: Desk) -> None:
    def found() -> tuple[list[str], list[str]]:
        return desk.purchases.with_unknown_outcome("minimax"), desk.purchases.with_known_outcome(
            "minimax", NOON, NOON + HOUR, 9
        )

    desk.ordered(1, NOON + HOUR)
    assert found() == ([], [job_id(1)])
    desk.with_unknown_outcome(0)
    assert found() == ([job_id(0)], [job_id(1)])
    desk.run(AT_NOON)
    assert found() == ([], [job_id(0), job_id(1)])


def test_an_unpaid_attempt_is_not_found(desk: Desk) -> None:
    job = desk.ordered(0)
    desk.ledger.jobs.save(job.with_outcome(job.attempts[-1].after(Refused(rate_limited()), NOON), NOON))
    assert desk.purchases.with_unknown_outcome("minimax") == []
    assert desk.purchases.with_known_outcome("minimax", NOON, NOON, 9) == []


def test_purchases_are_found_by_provider_and_time_and_no_more_than_requested(desk: Desk) -> None:
    for number in range(3):
        desk.ordered(number, NOON + number * HOUR)
    desk.ordered(3, provider="aimlapi")
    assert desk.purchases.with_known_outcome("minimax", NOON, NOON + HOUR, 9) == [job_id(0), job_id(1)]
    assert desk.purchases.with_known_outcome("minimax", NOON, NOON + 2 * HOUR, 2) == [job_id(0), job_id(1)]
    assert desk.purchases.with_known_outcome("aimlapi", NOON, NOON, 9) == [job_id(3)]


def test_what_a_deleted_job_cost_is_still_found(desk: Desk) -> None:
    ended = desk.with_unknown_outcome()
    desk.ledger.jobs.forget(tombstone_of(ended, NOON))
    desk.run(AT_NOON)
    assert desk.stored().attempts[0].provider_charged is ProviderCharged.YES


# ---- what is put on record


def test_without_apply_everything_is_reported_and_nothing_written(desk: Desk) -> None:
    before = desk.with_unknown_outcome()
    answer = desk.run(AT_NOON, apply=False)
    assert answer == {
        "provider": "minimax",
        "applied": False,
        "attempts": [
            {
                "job_id": job_id(0),
                "attempt": 1,
                "model": "music-2.5",
                "started_at": "2026-11-21T12:00:00.000Z",
                "upstream_id": None,
                "late": False,
                "provider_charged": "yes",
                "reason": "listed by its model and time",
                "line": 2,
            }
        ],
        "decided": 1,
        "left_unknown": 0,
    }
    assert (desk.stored(), desk.notes()) == (before, [])


@pytest.mark.parametrize(("charged", "word"), [(True, "charged"), (False, "did not charge")])
def test_an_attempt_learns_its_bill_and_nothing_else_changes(desk: Desk, charged: bool, word: str) -> None:
    before = desk.with_unknown_outcome(upstream_id="a1")
    wallet = desk.ledger.wallet()
    desk.run(BY_ID.model_copy(update={"charged": charged}))
    (old,), (new,) = before.attempts, desk.stored().attempts
    bill = ProviderCharged.YES if charged else ProviderCharged.NO
    assert new == old.model_copy(update={"provider_charged": bill, "reconciled_at": LATER})
    assert desk.stored() == before.model_copy(update={"attempts": (new,), "version": before.version + 1})
    assert desk.ledger.wallet() == wallet
    assert desk.notes() == [(job_id(0), f"minimax {word} (usage export: listed by its id, line 2)")]


def test_a_note_explains_no_credits(desk: Desk) -> None:
    desk.with_unknown_outcome()
    desk.run(AT_NOON)
    entries = desk.ledger.entries("acme")
    assert [(entry.kind.value, entry.attempt) for entry in entries][-1] == ("note", 1)
    assert entries[-1].credits == 0
    held = [entry for entry in entries if entry.kind is EntryKind.HOLD]
    refunded = [entry for entry in entries if entry.kind is EntryKind.REFUND]
    assert sum(entry.credits for entry in held) == sum(entry.credits for entry in refunded)


def test_a_second_run_changes_nothing(desk: Desk) -> None:
    desk.with_unknown_outcome()
    desk.run(AT_NOON)
    once, notes = desk.stored(), desk.notes()
    assert desk.run(AT_NOON)["attempts"] == []
    assert (desk.stored(), desk.notes()) == (once, notes)


def test_several_attempts_of_one_job_are_put_on_record_together(desk: Desk) -> None:
    job = desk.ordered(0)
    for number in (1, 2):
        unknown = job.attempts[-1].after(Refused(unknown_outcome("cut")), NOON)
        job = job.with_outcome(unknown, NOON).model_copy(update={"status": JobStatus.QUEUED})
        desk.ledger.jobs.save(job)
        if number == 1:
            job = job.claimed(claimed_attempt(number=2, upstream_id="a2"), NOON)
            desk.ledger.jobs.save(job)
    desk.ledger.jobs.settle(job.settled(unknown_outcome("cut"), NOON))
    answer = desk.run(row(upstream_id="a2"), row(3, created_at=NOON, model="music-2.5"))
    assert (answer["decided"], len(desk.notes())) == (2, 2)
    assert {attempt.provider_charged for attempt in desk.stored().attempts} == {ProviderCharged.YES}


def test_an_attempt_of_an_open_job_is_reported_and_left(desk: Desk) -> None:
    job = desk.ordered(0)
    unknown = job.with_outcome(job.attempts[-1].after(Refused(unknown_outcome("cut")), NOON), NOON)
    desk.ledger.jobs.save(unknown)
    answer = desk.run(AT_NOON)
    assert (answer["decided"], answer["left_unknown"]) == (0, 1)
    assert desk.stored().attempts[0].provider_charged is ProviderCharged.UNKNOWN


def test_another_providers_attempts_are_left(desk: Desk) -> None:
    desk.with_unknown_outcome(0, upstream_id="a1", provider="aimlapi")
    with pytest.raises(InvalidRequestError, match="line 2 belongs to no order"):
        desk.run(BY_ID)
    assert desk.run(row(upstream_id="x", charged=False))["attempts"] == []
    assert desk.stored().attempts[0].provider_charged is ProviderCharged.UNKNOWN


def test_an_export_with_one_unknown_id_is_refused_and_nothing_is_stored(desk: Desk) -> None:
    before = desk.with_unknown_outcome(upstream_id="a1")
    with pytest.raises(InvalidRequestError, match="line 3 belongs to no order"):
        desk.run(BY_ID, row(3, upstream_id="stranger"))
    assert (desk.stored(), desk.notes()) == (before, [])


def test_the_id_of_a_song_that_was_bought_is_known(desk: Desk) -> None:
    desk.with_unknown_outcome(0, upstream_id="a1")
    bought = desk.ordered(1, NOON + HOUR, upstream_id="a2")
    made = bought.attempts[-1].model_copy(update={"state": AttemptState.READY, "provider_charged": ProviderCharged.YES})
    desk.ledger.jobs.save(bought.with_outcome(made, NOON + HOUR))
    assert desk.run(BY_ID, row(3, upstream_id="a2"))["decided"] == 1


def test_a_job_that_another_run_wrote_meanwhile_is_read_again(desk: Desk) -> None:
    ended = desk.with_unknown_outcome()
    reconcile = desk.ledger.jobs.reconcile
    others = [ended.published()]

    def after_a_race(job: Job, notes: Any) -> None:  # noqa: ANN401 - ledger entries
        while others:
            desk.ledger.jobs.save(others.pop())
        reconcile(job, notes)

    desk.ledger.jobs.reconcile = after_a_race  # type: ignore[method-assign]  # another run is faster, once
    desk.run(AT_NOON)
    assert (desk.stored().publish_pending, desk.stored().attempts[0].provider_charged) == (False, ProviderCharged.YES)


def test_a_job_that_others_keep_writing_is_reported_as_transient(desk: Desk) -> None:
    desk.with_unknown_outcome()

    def lose(*_: object) -> None:
        raise StaleRecordError("somebody else wrote first")

    desk.ledger.jobs.reconcile = lose  # type: ignore[assignment, method-assign]  # another run is always faster
    with pytest.raises(TransientError, match="run the command again"):
        desk.run(AT_NOON)


def test_a_note_is_written_once_although_another_run_reconciles_too(desk: Desk) -> None:
    before = desk.with_unknown_outcome()
    desk.run(AT_NOON)
    notes = tuple(entry for entry in desk.ledger.entries("acme") if entry.kind is EntryKind.NOTE)
    again = desk.stored().with_bills({1: ProviderCharged.NO}, LATER)
    with pytest.raises(StaleRecordError):
        desk.ledger.jobs.reconcile(again, notes)
    with pytest.raises(StaleRecordError):
        desk.ledger.jobs.reconcile(before.with_bills({1: ProviderCharged.NO}, LATER), ())
    assert desk.stored().attempts[0].provider_charged is ProviderCharged.YES


def test_an_export_of_too_many_orders_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use_case, "MAX_PURCHASES", 1)
    desk.ordered(0)
    desk.ordered(1)
    with pytest.raises(InvalidRequestError, match="more than 1 jobs; split the export"):
        desk.run(AT_NOON)


def test_an_index_that_cannot_be_read_is_transient() -> None:
    with mock_aws():
        client = dynamodb_with_table()
        AnswersInstead(client, "Query", aws_error("ProvisionedThroughputExceededException", "canary"))
        with pytest.raises(TransientError, match="attempts could not be read: Prov") as caught:
            DynamoPurchases(DynamoTransactions(client, TABLE)).with_unknown_outcome("minimax")
    assert "canary" not in str(caught.value)


def test_an_attempt_in_doubt_is_one_that_ended() -> None:
    running: Attempt = claimed_attempt()
    assert not running.has_unknown_outcome


# ---- refunds


def refund(usd: str, line: int = 3, **fields: Any) -> UsageRow:  # noqa: ANN401 - fields of a row
    return row(line, **{"upstream_id": "a1", "cost_usd": f"-{usd}", **fields})


CHARGE = row(upstream_id="a1", cost_usd="0.15")


@pytest.mark.parametrize(
    ("rows", "charged", "text"),
    [
        ([CHARGE, refund("0.15")], ProviderCharged.NO, "0.15 USD refunded, which is all of it, line 3"),
        ([refund("0.15"), CHARGE], ProviderCharged.NO, "0.15 USD refunded, which is all of it, line 3"),
        (
            [CHARGE, refund("0.10"), refund("0.05", 4)],
            ProviderCharged.NO,
            "0.15 USD refunded, which is all of it, line 3",
        ),
        ([CHARGE, refund("0.14")], ProviderCharged.YES, "0.14 of 0.15 USD refunded, line 3"),
        ([refund("0.03", 2)], ProviderCharged.NO, "0.03 USD refunded, which is all of it, line 2"),
        ([refund("0.02", 2)], ProviderCharged.YES, "0.02 of 0.03 USD refunded, line 2"),
    ],
)
def test_a_refund_of_the_whole_cost_settles_an_attempt_as_unpaid_and_a_smaller_one_as_paid(
    desk: Desk, rows: list[UsageRow], charged: ProviderCharged, text: str
) -> None:
    desk.with_unknown_outcome(upstream_id="a1", cost_micro_usd=30_000)
    wallet = desk.ledger.wallet()
    assert desk.run(*rows)["decided"] == 1
    assert desk.stored().attempts[0].provider_charged is charged
    assert desk.ledger.wallet() == wallet
    ((_, note),) = desk.notes()
    assert (note or "").endswith(f"(usage export: {text})")


def test_a_refund_comes_after_the_charge_was_put_on_record(desk: Desk) -> None:
    desk.with_unknown_outcome(upstream_id="a1")
    desk.run(CHARGE)
    for rows, charged in (([CHARGE, refund("0.05")], "yes"), ([CHARGE, refund("0.05"), refund("0.10", 4)], "no")):
        assert desk.run(*rows, apply=False)["attempts"][0]["provider_charged"] == charged
        desk.run(*rows)
        assert desk.stored().attempts[0].provider_charged.value == charged
        once, notes = desk.stored(), desk.notes()
        assert desk.run(*rows)["attempts"] == []
        assert (desk.stored(), desk.notes()) == (once, notes)
    assert len(desk.notes()) == 3
    assert desk.run(row(upstream_id="a1", cost_usd="0.15", created_at=NOON))["attempts"] == []


def test_a_refund_weeks_after_the_order_finds_it(desk: Desk) -> None:
    desk.with_unknown_outcome(upstream_id="a1")
    desk.run(CHARGE)
    late = refund("0.15", created_at=NOON + timedelta(days=30))
    assert desk.run(late)["attempts"][0]["refunded_usd"] == 0.15
    assert desk.stored().attempts[0].provider_charged is ProviderCharged.NO


def test_a_refund_of_an_unknown_order_changes_nothing_and_is_named(desk: Desk) -> None:
    desk.with_unknown_outcome(upstream_id="a1")
    before = desk.stored()
    answer = desk.run(refund("0.15", 7, upstream_id="stranger"))
    assert (answer["decided"], answer["refunds_of_other_orders"]) == (0, [7])
    assert desk.stored() == before


def test_refunds_do_not_make_an_export_of_many_orders_unreadable(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fermata.use_cases.operator.reconcile.MAX_PURCHASES", 1)
    desk.with_unknown_outcome(0, NOON - timedelta(days=3), upstream_id="old")
    desk.run(row(upstream_id="old"))
    desk.with_unknown_outcome(1, upstream_id="a1")
    desk.run(row(2, upstream_id="a1", created_at=NOON))
    answer = desk.run(row(2, upstream_id="a1", created_at=NOON), refund("1", 3, upstream_id="old", created_at=NOON))
    assert answer["refunds_of_other_orders"] == [3]


def test_a_delivered_songs_refund_is_noted_and_its_customer_pays_as_before(desk: Desk) -> None:
    job = desk.ordered(0, upstream_id="a1")
    ready = job.with_outcome(job.attempts[-1].after(AudioAt("https://cdn.test/a.mp3"), NOON), NOON)
    desk.ledger.jobs.save(ready)
    ended = ready.with_tracks((stored_track(),), NOON)
    desk.ledger.jobs.save(ended)
    desk.ledger.jobs.settle(ended.settled(None, NOON))
    wallet, before = desk.ledger.wallet(), desk.stored()
    desk.run(CHARGE, refund("0.15"))
    after = desk.stored()
    assert (after.status, after.charged, desk.ledger.wallet()) == (before.status, before.charged, wallet)
    assert (after.attempts[0].provider_charged, len(desk.notes())) == (ProviderCharged.NO, 1)
