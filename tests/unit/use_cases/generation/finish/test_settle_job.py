"""The only writer of terminal states: once, from the record, with the machine's error as a hint."""

from datetime import timedelta

import pytest

from fermata.domain.finish.job_end import JobEnd
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import PUBLISHED_WITHIN, Job
from fermata.domain.jobs.latency import SongTime
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.wiring.generation import settle_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    candidate,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    submitting_job,
)

KILLED = "Execution.ABORTED"


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


def settle(world: World, stopped_by: str | None = None) -> Job:
    assert settle_job(JOB_ID, stopped_by, settle_ports(), world.clock()) is world.stored(JOB_ID).status
    return world.stored(JOB_ID)


@pytest.mark.parametrize("stopped_by", [None, KILLED])
def test_a_job_with_its_song_stored_succeeds_however_it_was_stopped(stopped_by: str | None) -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    world.clock.pass_seconds(7)
    job = settle(world, stopped_by)
    assert (job.status, job.failure, job.finished_at) == (JobStatus.SUCCEEDED, None, world.clock())
    assert job.attempts[0].state is AttemptState.READY


@pytest.mark.parametrize(
    "job", [delivered_job().published(), failed_job(rate_limited()).settled(rate_limited(), NOON).published()]
)
@pytest.mark.parametrize("stopped_by", [None, KILLED, "BadAudioError"])
def test_a_settled_job_is_left_exactly_as_it_is_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture, job: Job, stopped_by: str | None
) -> None:
    world = world_of(job)
    world.clock.pass_seconds(3600)
    assert settle(world, stopped_by) == job
    assert (world.jobs.saves, world.events.published) == (0, [])
    assert said_again(caplog) == [job.status]


