"""The reaper starts, settles or publishes jobs that no execution moves; it leaves all others alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fermata.domain.finish.overdue import Execution, LookAgain, Patience, Settle, Start, care_for
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.errors import TransientError, UnreadableRecordError
from fermata.use_cases.generation.finish.reap_jobs import LOST, RUNS, RUNS_FOR, reap_jobs
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import reap_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.due_jobs import InMemoryDueJobs
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    delivered_job,
    failed_job,
    generating_job,
    hex_answer,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    submitting_job,
)

DUE = {"check_at": NOON}
PATIENCE = Patience(idle_s=1200, absent_gap_s=300)


def seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def world_of(*jobs: Job) -> World:
    world = World()
    for job in jobs:
        world.jobs.create(job.model_copy(update=DUE))
    return world


def reap(world: World) -> dict[str, int]:
    """What one run did, without what it did not do."""
    return {what: count for what, count in reap_jobs(reap_ports(world.lose), world.clock()).items() if count}


@pytest.mark.parametrize(
    ("job", "execution", "care"),
    [
        (queued_job(), Execution.ABSENT, Start(NOON + seconds(300))),
        (failed_job(rate_limited()), Execution.ABSENT, Start(NOON + seconds(300))),
        (queued_job(start_by=NOON), Execution.ABSENT, LookAgain(NOON + seconds(300), NOON)),
        (submitting_job(), Execution.ABSENT, LookAgain(NOON + seconds(300), NOON)),
        (generating_job(), Execution.ABSENT, LookAgain(NOON + seconds(300), NOON)),
        (
            submitting_job().model_copy(update={"absent_since": NOON - seconds(299)}),
            Execution.ABSENT,
            LookAgain(NOON + seconds(1), NOON - seconds(299)),
        ),
        (
            submitting_job().model_copy(update={"absent_since": NOON - seconds(300)}),
            Execution.ABSENT,
            Settle("Execution.ABSENT"),
        ),
        (
            submitting_job().model_copy(update={"absent_since": NOON - seconds(300)}),
            Execution.RUNNING,
            LookAgain(NOON + seconds(1200)),
        ),
        (queued_job(), Execution.RUNNING, LookAgain(NOON + seconds(1200))),
        (ready_job(), Execution.ENDED, Settle("Execution.ENDED")),
        (queued_job(), Execution.ENDED, Settle("Execution.ENDED")),
    ],
)
def test_the_action_follows_from_the_record_and_the_execution(
    job: Job, execution: Execution, care: Start | Settle | LookAgain
) -> None:
    assert care_for(job, execution, PATIENCE, NOON) == care


def test_a_job_that_was_never_started_is_started_once() -> None:
    world = world_of(queued_job())
    assert reap(world) == {"due": 1, "started": 1}
    assert reap(world) == {}
    assert world.machine.started == [JOB_ID]
    world.clock.pass_seconds(300)
    assert reap(world) == {"due": 1, "put_off": 1}
    assert world.stored(JOB_ID).check_at == world.clock() + seconds(1200)


def test_a_job_is_first_checked_a_minute_after_its_submission() -> None:
    world = World()
    world.jobs.create(queued_job(check_at=NOON + seconds(60)))
    world.clock.pass_seconds(59)
    assert reap(world) == {}
    world.clock.pass_seconds(1)
    assert reap(world) == {"due": 1, "started": 1}


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job(), ready_job()])
def test_a_job_whose_execution_runs_is_left_alone(job: Job) -> None:
    world = world_of(job)
    world.machine.start(JOB_ID)
    assert reap(world) == {"due": 1, "put_off": 1}
    assert world.stored(JOB_ID) == job.model_copy(update={"check_at": NOON + seconds(1200)})


def test_a_job_whose_execution_ended_is_settled_and_its_end_published() -> None:
    world = world_of(submitting_job())
    world.machine.ended.add(JOB_ID)
    assert reap(world) == {"due": 1, "settled": 1}
    job = world.stored(JOB_ID)
    assert (job.status, job.charged, job.check_at) == (JobStatus.FAILED, Charged.REFUNDED, None)
    assert job.failure is not None
    assert (job.failure.code, job.failure.provider_charged.value) == ("Execution.ENDED", "unknown")
    assert [event.detail_type for event in world.events.published] == ["Music Job Failed"]
    assert reap(world) == {}
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "refund"]


def test_a_stored_song_whose_execution_ended_is_delivered() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    world.machine.ended.add(JOB_ID)
    reap(world)
    assert (world.stored(JOB_ID).status, world.stored(JOB_ID).charged) == (JobStatus.SUCCEEDED, Charged.YES)


def test_an_ordered_job_without_an_execution_is_settled_only_when_it_was_missed_twice() -> None:
    world = world_of(generating_job())
    assert reap(world) == {"due": 1, "put_off": 1}
    world.clock.pass_seconds(299)
    assert reap(world) == {}
    assert world.stored(JOB_ID).status is JobStatus.GENERATING
    world.clock.pass_seconds(1)
    assert reap(world) == {"due": 1, "settled": 1}
    assert world.stored(JOB_ID).status is JobStatus.FAILED


def test_an_execution_that_is_seen_again_is_no_longer_missing() -> None:
    world = world_of(generating_job())
    reap(world)
    world.clock.pass_seconds(300)
    world.machine.start(JOB_ID)
    reap(world)
    assert (world.stored(JOB_ID).absent_since, world.stored(JOB_ID).status) == (None, JobStatus.GENERATING)


def test_an_unpublished_end_is_published_although_the_machine_cannot_be_queried() -> None:
    world = World()
    world.jobs.create(delivered_job())
    world.machine.failure = TransientError("the job's execution could not be looked up")
    world.clock.pass_seconds(60)
    assert reap(world) == {"due": 1, "settled": 1}
    assert [event.detail["event_id"] for event in world.events.published] == [f"{JOB_ID}.succeeded"]
    assert world.stored(JOB_ID) == delivered_job().published()


def test_the_end_of_a_canceled_job_is_published_at_the_next_run() -> None:
    world = World()
    world.jobs.create(queued_job().canceled(NOON))
    assert reap(world) == {"due": 1, "settled": 1}
    assert [event.detail_type for event in world.events.published] == ["Music Job Canceled"]


def test_an_end_that_cannot_be_published_stays_due() -> None:
    world = World()
    world.jobs.create(queued_job().canceled(NOON))
    world.events.failure = TransientError("the bus refused the event of the job's end: ThrottlingException")
    assert reap(world) == {"due": 1, "lost": 1}
    assert world.stored(JOB_ID).publish_pending
    world.events.failure = None
    assert reap(world) == {"due": 1, "settled": 1}


def test_trouble_with_one_job_does_not_keep_the_others_waiting() -> None:
    other = "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"
    world = world_of(queued_job())
    world.jobs.create(queued_job(id=other).canceled(NOON))
    world.machine.failure = TransientError("the job's state machine could not be started: ThrottlingException")
    assert reap(world) == {"due": 2, "settled": 1, "lost": 1}
    assert [job_id for job_id, _ in world.lost] == [JOB_ID]
    assert world.stored(other).check_at is None


def test_an_unreadable_record_keeps_no_other_job_waiting() -> None:
    other = "job_01JD0ABCDEFGHJKMNPQRSTVWX1"
    world = world_of(queued_job(), queued_job(id=other))
    row = json.loads(world.jobs.rows[JOB_ID])
    del row["request"]
    world.jobs.rows[JOB_ID] = json.dumps(row)
    assert reap(world) == {"due": 2, "started": 1, "lost": 1}
    assert world.machine.started == [other]
    assert [(job_id, type(error).__name__) for job_id, error in world.lost] == [(JOB_ID, "ValidationError")]
    assert world.metrics.counted == [(LOST, None), (RUNS, None)]
    world.clock.pass_seconds(299)
    assert reap(world) == {}
    world.clock.pass_seconds(901)
    assert reap(world) == {"due": 2, "put_off": 1, "lost": 1}


def test_every_run_that_finishes_is_counted_and_one_that_cannot_begin_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alarm hears that the count stops."""
    world = world_of()
    reap(world)
    assert world.metrics.counted == [(RUNS, None)]

    def away(_now: datetime) -> Iterator[str]:
        raise TransientError("the list of due jobs could not be read")

    ports = reap_ports(world.lose)
    monkeypatch.setattr(ports.due, "find", away)
    with pytest.raises(TransientError):
        reap_jobs(ports, NOON)
    assert world.metrics.counted == [(RUNS, None)]


