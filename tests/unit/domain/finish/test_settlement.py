"""How a job ends is decided from its record alone."""

from datetime import timedelta

import pytest

from fermata.domain.finish.settlement import settle
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from tests.fakes.clock import NOON
from tests.songs import (
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    submitting_job,
)

LATER = NOON + timedelta(minutes=1)
OPEN = [queued_job(), submitting_job(), generating_job(), ready_job(), failed_job(rate_limited())]


def test_a_stored_song_settles_as_succeeded() -> None:
    job = settle(ready_job().with_tracks((stored_track(),), NOON), None, LATER)
    assert job is not None
    assert (job.status, job.failure, job.finished_at) == (JobStatus.SUCCEEDED, None, LATER)


@pytest.mark.parametrize("stopped_by", [None, "Execution.TIMED_OUT", "BadAudioError"])
@pytest.mark.parametrize("job", OPEN, ids=lambda job: job.status.value)
def test_every_open_job_ends_with_a_reason(job: Job, stopped_by: str | None) -> None:
    settled = settle(job, stopped_by, LATER)
    assert settled is not None
    assert (settled.status, settled.finished_at, settled.version) == (JobStatus.FAILED, LATER, job.version + 1)
    assert settled.failure is not None
    assert settled.failure.message
    assert settled.failure.code or stopped_by is None


@pytest.mark.parametrize("stopped_by", [None, "Execution.TIMED_OUT"])
def test_a_settled_job_has_nothing_to_settle(stopped_by: str | None) -> None:
    assert settle(delivered_job(), stopped_by, LATER) is None
    failed = settle(generating_job(), None, LATER)
    assert failed is not None
    assert settle(failed, stopped_by, LATER) is None


@pytest.mark.parametrize("job", [submitting_job(), generating_job()], ids=["claimed", "generating"])
def test_an_order_whose_end_is_unknown_may_have_been_billed(job: Job) -> None:
    settled = settle(job, None, LATER)
    assert settled is not None
    assert settled.failure is not None
    assert settled.failure.failure_class is FailureClass.UNKNOWN_OUTCOME
    assert settled.attempts[0].provider_charged is ProviderCharged.UNKNOWN


def test_an_order_that_was_never_sent_costs_nothing() -> None:
    settled = settle(queued_job(), None, LATER)
    assert settled is not None
    assert settled.failure is not None
    assert (settled.failure.code, settled.failure.provider_charged) == ("not_started", ProviderCharged.NO)


def test_a_song_that_was_not_stored_never_counts_as_free() -> None:
    attempt = claimed_attempt(state=AttemptState.READY, provider_charged=ProviderCharged.NO)
    settled = settle(submitting_job().with_outcome(attempt, NOON), "BadAudioError", LATER)
    assert settled is not None
    assert settled.failure is not None
    assert settled.failure.provider_charged is ProviderCharged.UNKNOWN


def test_a_failed_attempt_without_a_reason_may_have_been_billed() -> None:
    attempt = claimed_attempt(state=AttemptState.FAILED)
    settled = settle(submitting_job().model_copy(update={"attempts": (attempt,)}), "States.Timeout", LATER)
    assert settled is not None
    assert settled.failure is not None
    assert (settled.failure.failure_class, settled.failure.code) == (FailureClass.UNKNOWN_OUTCOME, "States.Timeout")
