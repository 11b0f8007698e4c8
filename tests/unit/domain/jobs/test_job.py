"""A job's life as values: the closed list of states, and what each step may change."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.claim import closed_as_unknown
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import TRANSITIONS, JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS, AfterFailure
from fermata.domain.providers.calls import AudioAt, AudioInAnswer, AudioIsAnswer, Refused, TaskStarted
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from tests.fakes.clock import NOON
from tests.songs import (
    candidate,
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

LATER = NOON + timedelta(minutes=5)
TERMINAL = {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELED, JobStatus.EXPIRED}


def refused(failure_class: FailureClass, charged: ProviderCharged) -> Failure:
    return Failure(failure_class=failure_class, provider_charged=charged, message="no")


def test_the_states_of_a_job_are_a_closed_list() -> None:
    names = "queued submitting generating storing succeeded failed canceled expired"
    assert [status.value for status in JobStatus] == names.split()
    assert set(TRANSITIONS) == set(JobStatus)


def test_only_terminal_states_have_no_successor() -> None:
    assert {status for status in JobStatus if status.is_terminal} == TERMINAL


def test_every_open_state_can_fail_and_only_one_after_the_order_succeeds() -> None:
    opened = set(JobStatus) - TERMINAL
    assert {status for status in opened if JobStatus.FAILED in TRANSITIONS[status]} == opened
    assert {status for status in opened if JobStatus.SUCCEEDED in TRANSITIONS[status]} == {
        JobStatus.GENERATING,
        JobStatus.STORING,
    }


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job(), ready_job()])
def test_a_job_without_a_song_cannot_succeed(job: Job) -> None:
    with pytest.raises(AssertionError, match="cannot become succeeded"):
        job.settled(None, LATER)


def test_a_settled_job_cannot_be_settled_again() -> None:
    with pytest.raises(AssertionError, match="cannot become failed"):
        delivered_job().settled(rate_limited(), LATER)


def test_a_job_and_its_parts_cannot_be_changed_in_place() -> None:
    job = delivered_job()
    with pytest.raises(ValidationError):
        job.status = JobStatus.FAILED  # type: ignore[misc]  # exactly what must not work
    with pytest.raises(ValidationError):
        job.attempts[0].late = True  # type: ignore[misc]  # exactly what must not work


@pytest.mark.parametrize(
    "change",
    [
        lambda job: job.claimed(claimed_attempt(number=2), LATER),
        lambda job: job.settled(rate_limited(), LATER),
    ],
)
def test_every_change_adds_one_to_the_version_and_records_the_time(change: object) -> None:
    assert callable(change)
    job = failed_job(rate_limited())
    changed = change(job)
    assert (changed.version, changed.updated_at) == (job.version + 1, LATER)
    assert (changed.id, changed.request, changed.created_at) == (job.id, job.request, job.created_at)


def test_a_claim_is_added_to_the_attempts() -> None:
    job = failed_job(rate_limited()).claimed(claimed_attempt(number=2), LATER)
    assert job.status is JobStatus.SUBMITTING
    assert [attempt.number for attempt in job.attempts] == [1, 2]
    assert job.last_attempt == job.attempts[1]


def test_only_a_queued_job_may_be_claimed() -> None:
    jobs = [queued_job(), submitting_job(), generating_job(), ready_job(), delivered_job()]
    assert [job.status for job in jobs if job.may_claim(NOON)] == [JobStatus.QUEUED]


def test_a_job_may_be_claimed_until_start_by_and_not_at_it() -> None:
    job = queued_job()
    assert job.may_claim(job.start_by - timedelta(milliseconds=1))
    assert not job.may_claim(job.start_by)


def test_the_fifth_attempt_may_not_be_claimed() -> None:
    attempts = tuple(claimed_attempt(number=n) for n in range(1, MAX_ATTEMPTS + 1))
    assert queued_job(attempts=attempts[:-1]).may_claim(NOON)
    assert not queued_job(attempts=attempts).may_claim(NOON)


@pytest.mark.parametrize(
    ("failure", "repeats"),
    [
        (refused(FailureClass.RATE_LIMITED, ProviderCharged.NO), True),
        (refused(FailureClass.TRANSIENT, ProviderCharged.NO), True),
        (refused(FailureClass.RATE_LIMITED, ProviderCharged.UNKNOWN), False),
        (refused(FailureClass.TRANSIENT, ProviderCharged.UNKNOWN), False),
        (refused(FailureClass.TRANSIENT, ProviderCharged.YES), False),
        (refused(FailureClass.UNKNOWN_OUTCOME, ProviderCharged.UNKNOWN), False),
        *[
            (refused(kind, ProviderCharged.NO), False)
            for kind in FailureClass
            if kind not in (FailureClass.TRANSIENT, FailureClass.RATE_LIMITED)
        ],
    ],
)
def test_only_a_temporary_failure_that_surely_cost_nothing_is_ordered_again(failure: Failure, repeats: bool) -> None:
    job = failed_job(failure)
    assert job.next_step(NOON) is (AfterFailure.SAME_MODEL if repeats else AfterFailure.END)
    assert job.status is (JobStatus.QUEUED if repeats else JobStatus.SUBMITTING)


def test_the_fourth_refusal_is_not_repeated() -> None:
    def job_at(number: int) -> Job:
        attempt = claimed_attempt(number=number, failure=rate_limited(), state=AttemptState.FAILED)
        return submitting_job().with_outcome(attempt, NOON)

    assert job_at(MAX_ATTEMPTS - 1).status is JobStatus.QUEUED
    assert job_at(MAX_ATTEMPTS).status is JobStatus.SUBMITTING


def test_a_refusal_at_start_by_is_not_repeated() -> None:
    attempt = claimed_attempt(failure=rate_limited(), state=AttemptState.FAILED)
    job = submitting_job()
    assert job.with_outcome(attempt, job.start_by).status is JobStatus.SUBMITTING


def test_an_attempt_learns_each_outcome() -> None:
    claimed = claimed_attempt()
    task = claimed.after(TaskStarted("id:1"), LATER)
    assert (task.state, task.upstream_id, task.provider_charged, task.finished_at) == (
        AttemptState.GENERATING,
        "id:1",
        ProviderCharged.YES,
        None,
    )
    staged = claimed.after(AudioInAnswer(), LATER)
    assert (staged.state, staged.audio, staged.provider_charged) == (
        AttemptState.READY,
        Audio(source=AudioSource.HEX),
        ProviderCharged.YES,
    )
    assert claimed.after(AudioIsAnswer(), LATER).audio == Audio(source=AudioSource.BODY)
    linked = claimed.after(AudioAt("https://a", ("https://b",)), LATER)
    both = Audio(source=AudioSource.LINKS, links=("https://a", "https://b"))
    assert (linked.state, linked.audio, linked.finished_at) == (AttemptState.READY, both, LATER)
    failed = claimed.after(Refused(rate_limited()), LATER)
    assert (failed.state, failed.failure, failed.provider_charged) == (
        AttemptState.FAILED,
        rate_limited(),
        ProviderCharged.NO,
    )


def test_a_new_attempt_may_be_billed_until_its_outcome_is_known() -> None:
    assert claimed_attempt().provider_charged is ProviderCharged.UNKNOWN


def test_an_attempt_that_is_closed_as_unknown_may_be_billed() -> None:
    attempt = closed_as_unknown(claimed_attempt(), LATER)
    assert (attempt.state, attempt.provider_charged, attempt.finished_at) == (
        AttemptState.FAILED,
        ProviderCharged.UNKNOWN,
        LATER,
    )


def test_marking_an_answer_as_late_changes_nothing_else() -> None:
    job = submitting_job()
    late = job.with_late_answer(1, LATER)
    assert late.attempts[0] == job.attempts[0].model_copy(update={"late": True})
    assert late.model_copy(update={"attempts": job.attempts, "version": job.version, "updated_at": NOON}) == job


def test_settling_closes_only_an_attempt_that_is_still_open() -> None:
    closed = ready_job().settled(rate_limited(), LATER)
    assert closed.attempts == ready_job().attempts
    opened = generating_job().settled(rate_limited(), LATER)
    assert opened.attempts[0].state is AttemptState.FAILED


def test_a_record_survives_being_written_and_read() -> None:
    job = delivered_job()
    assert Job.model_validate_json(job.model_dump_json()) == job


def test_tracks_do_not_settle_a_job() -> None:
    job = ready_job().with_tracks((stored_track(),), LATER)
    assert (job.status, job.finished_at) == (JobStatus.STORING, None)


REFUSED = failed_job(rate_limited())


@pytest.mark.parametrize(
    ("job", "turn"),
    [
        pytest.param(queued_job(), ("minimax", 1), id="nothing was ordered"),
        pytest.param(REFUSED, ("minimax", 2), id="the same model again"),
        pytest.param(REFUSED.canceled(REFUSED.updated_at), ("minimax", 2), id="canceled before the second attempt"),
        pytest.param(
            REFUSED.model_copy(update={"candidates": (candidate(), candidate("aimlapi"))}),
            ("aimlapi", 2),
            id="fallback",
        ),
        pytest.param(
            REFUSED.model_copy(update={"attempts": (REFUSED.attempts[0].model_copy(update={"number": MAX_ATTEMPTS}),)}),
            None,
            id="no attempt is left",
        ),
        pytest.param(submitting_job(), None, id="ordered"),
        pytest.param(ready_job(), None, id="made"),
        pytest.param(delivered_job(), None, id="delivered"),
    ],
)
def test_the_turn_of_an_attempt_that_was_never_made_is_known_after_the_end_too(
    job: Job, turn: tuple[str, int] | None
) -> None:
    assert job.terms.unordered_after(job.last_attempt) == turn