def test_trouble_of_any_kind_with_one_job_is_trouble_with_that_one_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = "job_01JD0ABCDEFGHJKMNPQRSTVWX1"
    world = world_of(queued_job(), queued_job(id=other))
    start = world.machine.start

    def breaks(job_id: str, name: str) -> None:
        if job_id == JOB_ID:
            raise ZeroDivisionError
        start(job_id, name)

    monkeypatch.setattr(world.machine, "start", breaks)
    ports = reap_ports(world.lose)
    monkeypatch.setattr(ports.due, "put_off_unread", refuses)
    done = reap_jobs(ports, NOON)
    assert (done["due"], done["started"], done["lost"], world.machine.started) == (2, 1, 1, [other])


def test_an_error_that_the_next_run_would_meet_again_puts_the_job_off_behind_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_of(queued_job())

    def breaks(*_: str) -> None:
        raise UnreadableRecordError("the record WALLET#acme/WALLET cannot be read: balance: missing")

    monkeypatch.setattr(world.machine, "start", breaks)
    assert reap(world) == {"due": 1, "lost": 1}
    assert world.metrics.counted == [(LOST, None), (RUNS, None)]
    assert reap(world) == {}
    world.clock.pass_seconds(1200)
    assert reap(world) == {"due": 1, "lost": 1}


