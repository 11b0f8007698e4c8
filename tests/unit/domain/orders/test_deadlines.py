"""`finish_by`: which deadlines are taken, and that a song which is too late costs nothing."""

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from fermata.domain.catalogue.models import Estimate
from fermata.domain.finish.overdue import Execution, LookAgain, Patience, Settle, care_for, looked_after
from fermata.domain.finish.settlement import is_overdue
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.latency import SongTime
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.jobs.terms import AfterFailure
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import FailureClass
from fermata.errors import InvalidRequestError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import poll_ports, settle_ports, start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    LYRICS,
    PROMPT,
    candidate,
    claimed_attempt,
    failed_job,
    generating_job,
    json_answer,
    order,
    queued_job,
    rate_limited,
    ready_job,
    song_request,
    stored_track,
    submitting_job,
)

DEADLINE = NOON + timedelta(seconds=600)
IN_TIME, TOO_LATE = DEADLINE - timedelta(milliseconds=1), DEADLINE
P80 = 120
STILL_RUNNING = json_answer({"id": "uuid:minimax/music-2.0", "status": "generating"})


def body(finish_by: object) -> dict[str, object]:
    return {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS, "finish_by": finish_by}


def due(job: Job, **changes: object) -> Job:
    request = job.request.model_copy(update={"finish_by": DEADLINE})
    return job.model_copy(update={"request": request, **changes})


def world_of(job: Job) -> World:
    world = World()
    world.jobs.create(job)
    return world


@pytest.mark.parametrize(
    ("finish_by", "reason"),
    [
        ("2026-11-21T12:00:00Z", "is in the past"),
        ("2026-11-21T11:00:00Z", "is in the past"),
        ("2026-11-21T12:03:59.999Z", "is too soon"),
        ("2026-11-22T12:00:00.001Z", "is too far away"),
        ("2026-11-21T13:00:00+01:00", "must be a moment in UTC"),
        ("2026-11-21 13:00:00Z", "must be a moment in UTC"),
        ("2026-02-30T13:00:00Z", "must be a moment in UTC"),
        ("tomorrow", "must be a moment in UTC"),
        (1795262400, "must be a moment in UTC"),
    ],
)
def test_a_deadline_that_cannot_be_kept_is_refused_and_nothing_is_stored(finish_by: object, reason: str) -> None:
    world = World()
    with pytest.raises(InvalidRequestError) as caught:
        submit_job(order(body(finish_by)), submit_ports(), NOON, bytes(10))
    (field,) = caught.value.fields
    assert field.pointer == "/finish_by"
    assert reason in field.message
    assert (len(world.jobs), world.machine.started) == (0, [])


@pytest.mark.parametrize("finish_by", ["2026-11-21T12:04:00Z", "2026-11-22T12:00:00Z", "2026-11-21T12:10:00.5Z", None])
def test_a_deadline_that_leaves_twice_the_usual_time_is_taken(finish_by: str | None) -> None:
    world = World()
    job_id = submit_job(order(body(finish_by)), submit_ports(), NOON, bytes(10)).job_id
    job = world.stored(job_id)
    deadline = job.request.finish_by
    assert job.order_by == min(
        NOON + timedelta(hours=1), (deadline or NOON + timedelta(days=9)) - timedelta(seconds=P80)
    )
    assert job.check_at == NOON + timedelta(seconds=60)


QUICK, SLOW = "minimax/music-2.5", "aimlapi/minimax/music-2.0"
EIGHT_MINUTES = "2026-11-21T12:08:00Z"


def world_of_a_slow_fallback(settings: Mapping[str, str] | None = None) -> World:
    """The fallback takes ten minutes for four of five songs, judging by its last songs."""
    world = World(settings or {})
    world.estimates.known[SLOW] = Estimate(p50_s=500, p80_s=600)
    return world


def test_quick_songs_make_no_deadline_shorter_than_the_catalogue_does() -> None:
    world = World()
    for number in range(30):
        world.estimates.learn(QUICK, SongTime(f"job_{number:03d}", 1, 1))
    assert world.estimates.of(QUICK, Estimate(p50_s=70, p80_s=P80)).p80_s == 1
    with pytest.raises(InvalidRequestError) as caught:
        submit_job(order(body("2026-11-21T12:03:59Z")), submit_ports(), NOON, bytes(10))
    assert "is too soon: minimax/music-2.5 takes a moment from 2026-11-21T12:04:00Z" in str(caught.value.fields)
    job = world.stored(submit_job(order(body("2026-11-21T12:04:00Z")), submit_ports(), NOON, bytes(10)).job_id)
    assert job.order_by == NOON + timedelta(seconds=P80)


def test_slow_songs_make_every_deadline_longer() -> None:
    world = World()
    for number in range(30):
        world.estimates.learn(QUICK, SongTime(f"job_{number:03d}", 300, 300))
    with pytest.raises(InvalidRequestError) as caught:
        submit_job(order(body("2026-11-21T12:09:59Z")), submit_ports(), NOON, bytes(10))
    assert "2026-11-21T12:10:00Z" in str(caught.value.fields)


def test_a_deadline_is_judged_by_every_model_that_the_order_names() -> None:
    world_of_a_slow_fallback()
    wanted = {**body(EIGHT_MINUTES), "fallbacks": [SLOW]}
    with pytest.raises(InvalidRequestError) as caught:
        submit_job(order(wanted), submit_ports(), NOON, bytes(10))
    (field,) = caught.value.fields
    assert f"is too soon: {SLOW} takes a moment from 2026-11-21T12:20:00Z" in field.message


