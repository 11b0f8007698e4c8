"""Every paid call whose charge is unknown is reported once, with what it may have cost."""

from collections.abc import Callable

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import AnswerLostError, NotSentError, StaleRecordError, TransientError
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import poll_ports, reap_ports, resume_ports, settle_ports, start_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, candidate, hex_answer, json_answer, queued_job, song_request

SONG = hex_answer(b"ID3" + bytes(5000))
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
TOO_MANY = json_answer({"base_resp": {"status_code": 1002, "status_msg": "rate limit"}})
UNCLEAR = json_answer({"base_resp": {"status_code": 1000, "status_msg": "unknown"}})
TASK_FAILED = json_answer({"status": "error", "error": {"message": "no"}})
MINIMAX = [("UnknownOutcomeUsdAtRisk", "minimax", 150_000)]
AIMLAPI = [("UnknownOutcomeUsdAtRisk", "aimlapi", 195_000)]


def world_with(*script: ScriptedAnswer | Exception, provider: str = "minimax") -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(provider))
    return world


def start(world: World, run: str = "run-1") -> StepKind:
    return start_generation(JOB_ID, start_ports(world.remaining_ms), run).kind


def told(world: World) -> list[tuple[str, str, int]]:
    """What is at risk; each amount comes with one count."""
    at_risk = [told for told in world.metrics.micro_usd if told[0] == "UnknownOutcomeUsdAtRisk"]
    counted = [provider for name, provider in world.metrics.counted if name == "UnknownOutcomes"]
    assert counted == [provider for _, provider, _ in at_risk]
    return at_risk


def settled(world: World) -> None:
    settle_job(JOB_ID, None, settle_ports(), world.clock.now)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (AnswerLostError("cut"), MINIMAX),
        (UNCLEAR, MINIMAX),
        (SONG, []),
        (TOO_MANY, []),
        (NotSentError("no connection"), []),
    ],
)
def test_an_order_is_reported_where_its_answer_leaves_a_doubt(
    answer: ScriptedAnswer | Exception, expected: list[tuple[str, str, int]]
) -> None:
    world = world_with(answer)
    start(world)
    assert told(world) == expected


def killed_while_sending(world: World) -> None:
    """The run that ordered ends without a word, and its claim runs out."""
    world.upstream.script = [StaleRecordError("killed")]
    with pytest.raises(StaleRecordError):
        start(world)
    world.clock.pass_seconds(961)


def resumed(world: World) -> None:
    resume_generation(JOB_ID, resume_ports(), world.clock.now)


def settled_after_it_was_stopped(world: World) -> None:
    settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), world.clock.now)


def reaped(world: World) -> None:
    world.machine.ended.add(JOB_ID)
    job = world.stored(JOB_ID)
    world.jobs.rows[JOB_ID] = job.model_copy(update={"check_at": world.clock.now}).model_dump_json()
    reap_jobs(reap_ports(world.lose), world.clock.now)


@pytest.mark.parametrize("found_by", [resumed, settled_after_it_was_stopped, reaped])
def test_a_killed_order_is_reported_by_the_run_that_finds_it_and_by_no_later_one(
    found_by: Callable[[World], None],
) -> None:
    world = world_with()
    killed_while_sending(world)
    assert told(world) == []
    found_by(world)
    assert told(world) == MINIMAX
    for again in (resumed, settled_after_it_was_stopped, reaped, settled):
        again(world)
    assert told(world) == MINIMAX


def test_a_task_that_failed_after_it_was_accepted_is_reported() -> None:
    world = world_with(TASK, TASK_FAILED, provider="aimlapi")
    start(world)
    assert told(world) == []
    poll_generation(JOB_ID, 1, poll_ports())
    settled(world)
    assert told(world) == AIMLAPI


def test_each_attempt_in_doubt_of_one_job_is_reported_on_its_own() -> None:
    world = World(upstream=FakeUpstream(AnswerLostError("cut"), AnswerLostError("cut")))
    chain = (candidate(), candidate("aimlapi"))
    request: SongRequest = song_request(on_unknown="fallback")
    world.jobs.create(queued_job(candidates=chain, request=request))
    assert start(world) is StepKind.NEXT_PROVIDER
    assert start(world, "run-2") is StepKind.FAILED
    settled(world)
    assert told(world) == MINIMAX + AIMLAPI


def test_a_late_answer_is_not_reported_once_more() -> None:
    world = world_with(SONG)

    def written_off() -> None:
        world.clock.pass_seconds(961)
        resumed(world)

    world.upstream.while_sending = written_off
    start(world)
    (attempt,) = world.stored(JOB_ID).attempts
    assert (attempt.late, attempt.state, attempt.provider_charged) == (
        True,
        AttemptState.FAILED,
        ProviderCharged.UNKNOWN,
    )
    assert told(world) == MINIMAX


def test_a_doubt_that_another_run_recorded_first_is_reported_by_that_run() -> None:
    world = world_with()
    killed_while_sending(world)
    world.jobs.before_next_save = lambda: resumed(world)
    resumed(world)
    assert told(world) == MINIMAX


def test_a_write_that_failed_reports_nothing() -> None:
    world = world_with(AnswerLostError("cut"))

    def unreachable() -> None:
        raise TransientError("the table could not be written")

    def fail_the_record() -> None:
        world.jobs.before_next_save = unreachable

    world.upstream.while_sending = fail_the_record
    with pytest.raises(TransientError):
        start(world)
    assert told(world) == []
    world.clock.pass_seconds(961)
    resumed(world)
    assert told(world) == MINIMAX
