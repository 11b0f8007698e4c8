"""A callback wakes the state machine at most once, is never lost, and decides nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.providers.callbacks import MOST_POSTS, Callback
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.follow.await_callback import Wait, await_callback
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.follow.receive_callback import Effect, receive_callback
from fermata.wiring.generation import callback_ports, poll_ports, settle_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, callback, called_back_job, json_answer, queued_job, rate_limited, stored_track

TOKEN, RECORD = callback()
RUNNING = json_answer({"code": 200, "data": {"type": "FIRST", "response_data": []}})
LINK = "https://cdn1.suno.ai/a.mp3"
DONE = json_answer({"code": 200, "data": {"type": "SUCCESS", "response_data": [{"audio_url": LINK}]}})


def world_with(job: Job | None = None, record: Callback = RECORD, polls: tuple[ScriptedAnswer, ...] = ()) -> World:
    world = World(upstream=FakeUpstream(*polls))
    world.jobs.create(job or called_back_job())
    world.callbacks.create(record)
    return world


def delivered_without_its_second_song() -> Job:
    """A job that succeeded while its attempt was still waiting for a new link."""
    job = called_back_job(link_renewals=1)
    return job.model_copy(update={"tracks": (stored_track(),)}).settled(None, NOON)


def post(token: str = TOKEN) -> Effect:
    return receive_callback(token, callback_ports()).effect


def wait(task: str = "task-1") -> Wait:
    return await_callback(JOB_ID, 1, task, callback_ports())


def kept(world: World) -> Callback:
    found = world.callbacks.load(RECORD.sha256)
    assert found is not None
    return found


# ---- both orders of post and wait


def test_a_post_ends_the_wait_that_came_before_it() -> None:
    world = world_with()
    assert (wait(), world.waits.ended) == (Wait.ASLEEP, [])
    assert (post(), world.waits.ended) == (Effect.WOKE, ["task-1"])


def test_a_post_that_came_before_the_wait_ends_it_at_once() -> None:
    world = world_with()
    assert (post(), world.waits.ended) == (Effect.NOTED, [])
    assert (wait(), world.waits.ended) == (Wait.POSTED_BEFORE, ["task-1"])


def test_a_post_that_came_before_the_answer_to_the_order_is_not_lost() -> None:
    world = world_with(called_back_job(AttemptState.CLAIMED))
    assert post() is Effect.NOTED
    claimed = world.stored(JOB_ID)
    accepted = called_back_job().attempts[0]
    world.jobs.save(claimed.with_outcome(accepted, NOON))
    assert wait() is Wait.POSTED_BEFORE


@pytest.mark.parametrize("first", ["post", "wait"])
def test_when_post_and_wait_meet_the_one_that_writes_second_sees_the_other(first: str) -> None:
    world = world_with()
    actions: dict[str, Callable[[], object]] = {"post": post, "wait": wait}
    second = "wait" if first == "post" else "post"
    world.callbacks.before_next_save = actions[first]
    actions[second]()
    assert world.waits.ended == ["task-1"]
    assert not kept(world).unheeded


# ---- a post before any song is expected

EARLY = callback(expects_from=NOON + timedelta(seconds=42))[1]


def test_the_first_post_before_a_song_is_expected_wakes_nobody_and_the_next_one_does() -> None:
    world = world_with(record=EARLY)
    assert (wait(), post(), world.waits.ended) == (Wait.ASLEEP, Effect.NOTED_EARLY, [])
    assert not kept(world).unheeded
    assert (post(), world.waits.ended) == (Effect.WOKE, ["task-1"])


def test_the_first_post_from_then_on_wakes_the_machine() -> None:
    world = world_with(record=EARLY)
    wait()
    world.clock.pass_seconds(42)
    assert (post(), world.waits.ended) == (Effect.WOKE, ["task-1"])


def test_an_early_post_before_the_wait_lets_it_sleep_and_the_next_one_ends_it() -> None:
    world = world_with(record=EARLY)
    assert (post(), wait(), world.waits.ended) == (Effect.NOTED_EARLY, Wait.ASLEEP, [])
    assert (post(), world.waits.ended) == (Effect.WOKE, ["task-1"])


def test_two_early_posts_before_the_wait_end_it_at_once() -> None:
    world = world_with(record=EARLY)
    assert [post(), post()] == [Effect.NOTED_EARLY, Effect.NOTED]
    assert (wait(), world.waits.ended) == (Wait.POSTED_BEFORE, ["task-1"])


@pytest.mark.parametrize("first", ["post", "wait"])
def test_an_early_post_that_meets_the_wait_loses_neither(first: str) -> None:
    world = world_with(record=EARLY)
    actions: dict[str, Callable[[], object]] = {"post": post, "wait": wait}
    second = "wait" if first == "post" else "post"
    world.callbacks.before_next_save = actions[first]
    actions[second]()
    assert (kept(world).posts, kept(world).task_token, world.waits.ended) == (1, "task-1", [])


# ---- several posts to one task


def test_each_post_leads_to_one_poll_and_then_to_another_wait() -> None:
    world = world_with(polls=(RUNNING, RUNNING, DONE))
    ports = poll_ports()
    for number in (1, 2):
        wait(f"task-{number}")
        post()
        again = poll_generation(JOB_ID, 1, ports)
        assert (again.kind, again.wait_seconds) == (StepKind.AWAITING_CALLBACK, 120)
    assert wait("task-3") is Wait.ASLEEP
    post()
    assert poll_generation(JOB_ID, 1, ports).kind is StepKind.READY
    assert world.waits.ended == ["task-1", "task-2", "task-3"]


def test_a_post_sent_twice_is_noted_for_one_more_poll_and_not_for_two() -> None:
    world = world_with()
    wait()
    assert [post(), post(), post()] == [Effect.WOKE, Effect.NOTED, Effect.NOTED]
    assert wait("task-2") is Wait.POSTED_BEFORE
    assert wait("task-3") is Wait.ASLEEP
    assert world.waits.ended == ["task-1", "task-2"]


def test_two_posts_at_the_same_moment_end_one_wait_and_the_slower_is_noted() -> None:
    world = world_with()
    wait()
    effects: list[Effect] = []
    ended = world.waits.end

    def end_after_another_post(task_token: str) -> bool:
        world.waits.end = ended  # type: ignore[method-assign]
        effects.append(post())
        return ended(task_token)

    world.waits.end = end_after_another_post  # type: ignore[method-assign]
    effects.append(post())
    assert effects == [Effect.WOKE, Effect.NOTED]
    assert kept(world).unheeded


def test_a_post_after_the_wait_timed_out_is_noted_for_the_next_wait() -> None:
    world = world_with()
    wait()
    world.waits.over.add("task-1")
    assert post() is Effect.NOTED_AFTER_THE_WAIT
    assert wait("task-2") is Wait.POSTED_BEFORE


def test_a_wait_that_begins_while_the_last_one_is_being_ended_is_not_forgotten() -> None:
    world = world_with()
    wait()
    ended = world.waits.end

    def end_and_wait_again(task_token: str) -> bool:
        world.waits.end = ended  # type: ignore[method-assign]
        ended(task_token)
        wait("task-2")
        return True

    world.waits.end = end_and_wait_again  # type: ignore[method-assign]
    assert post() is Effect.WOKE
    assert kept(world).task_token == "task-2"
    post()
    assert world.waits.ended == ["task-1", "task-2"]


def test_many_posts_do_not_cause_many_polls() -> None:
    world = world_with()
    for number in range(MOST_POSTS + 10):
        wait(f"task-{number}")
        post()
    assert len(world.waits.ended) == MOST_POSTS
    assert post() is Effect.IGNORED_TOO_MANY


# ---- what a post cannot do


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(called_back_job().settled(rate_limited(), NOON), id="settled"),
        pytest.param(called_back_job(AttemptState.CLAIMED).settled(rate_limited(), NOON), id="settled_unanswered"),
        pytest.param(
            called_back_job(AttemptState.FAILED, failure=rate_limited()).model_copy(update={"attempts": ()}), id="none"
        ),
        pytest.param(called_back_job(AttemptState.FAILED, failure=rate_limited()), id="failed"),
        pytest.param(called_back_job(callback=None), id="another_address"),
        pytest.param(delivered_without_its_second_song(), id="delivered_in_part"),
    ],
)
def test_a_post_for_an_attempt_that_waits_for_nothing_changes_nothing(job: Job) -> None:
    record = RECORD.awaited_by("task-1")
    world = world_with(job, record)
    assert post() is Effect.IGNORED_ENDED
    assert (world.stored(JOB_ID), kept(world), world.waits.ended) == (job, record, [])


def test_a_late_callback_does_not_reopen_the_job() -> None:
    world = world_with(polls=(DONE,))
    wait()
    settle_job(JOB_ID, "Execution.ABORTED", settle_ports(), NOON)
    settled, record = world.stored(JOB_ID), kept(world)
    assert post() is Effect.IGNORED_ENDED
    assert (world.stored(JOB_ID), kept(world), world.waits.ended) == (settled, record, [])


def test_a_post_to_an_unknown_address_is_answered_as_any_other_and_changes_nothing() -> None:
    world = world_with()
    wait()
    before = kept(world)
    receipt = receive_callback("a" * 43, callback_ports())
    assert (receipt.effect, receipt.job_id) == (Effect.IGNORED_UNKNOWN, None)
    assert (kept(world), world.waits.ended) == (before, [])


@pytest.mark.parametrize("token", ["", "x", TOKEN + "a", TOKEN[:-1] + "/", RECORD.sha256])
def test_text_that_is_no_token_is_not_looked_up(token: str) -> None:
    world_with()
    with pytest.raises(NotFoundError) as caught:
        post(token)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize("polled", [RUNNING, DONE], ids=["running", "done"])
def test_a_post_writes_no_job_and_the_poll_alone_decides(polled: ScriptedAnswer) -> None:
    world = world_with(polls=(polled,))
    wait()
    post()
    assert world.stored(JOB_ID) == called_back_job()
    expected = StepKind.READY if polled is DONE else StepKind.AWAITING_CALLBACK
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is expected


def test_a_wait_that_cannot_be_ended_may_be_posted_to_again() -> None:
    world = world_with()
    wait()
    world.waits.failure = TransientError("throttled")
    with pytest.raises(TransientError):
        post()
    world.waits.failure = None
    assert (post(), world.waits.ended) == (Effect.WOKE, ["task-1"])


def test_a_post_to_a_record_that_keeps_changing_may_be_sent_again() -> None:
    world = world_with()

    def refuse() -> None:
        world.callbacks.before_next_save = refuse
        raise StaleRecordError("again")

    world.callbacks.before_next_save = refuse
    with pytest.raises(TransientError):
        post()
    with pytest.raises(TransientError):
        wait()


# ---- when there is nothing to wait for


@pytest.mark.parametrize(
    "job",
    [
        pytest.param(called_back_job().settled(rate_limited(), NOON), id="settled"),
        pytest.param(called_back_job(AttemptState.FAILED, failure=rate_limited()), id="failed"),
        pytest.param(called_back_job(callback=None), id="without_an_address"),
        pytest.param(queued_job("apiinone"), id="queued"),
    ],
)
def test_a_wait_for_an_attempt_that_waits_for_nothing_ends_at_once(job: Job) -> None:
    world = world_with(job)
    assert (wait(), world.waits.ended) == (Wait.NOTHING_TO_AWAIT, ["task-1"])
    assert kept(world) == RECORD


def test_a_wait_whose_record_is_gone_is_left_to_its_timeout() -> None:
    world = World()
    world.jobs.create(called_back_job())
    assert (wait(), world.waits.ended) == (Wait.ASLEEP, [])


# ---- what the poll says when a callback may come


@pytest.mark.parametrize(
    ("polled", "word"),
    [
        pytest.param(RUNNING, StepKind.AWAITING_CALLBACK, id="running"),
        pytest.param(replace(RUNNING, retry_after_s=40), StepKind.GENERATING, id="running_and_asked_to_wait"),
        pytest.param(
            json_answer({"message": "slow down"}, 429, retry_after_s=40), StepKind.GENERATING, id="too_many_polls"
        ),
        pytest.param(ScriptedAnswer(b"<html>", 502, "text/html"), StepKind.GENERATING, id="trouble"),
        pytest.param(json_answer({"code": 500, "message": "internal"}), StepKind.GENERATING, id="code_inside_200"),
    ],
)
def test_only_a_task_that_is_reported_as_running_is_waited_for_by_callback(
    polled: ScriptedAnswer, word: StepKind
) -> None:
    world_with(polls=(polled,))
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is word


def test_a_task_that_is_not_found_is_polled_again_soon() -> None:
    missing = json_answer({"code": 404, "message": "no such task"}, 404)
    world_with(polls=(missing, missing))
    verdict = poll_generation(JOB_ID, 1, poll_ports())
    assert (verdict.kind, verdict.wait_seconds) == (StepKind.GENERATING, 1)


def test_a_new_link_to_a_song_is_polled_for_because_no_callback_announces_it() -> None:
    world_with(called_back_job(link_renewals=1), polls=(RUNNING,))
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.GENERATING