def test_a_default_fallback_is_left_out_where_the_deadline_is_too_soon_for_it() -> None:
    world = world_of_a_slow_fallback({"DEFAULT_FALLBACKS": json.dumps({QUICK: [SLOW]})})
    with_deadline = submit_job(order(body(EIGHT_MINUTES)), submit_ports(), NOON, bytes(10))
    assert [each.model for each in world.stored(with_deadline.job_id).candidates] == [QUICK]
    without = submit_job(order(body(None)), submit_ports(), NOON, b"x" * 10)
    assert [each.model for each in world.stored(without.job_id).candidates] == [QUICK, SLOW]


@pytest.mark.parametrize(("left_s", "asked"), [(301, True), (300, False)])
def test_a_fallback_is_bought_only_while_its_song_can_be_in_time(left_s: int, asked: bool) -> None:
    chain = (candidate("minimax"), candidate("aimlapi").model_copy(update={"p80_s": 300}))
    job = due(queued_job(), candidates=chain, start_by=NOON + timedelta(hours=1))
    failed = claimed_attempt().after(Refused(rate_limited()), NOON)
    after = job.claimed(claimed_attempt(), NOON).with_outcome(failed, DEADLINE - timedelta(seconds=left_s))
    assert after.status is (JobStatus.QUEUED if asked else JobStatus.SUBMITTING)
    if asked:
        assert after.next_step(DEADLINE - timedelta(seconds=left_s)) is AfterFailure.NEXT_MODEL
        assert after.next_step(DEADLINE - timedelta(seconds=left_s - 1)) is AfterFailure.END
        assert is_overdue(after, DEADLINE - timedelta(seconds=left_s - 1))


def test_a_replay_after_the_deadline_is_still_the_first_answer() -> None:
    World()
    first = submit_job(order(body("2026-11-21T12:10:00Z"), "key"), submit_ports(), NOON, bytes(10))
    again = submit_job(order(body("2026-11-21T12:10:00Z"), "key"), submit_ports(), TOO_LATE, bytes(9) + b"x")
    assert (again.replayed, again.job_id) == (True, first.job_id)


def test_nothing_is_ordered_that_would_be_too_late() -> None:
    world = world_of(due(queued_job(), start_by=DEADLINE - timedelta(seconds=P80)))
    world.clock.now = DEADLINE - timedelta(seconds=P80)
    assert start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind is StepKind.FAILED
    assert world.upstream.posts == 0
    assert settle_job(JOB_ID, None, settle_ports(), world.clock()) is JobStatus.EXPIRED


@pytest.mark.parametrize(
    ("job", "provider_charged"),
    [
        (queued_job(), "no"),
        (failed_job(rate_limited()), "no"),
        (submitting_job(), "unknown"),
        (generating_job(), "yes"),
        (ready_job(), "yes"),
    ],
    ids=["first turn", "another turn", "claimed", "generating", "ready"],
)
def test_an_undelivered_job_past_its_deadline_is_expired_and_refunded(job: Job, provider_charged: str) -> None:
    world = world_of(due(job))
    assert settle_job(JOB_ID, None, settle_ports(), TOO_LATE) is JobStatus.EXPIRED
    expired = world.stored(JOB_ID)
    assert (expired.charged, expired.finished_at) == (Charged.REFUNDED, TOO_LATE)
    assert expired.failure is not None
    assert (expired.failure.code, expired.failure.provider_charged.value) == ("finish_by_passed", provider_charged)
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "refund"]
    assert [event.detail_type for event in world.events.published] == ["Music Job Expired"]


@pytest.mark.parametrize(
    ("stored_at", "status"), [(IN_TIME, JobStatus.SUCCEEDED), (TOO_LATE, JobStatus.EXPIRED)], ids=["in time", "late"]
)
def test_a_song_is_in_time_when_it_was_stored_in_time_whenever_it_is_settled(
    stored_at: object, status: JobStatus
) -> None:
    stored = due(ready_job()).with_tracks((stored_track(),), NOON).model_copy(update={"updated_at": stored_at})
    world_of(stored)
    assert settle_job(JOB_ID, None, settle_ports(), TOO_LATE + timedelta(hours=1)) is status


def test_a_refusal_before_the_deadline_stays_the_reason() -> None:
    refused = rate_limited().model_copy(update={"failure_class": FailureClass.CONTENT_REFUSED})
    world_of(due(failed_job(refused)))
    assert settle_job(JOB_ID, None, settle_ports(), TOO_LATE) is JobStatus.FAILED


@pytest.mark.parametrize(
    ("now", "word"), [(IN_TIME, StepKind.GENERATING), (TOO_LATE, StepKind.FAILED)], ids=["before", "after"]
)
def test_a_poll_gives_up_at_the_deadline(now: object, word: StepKind) -> None:
    world = world_of(due(generating_job()))
    world.upstream = FakeUpstream(STILL_RUNNING)
    world.clock.now = now  # type: ignore[assignment]  # the table holds moments
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is word


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job()])
def test_the_reaper_comes_at_the_deadline_although_the_execution_runs(job: Job) -> None:
    patience = Patience(idle_s=1200, absent_gap_s=300)
    assert care_for(due(job), Execution.RUNNING, patience, IN_TIME) == LookAgain(DEADLINE)
    assert care_for(due(job), Execution.RUNNING, patience, TOO_LATE) == Settle(None)
    assert looked_after(due(job), 3600).check_at == DEADLINE


def test_a_request_is_read_back_with_its_deadline() -> None:
    request = song_request(finish_by="2026-11-21T12:10:00.123456Z")
    assert request.finish_by == DEADLINE + timedelta(milliseconds=123)
    assert type(request).model_validate(request.model_dump(mode="json")) == request
