"""A provider with two routes for polling is polled on the one that knew the task."""

import json

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.errors import AnswerLostError
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.wiring.generation import poll_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, claimed_attempt, queued_job

TASK_ROUTE = "/api/v1/tasks/n74"
FEED_ROUTE = "/api/v1/audio/music/feed"
NOT_FOUND = ScriptedAnswer(b"<html>no such page</html>", 404, "text/html")
RUNNING = ScriptedAnswer(b'{"code":200,"data":{"type":"IN_PROGRESS"}}')
LINKS = ("https://cdn.apiin.one/1.mp3", "https://cdn.apiin.one/2.mp3")
DONE = ScriptedAnswer(
    json.dumps({"data": {"type": "SUCCESS", "response_data": [{"audio_url": link} for link in LINKS]}}).encode()
)


@pytest.fixture
def world() -> World:
    world = World()
    attempt = claimed_attempt("apiinone", state=AttemptState.GENERATING, upstream_id="n74")
    job = queued_job().model_copy(update={"provider": "apiinone"})
    claimed = job.claimed(attempt, NOON)
    world.jobs.create(claimed.with_outcome(attempt, NOON))
    return world


def poll(world: World, *script: ScriptedAnswer | AnswerLostError) -> tuple[str, int, list[str]]:
    """The verdict, how many polls reported nothing so far, and the routes that were polled."""
    world.upstream = FakeUpstream(*script)
    verdict = poll_generation(JOB_ID, 1, poll_ports())
    polls = stored(world).attempts[0].retries.polls
    return verdict.kind, polls, [sent.call.path for sent in world.upstream.sent]


def stored(world: World) -> Job:
    return world.stored(JOB_ID)


def test_the_general_route_is_polled_first_and_alone_where_it_knows_the_task(world: World) -> None:
    assert poll(world, RUNNING) == (StepKind.GENERATING, 0, [TASK_ROUTE])
    assert poll(world, RUNNING) == (StepKind.GENERATING, 0, [TASK_ROUTE])


def test_a_task_that_is_not_found_is_polled_on_the_other_route_at_once(world: World) -> None:
    assert poll(world, NOT_FOUND, DONE) == (StepKind.READY, 0, [TASK_ROUTE, FEED_ROUTE])


def test_the_route_that_knew_the_task_is_polled_first_from_then_on(world: World) -> None:
    poll(world, NOT_FOUND, RUNNING)
    assert poll(world, RUNNING) == (StepKind.GENERATING, 0, [FEED_ROUTE])
    assert poll(world, NOT_FOUND, RUNNING) == (StepKind.GENERATING, 0, [FEED_ROUTE, TASK_ROUTE])
    assert poll(world, RUNNING) == (StepKind.GENERATING, 0, [TASK_ROUTE])


EMPTY = ScriptedAnswer(b'{"code":200,"data":[]}')


@pytest.mark.parametrize(
    "answer",
    [
        ScriptedAnswer(b"busy", 500),
        ScriptedAnswer(b"no such method", 405),
        ScriptedAnswer(b'{"code":400,"message":"invalid task id"}', 400),
        ScriptedAnswer(b"<html>maintenance</html>", 200, "text/html"),
        ScriptedAnswer(b""),
        EMPTY,
        AnswerLostError("cut"),
    ],
)
def test_an_answer_without_the_tasks_status_does_not_choose_a_route(
    world: World, answer: ScriptedAnswer | AnswerLostError
) -> None:
    assert poll(world, NOT_FOUND, answer)[2] == [TASK_ROUTE, FEED_ROUTE]
    assert poll(world, DONE)[::2] == (StepKind.READY, [TASK_ROUTE])


def test_a_route_with_nothing_to_say_leads_to_the_other_one(world: World) -> None:
    assert poll(world, EMPTY, DONE) == (StepKind.READY, 0, [TASK_ROUTE, FEED_ROUTE])


def test_answers_of_both_routes_are_kept_beside_each_other(world: World) -> None:
    html = ScriptedAnswer(b"<html>maintenance</html>", 200, "text/html")
    poll(world, EMPTY, html)
    poll(world, NOT_FOUND, html)
    poll(world, html)
    kept = [name for _, _, name in world.answers.files]
    assert len(kept) == len(set(kept)) == 3


def test_a_route_that_is_known_already_is_not_written_again(world: World) -> None:
    poll(world, RUNNING)
    assert world.jobs.saves == 0


def test_a_task_that_no_route_knows_is_polled_again_on_both_until_the_patience_is_over(world: World) -> None:
    both = [TASK_ROUTE, FEED_ROUTE]
    assert poll(world, NOT_FOUND, NOT_FOUND) == (StepKind.GENERATING, 1, both)
    world.clock.pass_seconds(poll_ports().patience.patience_s)
    assert poll(world, NOT_FOUND, NOT_FOUND)[0] == StepKind.FAILED
    failure = stored(world).attempts[0].failure
    assert failure is not None
    assert (failure.failure_class, failure.provider_charged) == ("not_found", "unknown")


def test_connection_trouble_is_no_reason_to_poll_the_other_route(world: World) -> None:
    assert poll(world, AnswerLostError("cut")) == (StepKind.GENERATING, 1, [TASK_ROUTE])


def test_both_polls_together_take_no_longer_than_one(world: World) -> None:
    world.upstream = FakeUpstream(NOT_FOUND, RUNNING)
    poll_generation(JOB_ID, 1, poll_ports())
    assert sum(sent.within_s for sent in world.upstream.sent) <= 45


def test_a_write_by_another_run_does_not_end_the_poll(world: World) -> None:
    world.jobs.before_next_save = lambda: world.jobs.save(stored(world).with_outcome(stored(world).attempts[0], NOON))
    assert poll(world, NOT_FOUND, RUNNING)[0] == StepKind.GENERATING
    assert poll(world, DONE)[0] == StepKind.READY


def test_every_link_of_the_answer_is_on_record(world: World) -> None:
    poll(world, DONE)
    audio = stored(world).attempts[0].audio
    assert audio is not None
    assert audio.links == LINKS
