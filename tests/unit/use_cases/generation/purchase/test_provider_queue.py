"""A paid call has its turn: a slot is taken before it and given back after it; a failing provider is left alone."""

from dataclasses import replace

import pytest

from fermata.domain.catalogue.operator_settings import OperatorSettings
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS
from fermata.domain.orders.candidates import Candidate
from fermata.domain.providers.circuit import MOST_MODELS, Circuit
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.domain.providers.queue import Limits, ProviderQueue, Reservation, epoch_ms
from fermata.domain.providers.state import ProviderState
from fermata.errors import AnswerLostError, NotSentError, TransientError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.provider_queue import TRIES
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.enable_provider import enable_provider
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring.generation import queue_ports, resume_ports, settle_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.pace import at_once
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.settings import AT_ONCE, pace
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    PROMPT,
    candidate,
    claimed_attempt,
    failed_job,
    hex_answer,
    json_answer,
    queued_job,
    rate_limited,
)

SONG = hex_answer(b"ID3" + bytes(5000))
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
TOO_MANY = json_answer({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}})
NO_CREDIT = json_answer({"base_resp": {"status_code": 1008, "status_msg": "no balance"}})
CLOSED = json_answer({"base_resp": {"status_code": 2153, "status_msg": "closed"}}, 410)
NOT_IN_PLAN = json_answer({"base_resp": {"status_code": 2061, "status_msg": "plan"}})
OTHER_ID = JOB_ID[:-1] + "Z"