def said_again(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The status of each job that was to be settled although it had ended."""
    return [vars(line)["status"] for line in caplog.records if line.getMessage() == "already settled; nothing changes"]


def test_the_end_of_a_job_is_told_once_with_what_an_operator_asks() -> None:
    job = failed_job(rate_limited())
    world = world_of(job)
    world.clock.pass_seconds(42)
    settle(world)
    settle(world)
    (end,) = world.metrics.ends
    assert end == JobEnd(
        job_id=JOB_ID,
        tenant_id="acme",
        provider="minimax",
        model="minimax/music-2.5",
        outcome="rate_limited",
        code="1002",
        provider_charged="no",
        seconds=(world.clock() - job.created_at).total_seconds(),
        credits=0,
    )


def test_the_end_of_a_delivered_job_has_its_credits_and_that_of_a_canceled_one_is_told_when_it_is_published() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    job = settle(world)
    (end,) = world.metrics.ends
    assert (end.outcome, end.has_succeeded, end.code, end.provider_charged) == ("succeeded", True, None, "yes")
    assert end.credits == job.spent_credits > 0

    world.leave()
    world = world_of(queued_job().canceled(NOON))
    settle(world)
    settle(world)
    assert [(end.outcome, end.has_succeeded, end.provider_charged) for end in world.metrics.ends] == [
        ("canceled", False, "no")
    ]


def test_a_settlement_that_ends_a_job_is_not_called_a_repetition(caplog: pytest.LogCaptureFixture) -> None:
    settle(world_of(queued_job()), KILLED)
    assert said_again(caplog) == []


@pytest.mark.parametrize(
    ("job", "failure_class", "code", "charged", "attempts"),
    [
        pytest.param(
            queued_job(), FailureClass.TRANSIENT, "not_started", ProviderCharged.NO, [], id="before_the_first_attempt"
        ),
        pytest.param(
            submitting_job(), FailureClass.UNKNOWN_OUTCOME, KILLED, ProviderCharged.UNKNOWN, ["unknown"], id="claimed"
        ),
        pytest.param(
            generating_job(),
            FailureClass.UNKNOWN_OUTCOME,
            KILLED,
            ProviderCharged.UNKNOWN,
            ["unknown"],
            id="generating",
        ),
        pytest.param(ready_job(), FailureClass.TRANSIENT, KILLED, ProviderCharged.YES, ["yes"], id="ready"),
        pytest.param(
            failed_job(rate_limited()), FailureClass.RATE_LIMITED, "1002", ProviderCharged.NO, ["no"], id="refused"
        ),
    ],
)
def test_a_job_of_a_killed_execution_is_settled_by_the_state_of_its_attempt(
    job: Job, failure_class: FailureClass, code: str, charged: ProviderCharged, attempts: list[str]
) -> None:
    settled = settle(world_of(job), KILLED)
    assert settled.status is JobStatus.FAILED
    assert settled.failure is not None
    assert (settled.failure.failure_class, settled.failure.code, settled.failure.provider_charged) == (
        failure_class,
        code,
        charged,
    )
    assert [attempt.provider_charged.value for attempt in settled.attempts] == attempts
    assert not any(attempt.state in (AttemptState.CLAIMED, AttemptState.GENERATING) for attempt in settled.attempts)


@pytest.mark.parametrize(
    ("stopped_by", "failure_class", "code"),
    [
        ("TransientError", FailureClass.TRANSIENT, "TransientError"),
        ("States.Timeout", FailureClass.TRANSIENT, "States.Timeout"),
        (None, FailureClass.TRANSIENT, "not_stored"),
    ],
)
def test_a_song_that_was_paid_and_not_stored_says_why_and_that_it_was_paid(
    stopped_by: str | None, failure_class: FailureClass, code: str
) -> None:
    failure = settle(world_of(ready_job()), stopped_by).failure
    assert failure is not None
    assert (failure.failure_class, failure.code, failure.provider_charged) == (
        failure_class,
        code,
        ProviderCharged.YES,
    )


def test_the_failure_of_an_attempt_is_the_failure_of_its_job() -> None:
    refused = Failure(
        failure_class=FailureClass.CONTENT_REFUSED, provider_charged=ProviderCharged.NO, message="no", code="1026"
    )
    assert settle(world_of(failed_job(refused)), "States.TaskFailed").failure == refused


def test_a_settlement_that_comes_second_reads_again_and_changes_nothing() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), NOON)
    assert settle(world, KILLED).status is JobStatus.SUCCEEDED
    assert world.jobs.saves == 2
    assert [event.detail["status"] for event in world.events.published] == ["succeeded"]


def test_a_song_that_is_stored_at_the_last_moment_is_delivered() -> None:
    world = world_of(ready_job())
    world.jobs.before_next_save = lambda: world.jobs.save(ready_job().with_tracks((stored_track(),), NOON))
    assert settle(world, KILLED).status is JobStatus.SUCCEEDED


def test_a_record_that_others_keep_writing_is_left_to_the_machines_retry() -> None:
    world = world_of(submitting_job())

    def write_again() -> None:
        world.jobs.before_next_save = None
        current = world.stored(JOB_ID)
        world.jobs.save(current.with_late_answer(1, NOON))
        world.jobs.before_next_save = write_again

    world.jobs.before_next_save = write_again
    with pytest.raises(StaleRecordError):
        settle_job(JOB_ID, KILLED, settle_ports(), NOON)
    assert world.stored(JOB_ID).status is JobStatus.SUBMITTING


@pytest.mark.parametrize(
    ("job", "charged", "kinds"),
    [
        (ready_job().with_tracks((stored_track(),), NOON), Charged.YES, ["hold", "settle"]),
        (ready_job(), Charged.REFUNDED, ["hold", "refund"]),
        (submitting_job(), Charged.REFUNDED, ["hold", "refund"]),
    ],
    ids=["delivered", "paid and not stored", "unknown"],
)
def test_an_end_moves_the_credits_once_although_another_run_settles_again(
    job: Job, charged: Charged, kinds: list[str]
) -> None:
    world = world_of(job)
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), NOON)
    for stopped_by in (KILLED, None, "BadAudioError"):
        assert settle(world, stopped_by).charged is charged
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == kinds
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert (wallet.held, wallet.spent) == (0, 30 if charged is Charged.YES else 0)


def test_an_unknown_job_is_refused() -> None:
    with pytest.raises(NotFoundError):
        settle(World())


def sung_in(seconds: float, **changes: object) -> Job:
    """A job with its song stored, whose answer came so many seconds after its order."""
    job = ready_job().with_tracks((stored_track(),), NOON)
    attempt = job.attempts[0].model_copy(update={"finished_at": NOON + timedelta(seconds=seconds), **changes})
    return job.model_copy(update={"attempts": (attempt,)})


def test_the_bounds_of_a_delivered_song_are_counted_under_its_model_from_its_order() -> None:
    world = world_of(sung_in(71.6, not_yet_at=NOON + timedelta(seconds=62.7)))
    world.clock.pass_seconds(500)
    settle(world)
    assert world.estimates.times.models == {"minimax/music-2.5": (SongTime(JOB_ID, 72, 63),)}


def test_a_song_that_a_fallback_delivered_is_counted_under_the_fallbacks_name() -> None:
    chain = {"candidates": (candidate(), candidate("aimlapi"))}
    world = world_of(sung_in(50, candidate=1).model_copy(update=chain))
    settle(world)
    assert list(world.estimates.times.models) == ["aimlapi/minimax/music-2.0"]


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(failed_job(rate_limited()), id="refused"),
        pytest.param(submitting_job(), id="unknown"),
        pytest.param(ready_job(), id="not_stored"),
        pytest.param(queued_job(), id="not_started"),
        pytest.param(sung_in(70, link_renewals=1), id="link_renewed"),
    ],
)
def test_a_job_that_shows_nothing_about_how_long_a_song_takes_is_not_counted(job: Job) -> None:
    world = world_of(job)
    settle(world)
    assert world.estimates.times.models == {}


def test_a_job_that_is_settled_twice_is_counted_once() -> None:
    world = world_of(sung_in(70))
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), NOON)
    settle(world)
    settle(world, KILLED)
    assert [len(songs) for songs in world.estimates.times.models.values()] == [1]


def test_a_job_whose_settlement_loses_its_answer_is_still_counted_at_most_once() -> None:
    world = world_of(sung_in(70))

    def lose_the_answer() -> None:
        raise StaleRecordError("the write was applied, and its answer was lost")

    world.jobs.after_next_save = lose_the_answer
    assert settle(world).status is JobStatus.SUCCEEDED
    assert sum(len(songs) for songs in world.estimates.times.models.values()) <= 1


def test_a_song_is_not_counted_before_its_job_is_settled() -> None:
    world = world_of(sung_in(70))

    def write_again() -> None:
        world.jobs.before_next_save = None
        world.jobs.save(world.stored(JOB_ID).with_late_answer(1, NOON))
        world.jobs.before_next_save = write_again

    world.jobs.before_next_save = write_again
    with pytest.raises(StaleRecordError):
        settle(world)
    assert world.estimates.times.models == {}


# ---- notifying of the end


@pytest.mark.parametrize(
    ("job", "detail_type", "facts"),
    [
        (
            ready_job().with_tracks((stored_track(),), NOON),
            "Music Job Succeeded",
            {"status": "succeeded", "charged": "yes", "spent_credits": 30, "error_class": None},
        ),
        (
            failed_job(rate_limited()),
            "Music Job Failed",
            {"status": "failed", "charged": "refunded", "spent_credits": 0, "error_class": "rate_limited"},
        ),
        (
            queued_job().canceled(NOON),
            "Music Job Canceled",
            {"status": "canceled", "charged": "refunded", "spent_credits": 0, "error_class": None},
        ),
    ],
    ids=["succeeded", "failed", "canceled"],
)
def test_an_end_is_published_with_ids_and_figures_and_nothing_of_the_song(
    job: Job, detail_type: str, facts: dict[str, object]
) -> None:
    world = world_of(job)
    settle(world)
    (event,) = world.events.published
    assert event.detail_type == detail_type
    assert event.detail == {
        "event_id": f"{JOB_ID}.{facts['status']}",
        "job_id": JOB_ID,
        "tenant_id": "acme",
        "price_credits": 30,
        "kind": "song",
        "model": "minimax/music-2.5",
        "finished_at": "2026-11-21T12:00:00.000Z",
        **facts,
    }


def test_a_job_whose_end_was_published_leaves_the_index() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    job = settle(world)
    assert (job.publish_pending, job.check_at) == (False, None)
    assert job.updated_at == NOON
    settle(world, KILLED)
    assert len(world.events.published) == 1


def test_an_end_that_could_not_be_published_stands_and_is_published_by_the_next_run() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    world.events.failure = TransientError("the bus refused the event of the job's end: ThrottlingException")
    with pytest.raises(TransientError):
        settle(world)
    job = world.stored(JOB_ID)
    assert (job.status, job.publish_pending, job.check_at) == (JobStatus.SUCCEEDED, True, NOON + PUBLISHED_WITHIN)
    world.events.failure = None
    assert settle(world, KILLED).publish_pending is False
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "settle"]


def test_a_late_answer_during_the_publication_of_an_end_loses_neither() -> None:
    world = world_of(submitting_job())
    world.events.while_publishing = lambda: world.jobs.save(world.stored(JOB_ID).with_late_answer(1, NOON))
    job = settle(world, KILLED)
    assert (job.publish_pending, job.attempts[0].late) == (False, True)
    assert len(world.events.published) == 1


def test_an_end_that_two_runs_publish_has_one_id() -> None:
    world = world_of(delivered_job())
    world.events.while_publishing = lambda: settle(world)
    settle(world)
    assert len({str(event.detail["event_id"]) for event in world.events.published}) == 1
    assert world.stored(JOB_ID) == delivered_job().published()
