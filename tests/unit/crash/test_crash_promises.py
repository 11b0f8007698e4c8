"""What crash injection looks for is found where it is broken."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.money.movement import EntryKind, LedgerEntry
from fermata.domain.money.wallet import Wallet
from fermata.domain.providers.failures import ProviderCharged, unknown_outcome
from tests.crash.cuts import Cut, Kill, Moment, Site, When, died_at, distinct, sites_of
from tests.crash.promises import Evidence, broken
from tests.fakes.clock import NOON
from tests.songs import JOB_ID, claimed_attempt, delivered_job, failed_job, ready_job, stored_track, submitting_job

SONG = b"the song"
CHARGED = {"charged": True}
REFUSED = {"charged": False}


def settled(job: Job) -> Job:
    return job.model_copy(update={"check_at": None, "publish_pending": False})


def entry(kind: EntryKind, amount: int) -> LedgerEntry:
    return LedgerEntry(entry_id=f"{kind}-1", kind=kind, credits=amount, at=NOON, job_id=JOB_ID)


def delivered() -> Evidence:
    track = stored_track().model_copy(update={"sha256": sha256(SONG).hexdigest()})
    job = settled(delivered_job().model_copy(update={"tracks": (track,)}))
    return Evidence(
        jobs=[job],
        wallet=Wallet(tenant_id="acme", granted=100, balance=70, held=0, spent=30, month="2026-11"),
        ledger=[entry(EntryKind.GRANT, 100), entry(EntryKind.HOLD, 30), entry(EntryKind.SETTLE, 30)],
        bills={"minimax": [CHARGED], "aimlapi": []},
        events=[{"event_id": f"{JOB_ID}.succeeded"}, {"event_id": f"{JOB_ID}.usage"}] * 2,
        staged=lambda _job_id, _attempt: True,
        stored=lambda _key: SONG,
        songs=1,
        key_counter=KeyCounter(month="2026-11", spent_in_month=30),
    )


def failed(job: Job, **changes: Any) -> Evidence:  # noqa: ANN401 - fields of Evidence
    """A job that ended without a song, with everything given back."""
    return replace(
        delivered(),
        jobs=[settled(job)],
        wallet=Wallet(tenant_id="acme", granted=100, balance=100, held=0, spent=0, month="2026-11"),
        ledger=[entry(EntryKind.GRANT, 100), entry(EntryKind.HOLD, 30), entry(EntryKind.REFUND, 30)],
        events=[{"event_id": f"{JOB_ID}.failed"}, {"event_id": f"{JOB_ID}.usage"}],
        key_counter=KeyCounter(month="2026-11"),
        **changes,
    )


def cut_off() -> Job:
    return submitting_job().settled(unknown_outcome("cut"), NOON)


def says(charged: ProviderCharged) -> Job:
    failure = unknown_outcome("cut").model_copy(update={"provider_charged": charged})
    return failed_job(failure).settled(failure, NOON)


def test_a_delivered_song_that_was_paid_once_keeps_every_promise() -> None:
    assert broken(delivered()) == []


def test_a_paid_answer_that_was_cut_and_is_called_unknown_keeps_every_promise() -> None:
    assert broken(failed(cut_off(), staged=lambda _job_id, _attempt: False)) == []


def test_an_order_without_an_answer_keeps_every_promise() -> None:
    wallet = Wallet(tenant_id="acme", granted=100, balance=100, held=0, spent=0, month="2026-11")
    nothing = replace(delivered(), jobs=[], wallet=wallet, ledger=[entry(EntryKind.GRANT, 100)], bills={})
    assert broken(nothing) == []
    assert broken(replace(nothing, bills={"minimax": [CHARGED]})) == ["1 paid requests without a job"]


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (replace(delivered(), jobs=[delivered_job()] * 2), "one order made 2 jobs"),
        (replace(delivered(), jobs=[ready_job()]), "still storing"),
        (replace(delivered(), jobs=[delivered_job()]), "nobody was told"),
        (replace(delivered(), bills={"minimax": [CHARGED, REFUSED]}), "asked 2 times in 1 attempts"),
        (replace(delivered(), bills={"minimax": [CHARGED], "aimlapi": [CHARGED]}), "2 songs were paid for"),
        (replace(delivered(), bills={}), "nobody charged"),
        (replace(delivered(), stored=lambda _key: b"half of it"), "not what the record says"),
        (replace(delivered(), stored=lambda _key: None), "not what the record says"),
        (replace(delivered(), songs=2), "expected 2 songs, found 1"),
        (replace(delivered(), events=[]), "found none"),
        (replace(delivered(), events=[{"event_id": f"{JOB_ID}.failed"}]), f"expected the events {JOB_ID}.succeeded"),
        (replace(delivered(), ledger=[entry(EntryKind.GRANT, 100)]), "does not explain the wallet"),
        (replace(delivered(), wallet=failed(cut_off()).wallet), "expected 30"),
        (replace(delivered(), key_counter=KeyCounter(month="2026-11", held=30)), "expected 30 spent and nothing held"),
        (replace(delivered(), key_counter=None), "the key counted None"),
        (failed(cut_off()), "was paid and kept, and the job failed"),
        (failed(says(ProviderCharged.NO)), "was charged and says no"),
        (failed(says(ProviderCharged.NO), bills={}), "although it could still be ordered"),
        (failed(says(ProviderCharged.YES), staged=lambda _job_id, _attempt: False), "was paid and cut"),
    ],
)
def test_a_broken_promise_is_reported(evidence: Evidence, told: str) -> None:
    assert any(told in problem for problem in broken(evidence)), broken(evidence)


def test_a_fifth_attempt_is_reported() -> None:
    attempts = tuple(claimed_attempt(number=number) for number in range(1, 6))
    job = delivered().jobs[0].model_copy(update={"attempts": attempts})
    assert "5 attempts" in broken(replace(delivered(), jobs=[job]))


CALLS = [("a", When.BEFORE), ("a", When.AFTER), ("b", When.BEFORE), ("b", When.AFTER), ("b", When.READING)]


def test_equal_calls_of_a_run_are_different_sites() -> None:
    moments = sites_of("F", 2, [("a", When.BEFORE), ("a", When.BEFORE)])
    assert moments == [
        Moment(Cut("F", 2, 0), Site("F", "a", 1, When.BEFORE)),
        Moment(Cut("F", 2, 1), Site("F", "a", 2, When.BEFORE)),
    ]


def test_a_kill_after_a_call_is_a_kill_before_the_next_call_and_happens_once() -> None:
    moments = sites_of("F", 1, CALLS)
    kept = distinct(moments)
    assert [str(moment.site) for moment in kept] == [
        "F: before a #1",
        "F: before b #1",
        "F: reading b #1",
    ]
    died = {str(site) for moment in kept for site in died_at(moments, {moment.cut})}
    assert died == {str(moment.site) for moment in moments}


def test_calls_of_another_run_are_not_the_next_calls() -> None:
    moments = [*sites_of("F", 1, CALLS[:2]), *sites_of("F", 2, CALLS[2:4])]
    assert distinct(moments) == moments


def test_a_kill_names_its_site_and_the_first_run_by_default() -> None:
    assert Kill(Site("F", "a", 1, When.AFTER)).invocation is None


HEARD: dict[str, Any] = {
    "listens": True,
    "deliveries": [f"{JOB_ID}.succeeded"],
    "received": [f"{JOB_ID}_succeeded"] * 2,
}


def test_an_end_that_was_delivered_twice_under_one_id_keeps_every_promise() -> None:
    assert broken(replace(delivered(), **HEARD)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"deliveries": []}, "expected the deliveries"),
        ({"deliveries": [f"{JOB_ID}.succeeded", f"{JOB_ID}.failed"]}, "expected the deliveries"),
        ({"received": []}, "the receiver got nothing"),
        ({"received": [f"{JOB_ID}_succeeded", f"{JOB_ID}_failed"]}, "the receiver got"),
        ({"listens": False}, "expected the deliveries"),
    ],
)
def test_a_webhook_that_was_lost_or_is_not_the_one_of_the_end_is_found(changes: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in broken(replace(delivered(), **{**HEARD, **changes})))
