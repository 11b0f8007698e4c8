"""Pieces come while the stream arrives, and nothing about them touches the purchase."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

import pytest

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.live.playlist import playlist
from fermata.domain.live.stream import LiveStream
from fermata.domain.live.token import live_sha256, live_token
from fermata.errors import AnswerLostError, TransientError
from fermata.ports.live import Work
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.live import publish_pieces
from fermata.wiring import runtime
from fermata.wiring.generation import start_ports
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, candidate, queued_job, song_request, stream_answer
from tests.support.audio_files import mp3

SONG = mp3(seconds=11)
THIRD = len(SONG) // 3
PARTS = [(SONG[:THIRD], 1), (SONG[THIRD : 2 * THIRD], 1), (SONG[2 * THIRD :], 1)]
REPEATS = stream_answer(*PARTS, (SONG, 2))
IN_BACKGROUND = runtime.in_background
"""The real one, from before a world took its place."""


def live_world(answer: ScriptedAnswer) -> World:
    world = World(upstream=FakeUpstream(answer))
    model = candidate().model_copy(update={"live": True})
    world.jobs.create(queued_job(candidates=(model,), request=song_request(live=True)))
    return world


def order(world: World) -> StepKind:
    return start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1").kind


def token_of(world: World) -> str:
    return live_token(world.live_secret.read(), JOB_ID, 1)


def stream_of(world: World) -> LiveStream | None:
    return world.live_streams.load(live_sha256(token_of(world)))


def music(world: World) -> bytes:
    """The frames of every piece, without the tags before them."""
    files = [world.live_pieces.files[JOB_ID, 1, number] for number in range(1, len(world.live_pieces.files) + 1)]
    return b"".join(file[73:] for file in files)


@pytest.mark.parametrize("last", [(SONG, 2), (b"", 2), (b"ID3" + bytes(200_000), 2)], ids=["repeats", "empty", "other"])
def test_the_pieces_of_a_live_song_are_the_song_once(last: tuple[bytes, int]) -> None:
    world = live_world(stream_answer(*PARTS, last))
    assert order(world) is StepKind.READY
    assert music(world) == SONG
    stream = stream_of(world)
    assert stream is not None
    assert stream.ended
    assert len(stream.durations_ms) == len(world.live_pieces.files) == 4
    assert playlist(stream, ended=True).count("#EXTINF:") == 4


def test_the_record_and_its_item_hold_no_token() -> None:
    world = live_world(REPEATS)
    order(world)
    (row,) = world.live_streams.rows.values()
    assert token_of(world) not in row
    assert token_of(world) not in json.dumps([str(key) for key in world.live_pieces.files])


def test_a_song_that_is_not_live_has_no_pieces_and_starts_nothing() -> None:
    world = World(upstream=FakeUpstream(REPEATS))
    world.jobs.create(queued_job())
    order(world)
    assert (world.live_pieces.files, world.live_streams.rows, world.live_secret.reads) == ({}, {}, 0)


# ---- nothing of it touches the purchase


@dataclass(frozen=True)
class Purchase:
    """What a purchase leaves: what was sent, what is staged, and the record."""

    posts: int
    staged: bytes
    job: Job


def bought(world: World) -> Purchase:
    order(world)
    return Purchase(len(world.upstream.sent), world.answers.kept[JOB_ID, 1].body, world.stored(JOB_ID))


def fail_pieces(world: World) -> None:
    world.live_pieces.failure = TransientError("no bucket")


def fail_notes(world: World) -> None:
    world.live_streams.failure = TransientError("no table")


def fail_secret(world: World) -> None:
    world.live_secret.failure = TransientError("no secret")


def break_the_code(world: World) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    world.live_pieces.before_put = broken


def drop_everything(_: World) -> None:
    publish_pieces.LONGEST_QUEUE_BYTES = 10  # type: ignore[misc]  # put back below


@pytest.fixture(autouse=True)
def _bounds() -> Iterator[None]:
    before = publish_pieces.LONGEST_QUEUE_BYTES
    yield
    publish_pieces.LONGEST_QUEUE_BYTES = before  # type: ignore[misc]  # a test changed it


@pytest.mark.parametrize(
    "trouble", [fail_pieces, fail_notes, fail_secret, break_the_code, drop_everything], ids=lambda each: each.__name__
)
def test_trouble_with_the_pieces_leaves_the_same_purchase(trouble: Callable[[World], None]) -> None:
    with live_world(REPEATS) as calm:
        expected = bought(calm)
    with live_world(REPEATS) as world:
        trouble(world)
        assert bought(world) == expected
        assert world.live_pieces.files == {} or trouble is fail_notes
        assert world.live_streams.rows == {}


def test_the_same_purchase_is_made_with_and_without_listeners() -> None:
    with live_world(REPEATS) as heard:
        expected = bought(heard)
    with live_world(REPEATS) as world:
        world.background.hangs = True  # type: ignore[attr-defined]  # the fake's own
        assert bought(world) == expected
        assert world.live_pieces.files == {}


def test_a_put_that_hangs_gives_the_same_staged_bytes_time_and_verdict() -> None:
    with live_world(REPEATS) as calm:
        expected = bought(calm)
    released, reached = Event(), Event()
    with live_world(REPEATS) as world:
        world.background = IN_BACKGROUND

        def hang() -> None:
            reached.set()
            assert released.wait(30)

        world.live_pieces.before_put = hang
        begun = time.monotonic()
        try:
            assert bought(world) == expected
            took_s = time.monotonic() - begun
            assert reached.wait(30)
        finally:
            released.set()
        assert took_s < 5
        assert world.live_streams.rows == {}


def test_an_abandoned_run_says_no_end_before_the_last_piece_is_noted() -> None:
    reached, released, works, puts = Event(), Event(), [], []
    with live_world(REPEATS) as world:

        def begin(run: Callable[[], None]) -> Work:
            works.append(IN_BACKGROUND(run))
            return works[0]

        def hang_at_the_last() -> None:
            puts.append(world.clock())
            if len(puts) == 4:
                reached.set()
                assert released.wait(30)

        world.background = begin
        world.live_pieces.before_put = hang_at_the_last
        assert order(world) is StepKind.READY
        assert reached.wait(30)
        released.set()
        assert works[0].join(30)
        stream = stream_of(world)
        assert stream is not None
        assert (len(stream.durations_ms), stream.ended) == (3, False)


def test_an_environment_that_has_no_thread_left_loses_what_is_heard_and_not_the_song(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with live_world(REPEATS) as calm:
        expected = bought(calm)

    def no_thread(_work: Callable[[], None]) -> Work:
        raise RuntimeError("can't start new thread")

    with live_world(REPEATS) as world:
        world.background = no_thread
        assert bought(world) == expected
        assert world.live_pieces.files == {}
    assert "a live song is not heard" in caplog.text


def test_the_verdict_is_on_record_before_the_pieces_are_waited_for() -> None:
    world = live_world(REPEATS)
    seen = []
    world.live_pieces.before_put = lambda: seen.append(world.stored(JOB_ID).attempts[0].state.value)
    order(world)
    assert seen == ["ready"] * 4


def test_a_dropped_chunk_ends_what_is_heard_and_not_with_an_end() -> None:
    world = live_world(REPEATS)
    # The fake begins its work at the end, so everything waits until then.
    publish_pieces.LONGEST_QUEUE_BYTES = len(REPEATS.body) // 2  # type: ignore[misc]  # put back by the fixture
    order(world)
    stream = stream_of(world)
    assert stream is not None
    assert not stream.ended
    assert SONG.startswith(music(world))


def test_a_stream_that_is_cut_was_heard_until_there() -> None:
    half = len(REPEATS.body) // 2
    world = live_world(ScriptedAnswer(REPEATS.body[:half], ends_with=AnswerLostError("cut")))
    order(world)
    assert len(world.live_pieces.files) >= 1
    assert SONG.startswith(music(world))


def test_what_was_published_after_a_deletion_is_deleted() -> None:
    world = live_world(REPEATS)

    def delete_meanwhile() -> None:
        job = world.stored(JOB_ID)
        if job.deleted_at is None:
            world.jobs.save(job.model_copy(update={"deleted_at": world.clock(), "version": job.version + 1}))

    world.live_pieces.before_put = delete_meanwhile
    order(world)
    assert (world.live_pieces.files, world.live_streams.rows) == ({}, {})


def delete_now(world: World) -> None:
    job = world.stored(JOB_ID)
    world.jobs.save(job.model_copy(update={"deleted_at": world.clock(), "version": job.version + 1}))


def test_a_piece_that_failed_to_be_noted_after_a_deletion_is_deleted() -> None:
    world = live_world(REPEATS)
    world.live_streams.failure = TransientError("no table")
    world.live_pieces.before_put = lambda: delete_now(world)
    order(world)
    world.live_streams.failure = None
    assert world.live_pieces.files == {}


def test_a_piece_that_was_frozen_until_after_the_deletion_is_deleted_with_its_note() -> None:
    released, works = Event(), []
    with live_world(REPEATS) as world:

        def begin(run: Callable[[], None]) -> Work:
            works.append(IN_BACKGROUND(run))
            return works[0]

        world.background = begin
        world.live_pieces.before_put = lambda: released.wait(30)
        assert order(world) is StepKind.READY
        delete_now(world)
        released.set()
        assert works[0].join(30)
        assert (world.live_pieces.files, world.live_streams.rows) == ({}, {})


def test_a_write_whose_answer_was_lost_is_no_trouble() -> None:
    world = live_world(REPEATS)
    save = world.live_streams.save

    def save_twice(stream: LiveStream) -> None:
        save(stream)
        save(stream)

    world.live_streams.save = save_twice  # type: ignore[method-assign]  # as a repeated call does
    order(world)
    assert music(world) == SONG