def refuses(job_id: str, until: datetime, now: datetime) -> None:
    raise TransientError(f"{job_id} cannot be put off from {now} to {until}")


def test_a_run_continues_until_its_time_is_over_and_the_next_one_does_the_rest() -> None:
    ids = [f"job_01JD0ABCDEFGHJKMNPQRSTVWX{number}" for number in range(3)]
    world = world_of(*(queued_job(id=job_id) for job_id in ids))
    ports = replace(reap_ports(world.lose), clock=iter([NOON, NOON + RUNS_FOR, NOON]).__next__)
    assert reap_jobs(ports, NOON)["started"] == 2
    assert reap(world) == {"due": 1, "started": 1}


class OldIndex(InMemoryDueJobs):
    """An index that still has what was due an hour ago, and a job that is gone."""

    def find(self, now: datetime) -> Iterator[str]:  # noqa: ARG002 - it does not look at the time
        yield from [*self.store.rows, "job_01JD0ABCDEFGHJKMNPQRSTVWXZ"]


def test_a_slightly_stale_index_moves_no_job() -> None:
    world = World()
    later = submitting_job().model_copy(update={"check_at": NOON + seconds(1)})
    world.jobs.create(later)
    world.machine.ended.add(JOB_ID)
    ports = replace(reap_ports(world.lose), due=OldIndex(world.jobs))
    assert reap_jobs(ports, NOON) == {
        "due": 2,
        "started": 0,
        "settled": 0,
        "put_off": 0,
        "rescued": 0,
        "erased": 0,
        "skipped": 1,
        "lost": 1,
    }
    assert world.stored(JOB_ID) == later


# ---- beside others


def test_a_run_that_is_overtaken_by_another_changes_nothing() -> None:
    world = world_of(submitting_job())
    world.machine.ended.add(JOB_ID)
    world.jobs.before_next_save = lambda: reap(world)
    reap(world)
    assert len(world.events.published) == 1
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "refund"]


def test_a_job_that_moves_while_it_is_postponed_keeps_what_was_written() -> None:
    world = world_of(queued_job())
    world.upstream = FakeUpstream(hex_answer(b"ID3" + bytes(2000)))
    world.machine.while_starting = lambda _: start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    reap(world)
    assert (world.stored(JOB_ID).status, world.stored(JOB_ID).check_at) == (JobStatus.STORING, NOON)
    assert world.upstream.posts == 1


def test_postponing_a_job_does_not_block_a_claim() -> None:
    world = world_of(queued_job())
    world.upstream = FakeUpstream(hex_answer(b"ID3" + bytes(2000)))
    world.machine.start(JOB_ID)
    world.jobs.before_next_save = lambda: reap(world)
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (world.stored(JOB_ID).status, world.upstream.posts) == (JobStatus.STORING, 1)


def test_an_execution_that_settles_while_the_reaper_looks_is_settled_once() -> None:
    world = world_of(ready_job().with_tracks((stored_track(),), NOON))
    world.machine.ended.add(JOB_ID)
    world.jobs.before_next_save = lambda: settle_job(JOB_ID, None, settle_ports(), NOON)
    reap(world)
    assert [entry.kind.value for entry in world.wallets.ledger("acme")] == ["hold", "settle"]
    assert len(world.events.published) == 1