def world_with(*script: ScriptedAnswer | Exception, operator: OperatorSettings = AT_ONCE, jobs: int = 1) -> World:
    world = World(operator=operator, upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    for number in range(jobs):
        world.jobs.create(queued_job(id=job_id(number)))
    return world


def job_id(number: int) -> str:
    return f"{JOB_ID[:-2]}{number:02d}"


def start(world: World, job: str = JOB_ID, run: str = "run-1") -> tuple[StepKind, str]:
    verdict = start_generation(job, at_once(start_ports(world.remaining_ms)), run)
    return verdict.kind, verdict.not_before.removeprefix("2026-11-21T")


def started(world: World, number: int = 0, run: str = "run-1") -> tuple[StepKind, str]:
    return start(world, job_id(number), run)


def state_of(world: World, provider: str = "minimax") -> ProviderState:
    return world.provider_states.load(provider)


def opened(world: World) -> World:
    """The world after five failures in a row."""
    for number in range(5):
        world.upstream.script.insert(0, NO_CREDIT)
        world.jobs.create(queued_job(id=f"failing-{number}"))
        start(world, f"failing-{number}")
    return world


# ---- pacing


def test_a_second_job_gets_its_instant_and_is_ordered_exactly_then() -> None:
    world = world_with(SONG, SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    assert started(world, 0)[0] is StepKind.READY
    assert started(world, 1) == (StepKind.WAIT_SLOT, "12:00:02.500000Z")
    assert world.stored(job_id(1)).status is JobStatus.QUEUED
    assert world.upstream.posts == 1
    world.clock.pass_seconds(2.5)
    assert started(world, 1)[0] is StepKind.READY
    assert state_of(world).queue.waiting == {}


@pytest.mark.parametrize("others", [0, 1, 20])
def test_a_job_writes_as_much_for_its_turn_however_many_others_wait(others: int) -> None:
    world = world_with(SONG, operator=pace(gap_ms=1000, concurrent=50), jobs=others + 2)
    world.upstream.script = [SONG] * (others + 2)
    started(world, 0)
    for number in range(others):
        assert started(world, number + 2)[0] is StepKind.WAIT_SLOT
    before = world.provider_states.writes
    assert started(world, 1)[0] is StepKind.WAIT_SLOT
    world.clock.pass_seconds(others + 1)
    assert started(world, 1)[0] is StepKind.READY
    # Its place and the end of that, its slot and the end of that, and the next start.
    assert world.provider_states.writes - before == 5


def test_a_newcomer_does_not_take_the_next_start_from_a_job_that_is_about_to_come() -> None:
    world = world_with(SONG, operator=pace(gap_ms=1, concurrent=5))
    now_ms = epoch_ms(world.clock())
    soon = ProviderQueue(waiting={"other/1": Reservation(now_ms - 5, now_ms + 200)}, next_go_ms=now_ms + 300)
    world.provider_states.set_queue("minimax", soon)
    assert started(world)[0] is StepKind.WAIT_SLOT
    world.provider_states.set_queue("minimax", soon.without("other/1"))
    assert started(world)[0] is StepKind.READY


def test_a_job_that_wakes_within_the_second_before_its_instant_waits_for_the_rest() -> None:
    world = world_with(SONG, SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    started(world, 0)
    started(world, 1)
    world.clock.pass_seconds(2)
    assert started(world, 1)[0] is StepKind.READY
    assert world.stored(job_id(1)).attempts[0].started_at == NOON.replace(second=2, microsecond=500_000)


def test_a_job_that_comes_much_too_early_gets_its_instant_again() -> None:
    world = world_with(SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    started(world, 0)
    assert started(world, 1) == started(world, 1) == (StepKind.WAIT_SLOT, "12:00:02.500000Z")


def test_a_slot_is_held_while_the_answer_is_awaited_and_free_once_it_is_on_record() -> None:
    world = world_with(SONG, operator=pace(gap_ms=1, concurrent=1), jobs=2)
    seen = []
    world.upstream.while_sending = lambda: seen.append((started(world, 1)[0], [*state_of(world).queue.running]))
    assert started(world, 0)[0] is StepKind.READY
    assert seen == [(StepKind.WAIT_SLOT, [f"{job_id(0)}/1"])]
    assert state_of(world).queue.running == {}


@pytest.mark.parametrize("answer", [SONG, TOO_MANY, NotSentError("no"), AnswerLostError("cut"), NO_CREDIT])
def test_a_slot_is_given_back_whatever_the_answer_is(answer: ScriptedAnswer | Exception) -> None:
    world = world_with(answer)
    started(world)
    assert state_of(world).queue.running == {}


def test_a_task_holds_its_slot_for_its_order_and_not_for_its_polls() -> None:
    world = World(upstream=FakeUpstream(TASK))
    world.jobs.create(queued_job("aimlapi"))
    assert start(world)[0] is StepKind.GENERATING
    assert state_of(world, "aimlapi").queue.running == {}


def test_the_lease_ends_with_the_claim() -> None:
    world = world_with(SONG)
    seen = []
    world.upstream.while_sending = lambda: seen.append(state_of(world).queue.running[f"{job_id(0)}/1"])
    started(world)
    (lease,) = seen
    assert lease.until_ms - lease.since_ms == 960_001


def test_a_crash_between_slot_and_claim_costs_no_second_slot() -> None:
    world = world_with(SONG, operator=pace(gap_ms=2500, concurrent=1))
    world.jobs.before_next_save = _die
    with pytest.raises(KilledError):
        started(world)
    assert state_of(world).queue.running.keys() == {f"{job_id(0)}/1"}
    assert started(world, 0, "run-2")[0] is StepKind.READY


class KilledError(BaseException):
    """The run is gone: no code of ours sees this."""


def _die() -> None:
    raise KilledError


def test_a_claim_that_cannot_be_written_gives_the_slot_back() -> None:
    world = world_with()

    def unreachable() -> None:
        raise TransientError("the job table could not be written")

    world.jobs.before_next_save = unreachable
    with pytest.raises(TransientError):
        started(world)
    assert state_of(world).queue.running == {}


def test_no_turn_is_taken_without_a_key() -> None:
    world = world_with()
    world.keys.keys = {}
    assert started(world)[0] is StepKind.FAILED
    assert world.provider_states.loads == 0


def test_a_secret_that_cannot_be_read_takes_no_turn() -> None:
    world = world_with()

    def unreachable() -> None:
        raise TransientError("the provider keys could not be read")

    world.keys.on_use = unreachable
    with pytest.raises(TransientError):
        started(world)
    assert world.provider_states.loads == 0


def test_a_claim_lost_to_a_run_of_the_same_attempt_leaves_that_runs_slot_alone() -> None:
    world = world_with()
    other = queued_job(id=job_id(0)).claimed(claimed_attempt(claim_id="run-2"), NOON)
    world.jobs.before_next_save = lambda: world.jobs.save(other)
    assert started(world)[0] is StepKind.IN_FLIGHT
    assert state_of(world).queue.running.keys() == {f"{job_id(0)}/1"}


def test_a_claim_lost_because_the_job_ended_gives_the_slot_back() -> None:
    world = world_with()
    ended = queued_job(id=job_id(0), status=JobStatus.CANCELED, version=2)
    world.jobs.before_next_save = lambda: world.jobs.save(ended)
    started(world)
    assert state_of(world).queue.running == {}
    assert world.upstream.posts == 0


def test_an_error_after_the_call_gives_the_slot_back() -> None:
    world = world_with(SONG)
    world.answers.fail_next_keep = TransientError("the store's answer was lost")
    world.answers.fail_next_open = TransientError("the staged answer could not be opened")
    with pytest.raises(TransientError):
        started(world)
    assert state_of(world).queue.running == {}


def test_a_slot_that_cannot_be_given_back_does_not_harm_the_song() -> None:
    world = world_with(SONG)

    def unreachable() -> None:
        world.provider_states.failure = TransientError("the record of minimax could not be read")

    world.upstream.while_sending = unreachable
    assert started(world)[0] is StepKind.READY


def test_a_lost_race_for_the_record_is_decided_again() -> None:
    world = world_with(SONG, SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    world.provider_states.before_next_save = lambda: started(world, 1)
    assert started(world, 0)[0] is StepKind.WAIT_SLOT
    assert world.stored(job_id(1)).status is JobStatus.STORING
    assert world.upstream.posts == 1


def test_a_run_that_keeps_losing_the_race_comes_again_soon_and_orders_nothing() -> None:
    world = world_with()

    def lose_again() -> None:
        # Another run is the trial of the circuit and gives it up, again and again.
        state = state_of(world)
        circuit = state.circuit.model_copy(update={"open_for_ms": state.circuit.open_for_ms + 1})
        world.provider_states.save(state.model_copy(update={"circuit": circuit, "version": state.version + 1}))
        world.provider_states.before_next_save = lose_again

    opened = Circuit(open_until_ms=1, open_for_ms=1)
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=opened))
    world.provider_states.before_next_save = lose_again
    word, instant = started(world)
    assert word is StepKind.WAIT_SLOT
    assert "12:00:01" < instant < "12:00:10"
    assert state_of(world).version == 1 + TRIES
    assert (world.upstream.posts, world.stored(job_id(0)).attempts) == (0, ())


def test_a_resume_takes_no_turn() -> None:
    world = world_with()
    resume_generation(job_id(0), resume_ports(), NOON)
    assert world.provider_states.loads == 0


def test_a_wait_for_a_turn_ends_at_start_by() -> None:
    world, ports = world_with(SONG, jobs=2), start_ports(lambda: 900_000)
    slow = replace(ports, queue=replace(ports.queue, limits=lambda _: Limits(gap_ms=7_200_000, concurrent=5)))
    start_generation(job_id(0), slow, "run-1")
    waits = start_generation(job_id(1), slow, "run-1")
    assert (waits.kind, waits.not_before) == (StepKind.WAIT_SLOT, "2026-11-21T13:00:00Z")
    world.clock.pass_seconds(3600)
    assert start_generation(job_id(1), slow, "run-1").kind is StepKind.FAILED


def test_the_wait_for_a_slot_is_measured() -> None:
    world = world_with(SONG)
    started(world)
    assert world.metrics.measured == [("SlotWaitMs", "minimax", 0)]


# ---- the circuit


def chained_job() -> Job:
    return queued_job(id=OTHER_ID, candidates=(candidate(), candidate("aimlapi")))


def test_five_failures_open_the_circuit_and_the_next_job_waits_without_a_call() -> None:
    world = opened(world_with())
    assert world.upstream.posts == 5
    assert world.metrics.counted == [("CircuitOpened", "minimax")]
    assert started(world) == (StepKind.WAIT_SLOT, "12:00:30Z")
    assert (world.upstream.posts, world.stored(job_id(0)).attempts) == (5, ())


def test_with_another_provider_left_an_open_circuit_is_an_attempt_without_a_call() -> None:
    world = opened(world_with(TASK))
    world.jobs.create(chained_job())
    assert start(world, OTHER_ID)[0] is StepKind.NEXT_PROVIDER
    (attempt,) = world.stored(OTHER_ID).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code) == (FailureClass.TRANSIENT, "circuit_open")
    assert attempt.provider_charged is ProviderCharged.NO
    assert world.upstream.posts == 5
    assert start(world, OTHER_ID, "run-2")[0] is StepKind.GENERATING


def test_another_model_of_the_same_provider_is_no_fallback() -> None:
    world = opened(world_with())
    world.jobs.create(queued_job(id=OTHER_ID, candidates=(candidate(), candidate())))
    assert start(world, OTHER_ID)[0] is StepKind.WAIT_SLOT


def test_a_job_that_waits_for_an_open_circuit_uses_no_attempts() -> None:
    world = opened(world_with())
    for run in range(2 * MAX_ATTEMPTS):
        assert started(world, 0, f"run-{run}")[0] is StepKind.WAIT_SLOT
    assert world.stored(job_id(0)).attempts == ()


def test_one_of_two_jobs_at_a_half_open_circuit_tries_and_its_success_closes_it() -> None:
    world = opened(world_with(SONG, SONG, jobs=2))
    world.clock.pass_seconds(30)
    meanwhile = []
    world.upstream.while_sending = lambda: meanwhile.append(started(world, 1))
    assert started(world, 0)[0] is StepKind.READY
    ((word, instant),) = meanwhile
    assert word is StepKind.WAIT_SLOT
    assert "12:00:30.2" < instant < "12:00:35"
    assert started(world, 1)[0] is StepKind.READY
    assert world.upstream.posts == 7


def test_one_of_two_runs_that_read_the_same_half_open_record_is_the_trial() -> None:
    world = opened(world_with(jobs=2))
    world.clock.pass_seconds(30)

    def the_other_run() -> None:
        # It takes the turn between this run's read and its write, and is still at work when this one tries again.
        world.jobs.before_next_save = _die
        with pytest.raises(KilledError):
            started(world, 0)

    world.provider_states.before_next_save = the_other_run
    assert started(world, 1)[0] is StepKind.WAIT_SLOT
    trial = state_of(world).circuit.trial
    assert trial is not None
    assert trial.ticket == f"{job_id(0)}/1"


def test_a_failing_trial_opens_the_circuit_for_twice_as_long() -> None:
    world = opened(world_with(NO_CREDIT, jobs=2))
    world.clock.pass_seconds(30)
    assert started(world, 0)[0] is StepKind.FAILED
    assert started(world, 1) == (StepKind.WAIT_SLOT, "12:01:30Z")
    assert world.metrics.counted == [("CircuitOpened", "minimax")] * 2


def test_a_trial_whose_owner_died_is_followed_by_another_after_its_lease() -> None:
    world = opened(world_with(SONG, jobs=2))
    world.clock.pass_seconds(30)
    world.remaining_s = 10
    world.jobs.before_next_save = _die
    with pytest.raises(KilledError):
        started(world, 0)
    world.clock.pass_seconds(69)
    assert started(world, 1)[0] is StepKind.WAIT_SLOT
    world.clock.pass_seconds(2)
    assert started(world, 1)[0] is StepKind.READY


def test_the_circuit_of_one_provider_does_not_affect_another() -> None:
    world = opened(world_with(TASK))
    world.jobs.create(queued_job("aimlapi", id=OTHER_ID))
    assert start(world, OTHER_ID)[0] is StepKind.GENERATING


def test_a_provider_that_closed_the_account_is_not_called_again_and_the_failure_says_so() -> None:
    world = world_with(CLOSED, jobs=2)
    started(world, 0)
    assert started(world, 1)[0] is StepKind.FAILED
    (attempt,) = world.stored(job_id(1)).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code) == (FailureClass.NOT_ENTITLED, "provider_disabled")
    assert "2153" in attempt.failure.message
    assert (attempt.provider_charged, world.upstream.posts) == (ProviderCharged.NO, 1)
    assert world.metrics.counted[0] == ("ProviderDisabled", "minimax")


def test_a_disabled_provider_is_followed_by_the_fallback() -> None:
    world = world_with(CLOSED, TASK)
    started(world)
    world.jobs.create(chained_job())
    assert start(world, OTHER_ID)[0] is StepKind.NEXT_PROVIDER
    assert start(world, OTHER_ID, "run-2")[0] is StepKind.GENERATING


def other_model(name: str = "music-2.6") -> Candidate:
    return candidate().model_copy(update={"model": f"minimax/{name}", "upstream_model": name})


def test_a_model_outside_the_plan_is_not_ordered_again_and_the_failure_says_so() -> None:
    world = world_with(NOT_IN_PLAN, jobs=2)
    assert started(world, 0)[0] is StepKind.FAILED
    assert started(world, 1)[0] is StepKind.FAILED
    (attempt,) = world.stored(job_id(1)).attempts
    assert attempt.failure is not None
    assert (attempt.failure.failure_class, attempt.failure.code) == (FailureClass.NOT_ENTITLED, "model_disabled")
    assert (attempt.provider_charged, world.upstream.posts) == (ProviderCharged.NO, 1)
    for part in ("minimax", "music-2.5", "2061", "enables"):
        assert part in attempt.failure.message
    assert world.metrics.counted == [("ModelDisabled", "minimax"), ("NotAsked", "minimax")]


def test_a_model_outside_the_plan_leaves_the_provider_to_the_other_models() -> None:
    world = world_with(NOT_IN_PLAN, SONG)
    started(world)
    world.jobs.create(queued_job(id=OTHER_ID, candidates=(other_model(),)))
    assert start(world, OTHER_ID)[0] is StepKind.READY
    assert state_of(world).queue.running == {}


def test_another_model_of_the_same_provider_is_a_fallback_for_one_outside_the_plan() -> None:
    world = world_with(NOT_IN_PLAN, SONG)
    started(world)
    world.jobs.create(queued_job(id=OTHER_ID, candidates=(candidate(), other_model())))
    assert start(world, OTHER_ID)[0] is StepKind.NEXT_PROVIDER
    assert start(world, OTHER_ID, "run-2")[0] is StepKind.READY
    assert world.upstream.posts == 2


def test_a_model_outside_the_plan_is_ordered_again_once_the_operator_enables_its_provider() -> None:
    world = world_with(NOT_IN_PLAN, SONG, jobs=2)
    started(world, 0)
    assert enable_provider("minimax", world.provider_states)["lacking"] == ["music-2.5"]
    assert started(world, 1)[0] is StepKind.READY


def test_a_trial_that_is_refused_for_an_unentitled_model_closes_the_circuit() -> None:
    world = opened(world_with(NOT_IN_PLAN))
    world.clock.pass_seconds(30)
    started(world)
    circuit = state_of(world).circuit
    assert (circuit.open_until_ms, dict(circuit.unentitled_models)) == (0, {"music-2.5": "2061"})


def test_only_so_many_unentitled_models_are_remembered_the_latest_ones() -> None:
    circuit = Circuit()
    for number in range(MOST_MODELS + 3):
        circuit = circuit.without_model(f"music-{number}", "2061")
    circuit = circuit.without_model("music-3", "2061")
    assert len(circuit.unentitled_models) == MOST_MODELS
    assert [*circuit.unentitled_models][-2:] == [f"music-{MOST_MODELS + 2}", "music-3"]


def test_an_unknown_outcome_counts_against_the_provider() -> None:
    world = world_with(AnswerLostError("cut"))
    world.set(CIRCUIT_FAILURES="1", CIRCUIT_WINDOW_SECONDS="1", CIRCUIT_LONGEST_OPEN_SECONDS="60")
    started(world)
    assert state_of(world).circuit.open_for_ms == 30_000


def test_a_job_that_leaves_the_queue_for_a_fallback_leaves_no_place_behind() -> None:
    world = world_with(operator=pace(gap_ms=5000, concurrent=5))
    world.jobs.create(chained_job())
    world.upstream.script.append(SONG)
    started(world)
    assert start(world, OTHER_ID)[0] is StepKind.WAIT_SLOT
    blocked = state_of(world)
    opened_circuit = blocked.circuit.model_copy(update={"open_until_ms": 10**15, "open_for_ms": 1})
    world.provider_states.save(blocked.model_copy(update={"circuit": opened_circuit, "version": blocked.version + 1}))
    world.clock.pass_seconds(5)
    assert start(world, OTHER_ID)[0] is StepKind.NEXT_PROVIDER
    assert state_of(world).queue.waiting == {}


# ---- names that the catalogue does not list

ECHO = json_answer({"error": {"message": "no access to model suno-zzz"}}, 403)
TASK_OF_SUNO = json_answer({"task_id": "t", "status": "queued"})


def suno_job(name: str, number: int, **changes: object) -> Job:
    model = candidate("apiinone").model_copy(
        update={"model": f"apiinone/{name}", "upstream_model": name, "callbacks": False}
    )
    job = queued_job("apiinone", id=f"{name}-{number}", candidates=(model,))
    return job.model_copy(update=changes)


def ordered(world: World, name: str, number: int, **changes: object) -> tuple[StepKind, str]:
    world.jobs.create(suno_job(name, number, **changes))
    return start(world, f"{name}-{number}")


def with_a_failing_name(*script: ScriptedAnswer | Exception, answer: ScriptedAnswer = ECHO) -> World:
    """The world after five failures of a name of a family that its callers made up."""
    world = world_with(*[answer] * 5, *script, jobs=0)
    for number in range(5):
        assert ordered(world, "suno-zzz", number)[0] is StepKind.FAILED
    return world


@pytest.mark.parametrize("name", ["suno-zzz", "chirp-v9", "suno-credits"])
def test_a_name_that_a_caller_made_up_opens_no_circuit_for_others(name: str) -> None:
    world = world_with(*[ECHO] * 5, TASK_OF_SUNO, jobs=0)
    for number in range(5):
        assert ordered(world, name, number)[0] is StepKind.FAILED
    assert not state_of(world, "apiinone").circuit.has_a_say
    assert ordered(world, "suno", 0)[0] is StepKind.GENERATING
    assert ("CircuitOpened", "apiinone") not in world.metrics.counted


def test_five_failures_of_a_listed_model_open_the_circuit_for_every_tenant() -> None:
    world = world_with(*[ECHO] * 5, jobs=0)
    for number in range(5):
        ordered(world, "suno", number)
    assert ordered(world, "minimax-music", 0) == (StepKind.WAIT_SLOT, "12:00:30Z")
    assert ordered(world, "suno-zzz", 0) == (StepKind.WAIT_SLOT, "12:01:00Z")
    assert set(state_of(world, "apiinone").queue.waiting) == {"minimax-music-0/1"}
    assert world.upstream.posts == 5


def test_a_made_up_name_that_keeps_failing_waits_without_a_place_and_delays_no_other_job() -> None:
    world = with_a_failing_name(TASK_OF_SUNO, TASK_OF_SUNO)
    assert ordered(world, "suno-zzz", 5) == (StepKind.WAIT_SLOT, "12:00:30Z")
    assert state_of(world, "apiinone").queue.waiting == {}
    assert ordered(world, "suno-yyy", 0)[0] is StepKind.GENERATING
    world.clock.pass_seconds(30)
    assert start(world, "suno-zzz-5")[0] is StepKind.GENERATING
    assert state_of(world, "apiinone").circuit == Circuit()


def test_a_made_up_name_that_keeps_failing_is_followed_by_the_fallback() -> None:
    world = with_a_failing_name()
    chain = (suno_job("suno-zzz", 5).candidates[0], candidate("aimlapi"))
    assert ordered(world, "suno-zzz", 5, candidates=chain)[0] is StepKind.NEXT_PROVIDER
    assert world.upstream.posts == 5


def test_a_made_up_name_that_shuts_out_the_account_is_refused_alone_until_the_operator_enables_it() -> None:
    world = world_with(CLOSED, SONG, SONG, jobs=1)
    made_up = other_model("music-zzz")
    for number in range(2):
        world.jobs.create(queued_job(id=f"made-up-{number}", candidates=(made_up,)))
        assert start(world, f"made-up-{number}")[0] is StepKind.FAILED
    (attempt,) = world.stored("made-up-1").attempts
    assert attempt.failure is not None
    assert attempt.failure.code == "model_disabled"
    assert world.metrics.counted == [("ModelDisabled", "minimax"), ("NotAsked", "minimax")]
    assert started(world)[0] is StepKind.READY
    assert enable_provider("minimax", world.provider_states)["lacking"] == ["music-zzz"]
    world.jobs.create(queued_job(id="made-up-2", candidates=(made_up,)))
    assert start(world, "made-up-2")[0] is StepKind.READY


def test_a_made_up_name_outside_the_plan_closes_no_slots_to_others() -> None:
    world = world_with(NOT_IN_PLAN, jobs=0)
    world.jobs.create(queued_job(id="made-up", candidates=(other_model("music-zzz"),)))
    assert start(world, "made-up")[0] is StepKind.FAILED
    assert not state_of(world).circuit.has_a_say
    assert [*state_of(world).circuit.refused_models] == ["music-zzz"]


def test_text_that_a_provider_repeats_from_the_order_says_nothing_about_the_account() -> None:
    said = f"the prompt '{PROMPT} my insufficient balance' is too long"
    world = world_with(json_answer({"error": {"message": said}}, 400), jobs=0)
    request = queued_job("apiinone").request.model_copy(update={"prompt": f"{PROMPT} My Insufficient Balance"})
    ordered(world, "suno", 0, request=request)
    (attempt,) = world.stored("suno-0").attempts
    assert attempt.failure is not None
    assert attempt.failure.failure_class is FailureClass.INVALID_REQUEST


# ---- jobs that end while they wait


def in_line(world: World) -> tuple[set[str], set[str]]:
    """The tickets that have a slot, and those that have a place."""
    pacing = state_of(world).queue
    return set(pacing.running), set(pacing.waiting)


def ended(world: World, stopped_by: str | None = None) -> None:
    settle_job(job_id(1), stopped_by, settle_ports(), world.clock())


def test_a_canceled_jobs_place_is_free_once_its_end_is_published_and_a_later_check_leaves_none() -> None:
    world = world_with(SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    started(world, 0)
    started(world, 1)
    assert in_line(world) == (set(), {f"{job_id(1)}/1"})
    cancel_job(job_id(1), "acme", world.jobs, world.clock())
    ended(world)
    assert in_line(world) == (set(), set())
    world.clock.pass_seconds(2.5)
    assert started(world, 1)[0] is StepKind.FAILED
    assert (in_line(world), world.upstream.posts) == ((set(), set()), 1)


def test_a_place_taken_while_the_job_was_canceled_and_published_is_freed_by_the_machines_own_end() -> None:
    world = world_with(SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    started(world, 0)

    def canceled_and_told_of() -> None:
        world.keys.on_use = None
        cancel_job(job_id(1), "acme", world.jobs, world.clock())
        ended(world)

    # After this run has read the job, and before it takes its turn.
    world.keys.on_use = canceled_and_told_of
    assert started(world, 1)[0] is StepKind.WAIT_SLOT
    assert in_line(world) == (set(), {f"{job_id(1)}/1"})
    ended(world)
    assert in_line(world) == (set(), set())


def test_the_slot_of_a_run_that_died_before_its_claim_is_free_once_its_job_was_canceled() -> None:
    world = world_with(operator=pace(gap_ms=1, concurrent=1), jobs=2)
    world.jobs.before_next_save = _die
    with pytest.raises(KilledError):
        started(world, 1)
    assert in_line(world) == ({f"{job_id(1)}/1"}, set())
    cancel_job(job_id(1), "acme", world.jobs, world.clock())
    ended(world)
    world.upstream.script = [SONG]
    assert started(world, 0)[0] is StepKind.READY


def test_a_trial_that_died_before_its_claim_leaves_the_circuit_to_the_next_once_its_job_ended() -> None:
    world = opened(world_with(SONG, jobs=2))
    world.clock.pass_seconds(30)
    world.jobs.before_next_save = _die
    with pytest.raises(KilledError):
        started(world, 1)
    assert started(world, 0)[0] is StepKind.WAIT_SLOT
    ended(world, "Execution.ABORTED")
    world.clock.pass_seconds(1)
    assert started(world, 0)[0] is StepKind.READY


def test_a_place_for_the_fallback_is_given_up_at_the_fallbacks_provider() -> None:
    world = world_with(TOO_MANY, operator=pace(gap_ms=5000, concurrent=5))
    chain = (candidate(), candidate("aimlapi"))
    world.jobs.create(queued_job(id=job_id(1), candidates=chain))
    assert started(world, 1)[0] is StepKind.NEXT_PROVIDER
    world.provider_states.set_queue("aimlapi", _busy(world))
    assert started(world, 1)[0] is StepKind.WAIT_SLOT
    assert set(state_of(world, "aimlapi").queue.waiting) == {f"{job_id(1)}/2"}
    cancel_job(job_id(1), "acme", world.jobs, world.clock())
    ended(world)
    assert state_of(world, "aimlapi").queue.waiting == {}


def _busy(world: World) -> ProviderQueue:
    now_ms = epoch_ms(world.clock())
    return ProviderQueue().ask("another", now_ms, now_ms + 1, queue_ports().limits("minimax"))[0]


@pytest.mark.parametrize("attempts", [0, MAX_ATTEMPTS])
def test_a_job_that_holds_nothing_leaves_the_record_as_it_is(attempts: int) -> None:
    world = world_with(jobs=0)
    refused = tuple(
        failed_job(rate_limited()).attempts[0].model_copy(update={"number": n + 1}) for n in range(attempts)
    )
    world.jobs.create(queued_job(id=job_id(1), attempts=refused))
    ended(world, "Execution.ABORTED")
    assert state_of(world) == ProviderState(provider="minimax")
    assert world.provider_states.writes == 0


def test_the_slot_of_an_ordered_attempt_is_not_given_up_with_its_job() -> None:
    world = world_with(jobs=2)
    # Its run may still be talking to the provider, although no caller waits for it any more.
    world.jobs.after_next_save = _die
    with pytest.raises(KilledError):
        started(world, 1)
    ended(world, "Execution.ABORTED")
    assert in_line(world) == ({f"{job_id(1)}/1"}, set())


def test_a_job_is_settled_and_published_although_its_place_cannot_be_given_up() -> None:
    world = world_with(SONG, operator=pace(gap_ms=2500, concurrent=5), jobs=2)
    cancel_job(job_id(1), "acme", world.jobs, world.clock())
    world.provider_states.failure = TransientError("the record of minimax could not be written")
    ended(world)
    assert [event.detail["job_id"] for event in world.events.published] == [job_id(1)]
