"""Jobs that were open when the table was restored are never ordered again: what staging, stored songs and tasks show is
finished, and the rest is refunded as unknown.
"""

from datetime import timedelta

import pytest

from fermata.domain.finish.overdue import Execution, Patience, Start, care_for
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.orders.job_id import job_of_execution
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import NotFinishedError, TransientError, UnreadableRecordError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import store_audio
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.restore.recover_jobs import RUNS_FOR, recover_jobs
from fermata.wiring.generation import settle_ports, start_ports, store_ports
from fermata.wiring.operator import recover_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    candidate,
    delivered_job,
    generating_job,
    hex_answer,
    json_answer,
    queued_job,
    song_request,
    submitting_job,
    wav_file,
)

RESTORED_AT = NOON + timedelta(hours=1)
SONG = wav_file(1)
REFUSED = json_answer({"base_resp": {"status_code": 1008, "status_msg": "no balance"}})
CONTENT_REFUSED = json_answer({"base_resp": {"status_code": 1026, "status_msg": "no"}})


def restored_world(*jobs: Job) -> World:
    """A world whose table holds the jobs of the restore point, an hour later."""
    world = World(settings={"TABLE_RESTORED_AT": RESTORED_AT.isoformat()})
    for job in jobs:
        world.jobs.create(job.model_copy(update={"check_at": NOON}))
    world.jobs.restored_at = RESTORED_AT
    world.clock.pass_seconds(3700)
    return world


def recovered(world: World) -> tuple[Job, dict[str, object]]:
    answer: dict[str, object] = {**recover_jobs(recover_ports(), world.clock())}
    return world.stored(JOB_ID), answer


def played(world: World) -> Job:
    """The job after the steps that the machine takes once it was started again."""
    start_generation(JOB_ID, start_ports(world.remaining_ms), "another claim")
    if (last := world.stored(JOB_ID).last_attempt) is not None:
        store_audio(JOB_ID, last.number, store_ports(world.remaining_ms))
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    return world.stored(JOB_ID)


def fates(answer: dict[str, object]) -> tuple[object, object, object]:
    return answer["finished"], answer["refunded"], answer["unknown_outcome"]


def test_a_queued_job_without_evidence_ends_refunded_as_unknown_and_is_not_ordered() -> None:
    world = restored_world(queued_job())
    _, answer = recovered(world)
    job = played(world)

    assert fates(answer) == (0, 0, 1)
    assert job.failure is not None
    assert (job.status, job.failure.failure_class, job.failure.code) == (
        JobStatus.FAILED,
        "unknown_outcome",
        "table_restored",
    )
    assert [attempt.has_unknown_outcome for attempt in job.attempts] == [True]
    assert world.upstream.posts == 0


def test_the_order_of_an_unknown_job_lies_between_the_record_and_the_restore() -> None:
    world = restored_world(queued_job())
    job, _ = recovered(world)
    (attempt,) = job.attempts
    assert (attempt.started_at, attempt.claim_until) == (job.created_at, RESTORED_AT)


def test_an_answer_in_staging_that_no_record_knows_is_delivered() -> None:
    world = restored_world(queued_job())
    world.answers.kept[JOB_ID, 1] = hex_answer(SONG)
    _, answer = recovered(world)
    job = played(world)

    assert fates(answer) == (1, 0, 0)
    assert (job.status, len(job.tracks), world.upstream.posts) == (JobStatus.SUCCEEDED, 1, 0)


def test_a_claim_on_record_is_closed_by_its_staged_answer() -> None:
    world = restored_world(submitting_job())
    world.answers.kept[JOB_ID, 1] = hex_answer(SONG)
    recovered(world)
    assert played(world).status is JobStatus.SUCCEEDED


def test_a_claim_on_record_without_an_answer_ends_as_unknown() -> None:
    world = restored_world(submitting_job())
    _, answer = recovered(world)
    job = played(world)
    assert fates(answer) == (0, 0, 1)
    assert job.failure is not None
    assert (len(job.attempts), job.failure.provider_charged) == (1, ProviderCharged.UNKNOWN)


def test_a_refusal_in_staging_that_ended_the_job_is_its_end() -> None:
    world = restored_world(queued_job())
    world.answers.kept[JOB_ID, 1] = CONTENT_REFUSED
    _, answer = recovered(world)
    job = played(world)
    assert fates(answer) == (0, 1, 0)
    assert job.failure is not None
    assert (job.failure.failure_class, job.failure.provider_charged) == ("content_refused", ProviderCharged.NO)


def test_a_refusal_in_staging_that_another_order_may_have_followed_is_in_doubt() -> None:
    fallback = candidate("skillboss")
    world = restored_world(queued_job(candidates=(candidate(), fallback)))
    world.answers.kept[JOB_ID, 1] = REFUSED
    job, answer = recovered(world)
    assert fates(answer) == (0, 0, 1)
    assert [(each.provider, each.provider_charged) for each in job.attempts] == [
        ("minimax", ProviderCharged.NO),
        ("skillboss", ProviderCharged.UNKNOWN),
    ]


def test_an_attempt_between_the_record_and_the_last_answer_was_not_charged() -> None:
    world = restored_world(queued_job(candidates=(candidate(), candidate("skillboss"), candidate())))
    world.answers.kept[JOB_ID, 3] = hex_answer(SONG)
    job, answer = recovered(world)
    assert fates(answer) == (1, 0, 0)
    assert [(each.number, each.candidate, each.provider_charged) for each in job.attempts] == [
        (1, 0, ProviderCharged.NO),
        (2, 1, ProviderCharged.NO),
        (3, 2, ProviderCharged.YES),
    ]


