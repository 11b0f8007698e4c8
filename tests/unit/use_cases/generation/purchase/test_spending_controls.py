"""A paused provider gets no order: its jobs go elsewhere, wait, or end unpaid."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.spending import Booking
from fermata.errors import AnswerLostError, NotSentError, TransientError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring.generation import resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.settings import budget as daily_budget
from tests.fakes.world import World
from tests.references import AUDIO_URL, REGISTERED_CANDIDATE, job_with, prepared
from tests.songs import JOB_ID, candidate, hex_answer, json_answer, queued_job

SONG = hex_answer(b"ID3" + bytes(5000))
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
TOO_MANY = json_answer({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}})
UNCLEAR = json_answer({"base_resp": {"status_code": 1000, "status_msg": "unknown"}})
COST = 150_000
CHAIN = (candidate(), candidate("aimlapi"))


def world_with(*script: ScriptedAnswer | Exception, budget: int = 0, **job: Any) -> World:  # noqa: ANN401 - fields of a job
    of_a_day = daily_budget("minimax", str(budget / 1_000_000))
    world = World(operator=of_a_day, upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(**job))
    return world


def start(world: World, job_id: str = JOB_ID, run: str = "run-1") -> tuple[StepKind, str]:
    verdict = start_generation(job_id, start_ports(world.remaining_ms), run)
    return verdict.kind, verdict.not_before.removeprefix("2026-11-21T")


def spent(world: World) -> int:
    return world.brakes.brakes("minimax", NOON.date()).spent_micro_usd


def spend(world: World, micro_usd: int) -> None:
    world.brakes.book(Booking("minimax", NOON.date(), micro_usd))


# ---- a pause


@pytest.mark.parametrize("name", ["minimax", "all"])
def test_a_job_of_a_paused_provider_waits_untouched_and_is_made_once_it_is_resumed(name: str) -> None:
    world = world_with(SONG)
    world.brakes.pause(name, NOON)
    assert start(world) == (StepKind.WAIT_SLOT, "12:00:10Z")
    assert (world.upstream.sent, world.stored(JOB_ID)) == ([], queued_job())
    world.brakes.resume(name)
    world.clock.pass_seconds(10)
    assert start(world)[0] is StepKind.READY
    assert world.upstream.posts == 1


def test_a_waiting_job_takes_neither_a_slot_nor_a_place_nor_a_callbacks_address() -> None:
    world = World()
    world.jobs.create(queued_job("apiinone"))
    world.brakes.pause("apiinone", NOON)
    start(world)
    assert (world.provider_states.loads, len(world.callbacks)) == (0, 0)


def test_a_waiting_job_can_be_canceled() -> None:
    world = world_with()
    world.brakes.pause("all", NOON)
    start(world)
    assert cancel_job(JOB_ID, "acme", world.jobs, NOON).status is JobStatus.CANCELED


def test_with_another_provider_left_a_pause_is_an_attempt_without_a_call() -> None:
    world = world_with(TASK, candidates=CHAIN)
    world.brakes.pause("minimax", NOON)
    assert start(world)[0] is StepKind.NEXT_PROVIDER
    (attempt,) = world.stored(JOB_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code) == (FailureClass.TRANSIENT, "provider_paused")
    assert (attempt.provider_charged, attempt.key_alias) == (ProviderCharged.NO, "none")
    assert (world.metrics.counted, spent(world), world.upstream.posts) == ([("NotAsked", "minimax")], 0, 0)
    assert start(world, run="run-2")[0] is StepKind.GENERATING


def test_a_pause_that_lasts_too_long_ends_the_job_unpaid_and_says_why() -> None:
    world = world_with()
    world.brakes.pause("all", NOON)
    looks = 0
    while start(world)[0] is StepKind.WAIT_SLOT:
        looks += 1
        instant = start_generation(JOB_ID, start_ports(world.remaining_ms), "run").not_before
        world.clock.now = datetime.fromisoformat(instant)
    assert looks < 50
    assert timedelta(0) < world.stored(JOB_ID).start_by - world.clock.now <= timedelta(seconds=10)
    assert settle_job(JOB_ID, None, settle_ports(), world.clock.now) is JobStatus.FAILED
    job = world.stored(JOB_ID)
    assert job.failure is not None
    assert (job.failure.code, job.failure.provider_charged) == ("provider_paused", ProviderCharged.NO)
    assert "`admin resume all`" in job.failure.message
    assert (job.attempts, world.upstream.sent, job.charged.value) == ((), [], "refunded")


def test_a_job_that_was_given_up_stays_so_although_its_provider_is_resumed() -> None:
    world = world_with()
    world.clock.pass_seconds(3595)
    world.brakes.pause("all", NOON)
    assert start(world)[0] is StepKind.FAILED
    world.brakes.resume("all")
    assert start(world, run="run-2")[0] is StepKind.FAILED
    assert world.upstream.sent == []


def test_giving_up_loses_to_a_cancel_that_came_first() -> None:
    world = world_with()
    world.clock.pass_seconds(3595)
    world.brakes.pause("all", NOON)
    world.jobs.before_next_save = lambda: cancel_job(JOB_ID, "acme", world.jobs, NOON)
    assert start(world)[0] is StepKind.FAILED
    assert world.stored(JOB_ID).status is JobStatus.CANCELED


@pytest.mark.parametrize("candidates", [CHAIN[:1], CHAIN])
def test_a_pause_that_comes_just_before_the_claim_holds_it_and_frees_the_slot(candidates: tuple[object, ...]) -> None:
    world = world_with(candidates=candidates)
    world.jobs.before_next_save = lambda: world.brakes.pause("minimax", NOON)
    expected = StepKind.WAIT_SLOT if len(candidates) == 1 else StepKind.NEXT_PROVIDER
    assert start(world)[0] is expected
    assert (world.upstream.sent, spent(world)) == ([], 0)
    assert world.provider_states.load("minimax").queue.running == {}


def test_a_pause_that_comes_after_the_claim_lets_the_order_go_on() -> None:
    world = world_with(SONG)
    world.jobs.after_next_save = lambda: world.brakes.pause("minimax", NOON)
    assert start(world)[0] is StepKind.READY
    assert world.upstream.posts == 1


def test_a_resume_of_an_ordered_job_is_not_held() -> None:
    world = world_with(TASK, candidates=(candidate("aimlapi"),))
    start(world)
    world.brakes.pause("all", NOON)
    assert resume_generation(JOB_ID, resume_ports(), NOON).kind is StepKind.GENERATING


def test_a_recording_is_copied_while_its_provider_is_paused_and_handed_over_once_it_is_resumed() -> None:
    world = World()
    job = job_with({"audio_url": AUDIO_URL, "purpose": None}, REGISTERED_CANDIDATE)
    world.jobs.create(job)
    world.brakes.pause("aimlapi", NOON)
    assert start(world)[0] is StepKind.NEEDS_REFERENCE
    world.jobs.save(job.with_reference(prepared(), NOON))
    assert start(world)[0] is StepKind.WAIT_SLOT
    world.brakes.resume("aimlapi")
    assert start(world)[0] is StepKind.NEEDS_REFERENCE


def test_a_pause_and_budget_that_cannot_be_read_hold_the_order() -> None:
    world = world_with()
    world.brakes.failure = TransientError("the table could not be read")
    with pytest.raises(TransientError):
        start(world)
    assert world.upstream.sent == []


# ---- a budget


def test_a_song_is_counted_with_its_providers_price() -> None:
    world = world_with(SONG)
    start(world)
    assert (spent(world), world.stored(JOB_ID).attempts[0].cost_micro_usd) == (COST, COST)


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (SONG, COST),
        (AnswerLostError("cut"), COST),
        (UNCLEAR, COST),
        (TOO_MANY, 0),
        (NotSentError("no connection"), 0),
    ],
)
def test_what_the_provider_may_have_charged_stays_counted(answer: ScriptedAnswer | Exception, counted: int) -> None:
    world = world_with(answer, budget=COST)
    start(world)
    assert spent(world) == counted


def test_each_of_several_attempts_is_counted_on_its_own() -> None:
    world = world_with(TOO_MANY, SONG, budget=COST)
    assert start(world)[0] is StepKind.RETRY_LATER
    assert start(world, run="run-2")[0] is StepKind.READY
    assert spent(world) == COST


def test_an_attempt_that_a_resume_finds_unpaid_is_returned_to_the_budget() -> None:
    world = world_with(TOO_MANY, budget=COST)
    # The run dies once the answer is staged and before the record is written.
    world.answers.fail_next_keep = world.answers.fail_next_open = TransientError("killed")
    with pytest.raises(TransientError):
        start(world)
    assert spent(world) == COST
    assert resume_generation(JOB_ID, resume_ports(), NOON).kind is StepKind.RETRY_LATER
    assert spent(world) == 0
    assert resume_generation(JOB_ID, resume_ports(), NOON).kind is StepKind.RETRY_LATER
    assert spent(world) == 0


def test_a_job_beyond_the_budget_is_not_ordered_and_ends_at_once_where_the_next_day_comes_too_late() -> None:
    world = world_with(budget=COST)
    spend(world, 1)
    assert start(world)[0] is StepKind.FAILED
    settle_job(JOB_ID, None, settle_ports(), NOON)
    job = world.stored(JOB_ID)
    assert job.failure is not None
    assert (job.failure.code, job.failure.failure_class) == ("budget_spent", FailureClass.TRANSIENT)
    assert "`admin set-budget minimax USD`" in job.failure.message
    assert (job.attempts, world.upstream.sent, spent(world)) == ((), [], 1)


def test_a_job_beyond_the_budget_waits_for_the_next_day_where_it_may_begin_then() -> None:
    before_midnight = datetime(2026, 11, 21, 23, 59, 55, tzinfo=UTC)
    world = world_with(SONG, budget=COST, now=before_midnight)
    world.clock.now = before_midnight
    spend(world, COST)
    assert start(world) == (StepKind.WAIT_SLOT, "2026-11-22T00:00:00Z")
    world.clock.pass_seconds(5)
    assert start(world)[0] is StepKind.READY


def test_a_spent_budget_sends_a_job_to_its_fallback() -> None:
    world = world_with(TASK, budget=COST, candidates=CHAIN)
    spend(world, 1)
    assert start(world)[0] is StepKind.NEXT_PROVIDER
    assert start(world, run="run-2")[0] is StepKind.GENERATING
    failure = world.stored(JOB_ID).attempts[0].failure
    assert failure is not None
    assert (failure.code, spent(world)) == ("budget_spent", 1)


def test_one_of_two_runs_that_saw_the_last_of_the_budget_orders() -> None:
    world = world_with(SONG, budget=COST)
    other = queued_job(id=JOB_ID[:-1] + "Z")
    world.jobs.create(other)
    world.jobs.before_next_save = lambda: start(world, other.id, "run-2")
    assert start(world)[0] is StepKind.FAILED
    assert world.stored(other.id).attempts[0].state is AttemptState.READY
    assert (world.upstream.posts, spent(world), world.stored(JOB_ID).attempts) == (1, COST, ())


def test_a_claim_that_was_written_although_its_answer_was_lost_is_counted_once_and_used() -> None:
    world = world_with(SONG, budget=COST)
    claim = world.jobs.claim

    def written_twice(job: object, budget: int) -> None:
        claim(job, budget)  # type: ignore[arg-type]  # a job
        claim(job, budget)  # type: ignore[arg-type]  # a job

    world.jobs.claim = written_twice  # type: ignore[assignment, method-assign]  # the SDK sent the write again
    assert start(world)[0] is StepKind.READY
    assert (world.upstream.posts, spent(world)) == (1, COST)


# ---- what the operator sees


def test_the_used_part_of_a_budget_is_measured_with_each_order_and_each_held_order() -> None:
    world = world_with(SONG, budget=2 * COST - 1)
    start(world)
    second = queued_job(id=JOB_ID[:-1] + "Z")
    world.jobs.create(second)
    start(world, second.id)
    assert world.metrics.used == [("ProviderBudgetUsed", "minimax", 50), ("ProviderBudgetUsed", "minimax", 50)]


def test_a_budget_that_the_operator_set_holds_in_place_of_the_deployed_one_and_the_claim_keeps_it() -> None:
    world = world_with(SONG, SONG, budget=COST - 1)
    world.brakes.set_budget("minimax", COST)
    assert start(world)[0] is StepKind.READY
    world.jobs.create(queued_job(id=JOB_ID[:-1] + "Z"))
    start(world, JOB_ID[:-1] + "Z")
    assert (world.upstream.posts, spent(world)) == (1, COST)
    assert world.metrics.used == [("ProviderBudgetUsed", "minimax", 100)] * 2


def test_a_budget_that_is_set_or_lowered_before_the_claim_holds_the_next_order() -> None:
    world = world_with(SONG, budget=0)
    world.brakes.set_budget("minimax", COST - 1)
    assert start(world)[0] is not StepKind.READY
    assert world.upstream.posts == 0


def test_without_a_budget_nothing_is_measured() -> None:
    world = world_with(SONG)
    start(world)
    assert world.metrics.used == []
