"""One contract for job records, kept by the in-memory fake and by DynamoDB."""

from datetime import timedelta
from decimal import Decimal

import pytest

from fermata.adapters.dynamodb.jobs.job_store import DynamoJobStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.audio.sound import TrackSound, Unmeasured
from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.claim import closed_as_unknown
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.orders.job_id import new_job_id
from fermata.domain.orders.references import unusable
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.ports.jobs import JobStore
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.jobs.records import advanced_to
from tests.references import AUDIO_URL, REGISTERED_CANDIDATE, job_with, known_as, prepared
from tests.songs import (
    JOB_ID,
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    submitting_job,
)
from tests.support.cloud import TABLE


@pytest.fixture(params=["in_memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> JobStore:
    if request.param == "in_memory":
        return InMemoryJobStore()
    return DynamoJobStore(DynamoTransactions(request.getfixturevalue("dynamodb"), TABLE))


def test_an_unknown_job_is_not_there(store: JobStore) -> None:
    assert store.load(JOB_ID) is None


@pytest.mark.parametrize(
    "request_fields",
    [
        {},
        {"audio": {"format": "wav", "sample_rate": 32000}},
        {"audio": {"bitrate": 128000}, "title": "雨 \U0001f3b5", "metadata": {"order": "42", "pk": "x", "sk": ""}},
        {"prompt": "", "lyrics": "", "auto_lyrics": True},
        {"lyrics": "\U0001f3b5" * 3500},
    ],
)
def test_a_created_job_is_read_back_equal(store: JobStore, request_fields: dict[str, object]) -> None:
    job = queued_job(request=song_request(**request_fields), now=NOON + timedelta(milliseconds=7))
    store.create(job)
    assert store.load(JOB_ID) == job


@pytest.mark.parametrize(
    "job",
    [submitting_job(), generating_job(), ready_job("https://a.example/x%2Fy?s=1"), delivered_job()],
    ids=lambda job: job.status.value,
)
def test_every_state_is_read_back_equal(store: JobStore, job: Job) -> None:
    assert advanced_to(job, store) == job
    assert store.load(JOB_ID) == job


def test_a_reference_with_its_rule_is_read_back_equal(store: JobStore) -> None:
    job = job_with({"audio_url": AUDIO_URL, "purpose": None}, REGISTERED_CANDIDATE)
    store.create(job)
    stored = job.with_reference(prepared(known_as()), NOON)
    store.save(stored)
    assert store.load(JOB_ID) == stored


def test_a_refused_reference_is_read_back_equal(store: JobStore) -> None:
    store.create(job_with())
    refused = job_with().with_refusal(unusable("reference_too_short", "expected more"), NOON)
    store.save(refused)
    assert store.load(JOB_ID) == refused


def test_a_failure_is_read_back_whole(store: JobStore) -> None:
    failure = Failure(
        failure_class=FailureClass.PROVIDER_ERROR,
        provider_charged=ProviderCharged.UNKNOWN,
        message="é",
        code="9",
        http_status=200,
        trace_id="t",
        retry_after_s=3,
    )
    job = failed_job(failure).settled(failure, NOON)
    advanced_to(job, store)
    assert store.load(JOB_ID) == job


@pytest.mark.parametrize("units", [Decimal(0), Decimal(29), Decimal("12.5")])
def test_an_attempts_trace_id_and_the_providers_units_are_read_back_equal(store: JobStore, units: Decimal) -> None:
    attempt = claimed_attempt(trace_id="04ed", provider_units=units)
    store.create(queued_job())
    store.save(queued_job().claimed(attempt, NOON))
    assert [(each.trace_id, each.provider_units) for each in store.load_existing(JOB_ID).attempts] == [("04ed", units)]


def test_an_id_is_created_once(store: JobStore) -> None:
    store.create(queued_job())
    with pytest.raises(StaleRecordError):
        store.create(queued_job(tenant_id="other"))
    assert store.load(JOB_ID) == queued_job()


def test_a_job_that_was_never_created_cannot_be_saved(store: JobStore) -> None:
    with pytest.raises(StaleRecordError):
        store.save(submitting_job())
    assert store.load(JOB_ID) is None


def test_of_two_writers_that_read_the_same_version_one_wins(store: JobStore) -> None:
    store.create(queued_job())
    first = queued_job().claimed(claimed_attempt(claim_id="first"), NOON)
    second = queued_job().claimed(claimed_attempt(claim_id="second"), NOON)
    store.save(first)
    with pytest.raises(StaleRecordError):
        store.save(second)
    assert store.load(JOB_ID) == first


@pytest.mark.parametrize("step", [-1, 0, 2])
def test_only_the_next_version_may_be_saved(store: JobStore, step: int) -> None:
    advanced_to(submitting_job(), store)
    stale = submitting_job().model_copy(update={"version": 2 + step, "status": JobStatus.FAILED})
    with pytest.raises(StaleRecordError):
        store.save(stale)
    assert store.load(JOB_ID) == submitting_job()


def test_attempts_are_kept_in_their_order(store: JobStore) -> None:
    store.create(queued_job())
    job = queued_job()
    for number in range(1, MAX_ATTEMPTS + 1):
        job = job.claimed(claimed_attempt(number=number), NOON)
        store.save(job)
        job = job.with_outcome(
            job.attempts[-1].model_copy(update={"failure": rate_limited(), "state": AttemptState.FAILED}), NOON
        ).model_copy(update={"status": JobStatus.QUEUED})
        store.save(job)
    loaded = store.load(JOB_ID)
    assert loaded is not None
    assert [attempt.number for attempt in loaded.attempts] == [1, 2, 3, 4]
    assert [attempt.claim_id for attempt in loaded.attempts] == ["run-1", "run-2", "run-3", "run-4"]


def test_what_was_read_is_not_what_is_stored(store: JobStore) -> None:
    store.create(queued_job(request=song_request(metadata={"order": "42"})))
    loaded = store.load(JOB_ID)
    assert loaded is not None
    loaded.request.metadata["order"] = "43"
    again = store.load(JOB_ID)
    assert again is not None
    assert again.request.metadata == {"order": "42"}


def test_jobs_do_not_see_each_other(store: JobStore) -> None:
    other = queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWXZ", tenant_id="other")
    store.create(queued_job())
    store.create(other)
    store.save(submitting_job())
    assert store.load(other.id) == other


def test_many_jobs_are_read_in_the_order_of_their_ids_as_each_is_alone(store: JobStore) -> None:
    advanced_to(delivered_job(), store)
    others = [queued_job(id=new_job_id(NOON, bytes([number] * 10)), tenant_id="other") for number in range(40)]
    for job in others:
        store.create(job)
    ids = [others[39].id, JOB_ID, "job_01JD0ABCDEFGHJKMNPQRSTVWXZ", *(job.id for job in others[:39])]
    assert store.load_all(ids) == [others[39], delivered_job(), *others[:39]]
    assert store.load_all([]) == []


def test_a_status_is_read_without_the_job(store: JobStore) -> None:
    assert store.status(JOB_ID) is None
    store.create(queued_job())
    assert store.status(JOB_ID) is JobStatus.QUEUED
    store.save(submitting_job())
    assert store.status(JOB_ID) is JobStatus.SUBMITTING


def test_the_job_of_an_execution_is_read_as_any_other(store: JobStore) -> None:
    store.create(queued_job())
    assert store.load_existing(JOB_ID) == store.load(JOB_ID) == queued_job()


def test_an_execution_of_a_job_that_is_not_there_is_an_error(store: JobStore) -> None:
    with pytest.raises(NotFoundError, match=f"no record of job {JOB_ID}"):
        store.load_existing(JOB_ID)


SOUNDS = (
    TrackSound(number=1, peaks_key="tracks/x/1.peaks.json", loudness_lufs=-14.02, true_peak_dbtp=-0.7),
    TrackSound(number=2, unmeasured=Unmeasured.CUT),
)


def test_the_loudness_of_tracks_is_read_with_the_job_and_no_write_of_the_job_touches_it(store: JobStore) -> None:
    job = advanced_to(delivered_job(), store)
    store.add_sounds(JOB_ID, SOUNDS[:1])
    store.add_sounds(JOB_ID, SOUNDS)
    measured = job.model_copy(update={"sounds": SOUNDS})
    assert store.load(JOB_ID) == measured
    assert store.load_all([JOB_ID]) == [measured]
    store.save(job.published())
    assert store.load_existing(JOB_ID).sounds == SOUNDS


def test_a_deleted_job_has_no_loudness_and_gets_none(store: JobStore) -> None:
    job = advanced_to(delivered_job(), store)
    store.add_sounds(JOB_ID, SOUNDS)
    store.forget(tombstone_of(job, NOON))
    assert store.load_existing(JOB_ID).sounds == ()
    with pytest.raises(NotFoundError):
        store.add_sounds(JOB_ID, SOUNDS)
    assert store.load_existing(JOB_ID).sounds == ()


def test_an_unknown_job_gets_no_loudness(store: JobStore) -> None:
    with pytest.raises(NotFoundError):
        store.add_sounds(JOB_ID, SOUNDS)
    assert store.load(JOB_ID) is None


RESTORED_AT = NOON + timedelta(hours=1)


@pytest.fixture(params=["in_memory", "dynamodb"])
def restored(request: pytest.FixtureRequest) -> JobStore:
    """A store over a table that was restored an hour after noon."""
    if request.param == "in_memory":
        in_memory = InMemoryJobStore()
        in_memory.restored_at = RESTORED_AT
        return in_memory
    return DynamoJobStore(DynamoTransactions(request.getfixturevalue("dynamodb"), TABLE), RESTORED_AT)


def replay_of(job: Job) -> Job:
    unknown = closed_as_unknown(claimed_attempt(), RESTORED_AT)
    changes = {"attempts": (unknown,), "status": JobStatus.SUBMITTING, "restored_at": RESTORED_AT}
    return job.model_copy(update={**changes, "version": job.version + 1})


def test_a_job_of_before_the_restore_changes_by_a_replay_only(restored: JobStore) -> None:
    job = queued_job()
    restored.create(job)
    claimed = job.claimed(claimed_attempt(), NOON)
    with pytest.raises(TransientError, match="fermata-admin recover"):
        restored.claim(claimed, 0)
    with pytest.raises(TransientError, match="fermata-admin recover"):
        restored.save(claimed)
    with pytest.raises(TransientError, match="fermata-admin recover"):
        restored.settle(job.settled(rate_limited(), NOON))
    assert restored.load(JOB_ID) == job

    replayed = replay_of(job)
    restored.replay(replayed)
    assert restored.load(JOB_ID) == replayed
    restored.settle(replayed.settled(rate_limited(), NOON))
    loaded = restored.load(JOB_ID)
    assert loaded is not None
    assert loaded.status is JobStatus.FAILED


def test_a_replay_loses_a_race_as_every_write_does(restored: JobStore) -> None:
    job = queued_job()
    restored.create(job)
    restored.replay(replay_of(job))
    with pytest.raises(StaleRecordError):
        restored.replay(replay_of(job))


def test_a_restore_concerns_neither_ended_jobs_nor_later_ones(restored: JobStore) -> None:
    later = queued_job(now=RESTORED_AT)
    restored.create(later)
    restored.claim(later.claimed(claimed_attempt(), RESTORED_AT), 0)
    ended = delivered_job(id=new_job_id(NOON, bytes(10)))
    restored.create(ended)
    restored.save(ended.published())
    loaded = restored.load(ended.id)
    assert loaded is not None
    assert not loaded.publish_pending


def test_a_job_that_was_replayed_before_an_earlier_restore_waits_again(restored: JobStore) -> None:
    job = queued_job(restored_at=NOON)
    restored.create(job)
    with pytest.raises(TransientError, match="fermata-admin recover"):
        restored.save(job.claimed(claimed_attempt(), NOON))