def test_a_caller_who_takes_the_risk_of_a_second_purchase_has_the_first_in_doubt() -> None:
    request = song_request(on_unknown="fallback")
    world = restored_world(queued_job(request=request, candidates=(candidate(), candidate("skillboss"))))
    world.answers.kept[JOB_ID, 2] = hex_answer(SONG)
    job, _ = recovered(world)
    assert [each.provider_charged for each in job.attempts] == [ProviderCharged.UNKNOWN, ProviderCharged.YES]


def test_a_job_that_was_replayed_may_never_claim_whatever_its_status() -> None:
    assert queued_job().may_claim(NOON)
    assert not queued_job(restored_at=NOON).may_claim(NOON)


def test_a_task_on_record_is_asked_again_and_never_ordered_again() -> None:
    world = restored_world(generating_job())
    job, answer = recovered(world)
    assert fates(answer) == (1, 0, 0)
    assert (job.status, job.attempts[-1].state) == (JobStatus.GENERATING, AttemptState.GENERATING)
    assert not job.may_claim(NOON)
    assert not job.has_one_after(job.attempts[-1], NOON)


def test_a_stored_song_is_taken_even_where_nothing_else_is_left() -> None:
    world = restored_world(submitting_job())
    world.tracks.files[f"tracks/{JOB_ID}/1.wav"] = (SONG, "audio/wav")
    _, answer = recovered(world)
    job = played(world)
    assert fates(answer) == (1, 0, 0)
    assert (job.status, [track.number for track in job.tracks]) == (JobStatus.SUCCEEDED, [1])


def test_a_redelivery_that_was_open_goes_on_from_its_first_jobs_staging() -> None:
    first = "job_01JD0ABCDEFGHJKMNPQRSTVWX1"
    job = generating_job().model_copy(update={"recovered_from": first})
    world = restored_world(job)
    found, answer = recovered(world)
    assert fates(answer) == (1, 0, 0)
    assert found.attempts == job.attempts


def test_no_run_takes_a_step_before_the_recovery_even_where_no_provider_is_paused() -> None:
    world = restored_world(queued_job(start_by=RESTORED_AT + timedelta(hours=1)))
    with pytest.raises(TransientError, match="fermata-admin recover"):
        start_generation(JOB_ID, start_ports(world.remaining_ms), "a claim")
    with pytest.raises(TransientError, match="fermata-admin recover"):
        settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), world.clock())
    assert (world.upstream.posts, world.stored(JOB_ID).status) == (0, JobStatus.QUEUED)


def test_jobs_that_had_ended_or_were_ordered_later_are_left_alone() -> None:
    ended = delivered_job()
    world = restored_world(ended)
    later = queued_job(id="job_01JD0ABCDEFGHJKMNPQRSTVWX2", now=RESTORED_AT, check_at=RESTORED_AT)
    world.jobs.create(later)
    _, answer = recovered(world)
    assert fates(answer) == (0, 0, 0)
    assert world.stored(later.id) == later
    assert world.machine.started == []


def test_a_second_run_starts_the_same_execution_and_counts_nothing() -> None:
    world = restored_world(queued_job())
    first, _ = recovered(world)
    second, answer = recovered(world)
    assert (fates(answer), second) == ((0, 0, 0), first)
    (name,) = world.machine.started
    assert (name, job_of_execution(name)) == (first.execution_name, JOB_ID)
    assert name != JOB_ID


def test_a_run_that_was_killed_before_the_start_is_continued_by_the_next_one_or_by_the_reaper() -> None:
    world = restored_world(queued_job())
    world.machine.failure = TransientError("away")
    with pytest.raises(TransientError):
        recover_jobs(recover_ports(), world.clock())
    job = world.stored(JOB_ID)
    assert isinstance(care_for(job, Execution.ABSENT, Patience(1200, 300), world.clock()), Start)

    world.machine.failure = None
    recover_jobs(recover_ports(), world.clock())
    assert world.machine.started == [job.execution_name]


def test_an_unreadable_job_is_named_and_the_others_are_recovered(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "job_01JD0ABCDEFGHJKMNPQRSTVWX1"
    world = restored_world(queued_job(), queued_job(id=other))
    load = world.jobs.load

    def broken(job_id: str) -> Job | None:
        if job_id == JOB_ID:
            raise UnreadableRecordError("broken")
        return load(job_id)

    monkeypatch.setattr(world.jobs, "load", broken)
    answer = recover_jobs(recover_ports(), world.clock())
    assert (answer["unreadable"], answer["unknown_outcome"], answer["complete"]) == ([JOB_ID], 1, True)


def test_a_run_that_takes_too_long_leaves_the_rest_to_the_next_one() -> None:
    other = "job_01JD0ABCDEFGHJKMNPQRSTVWX1"
    world = restored_world(queued_job(), queued_job(id=other))
    world.machine.while_starting = lambda _: world.clock.pass_seconds(RUNS_FOR.total_seconds())
    assert recover_jobs(recover_ports(), world.clock())["complete"] is False
    world.machine.while_starting = None
    assert recover_jobs(recover_ports(), world.clock())["complete"] is True
    assert len(world.machine.started) == 2


def test_a_stack_on_its_own_table_has_nothing_to_recover() -> None:
    world = World()
    with pytest.raises(NotFinishedError, match="RestoredTableName"):
        recover_jobs(recover_ports(), world.clock())
