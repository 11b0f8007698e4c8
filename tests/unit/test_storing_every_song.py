"""What an attempt brought is stored song by song, whichever way it came."""

from pathlib import Path

import pytest

from fermata.domain.jobs import Audio, AudioSource, Job, JobStatus
from fermata.domain.settlement import settle
from fermata.errors import BadAudioError, FermataError, LinkExpiredError, ResultExpiredError, TransientError
from fermata.use_cases.store_audio import StoreOutcome, store_audio
from tests.songs import JOB_ID, hex_answer, ready_job
from tests.twins import NOON, ScriptedAnswer, World

FIRST, SECOND = b"\xff\xfb first song" * 200, b"\xff\xfb second song" * 200
LINKS = ("https://cdn.apiin.one/1.mp3?Signature=a%2Fb", "https://cdn.apiin.one/2.mp3?Signature=c")
TWO_SONGS = Audio(source=AudioSource.LINKS, links=LINKS)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(scratch=tmp_path)
    world.links.files = dict(zip(LINKS, (FIRST, SECOND), strict=True))
    return world


def with_two_songs(world: World, upstream_id: str | None = "n74") -> Job:
    job = ready_job(upstream_id=upstream_id)
    attempt = job.attempts[0].model_copy(update={"audio": TWO_SONGS})
    job = job.model_copy(update={"attempts": (attempt,)})
    world.jobs.create(job)
    return job


def store(world: World) -> StoreOutcome:
    return store_audio(JOB_ID, 1, world.store_ports())


def stored_numbers(world: World) -> list[int]:
    return [track.number for track in world.stored(JOB_ID).tracks]


def test_two_songs_become_two_tracks_under_their_own_keys(world: World) -> None:
    with_two_songs(world)
    assert store(world) is StoreOutcome.STORED
    assert {key: file for key, (file, _) in world.tracks.files.items()} == {
        f"tracks/{JOB_ID}/1.mp3": FIRST,
        f"tracks/{JOB_ID}/2.mp3": SECOND,
    }
    assert stored_numbers(world) == [1, 2]


def test_songs_that_are_stored_are_not_fetched_again(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[1]] = TransientError("the host is away")
    with pytest.raises(TransientError):
        store(world)
    assert stored_numbers(world) == [1]
    world.links.files[LINKS[1]] = SECOND
    store(world)
    assert stored_numbers(world) == [1, 2]
    assert [url for _, url in world.links.fetched] == [LINKS[0], LINKS[1], LINKS[1]]
    store(world)
    assert world.tracks.puts == 2


@pytest.mark.parametrize("failure", [BadAudioError("no song"), TransientError("away for good")])
def test_a_second_song_that_cannot_be_had_takes_the_first_from_nobody(world: World, failure: FermataError) -> None:
    with_two_songs(world)
    world.links.files[LINKS[1]] = failure
    with pytest.raises(type(failure)):
        store(world)
    settled = settle(world.stored(JOB_ID), type(failure).__name__, NOON)
    assert settled is not None
    assert (settled.status, [track.number for track in settled.tracks]) == (JobStatus.SUCCEEDED, [1])


def test_the_dead_link_of_a_second_song_is_renewed_and_the_job_may_end_while_it_waits(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[1]] = LinkExpiredError("403")
    assert store(world) is StoreOutcome.LINK_EXPIRED
    waiting = world.stored(JOB_ID)
    assert (waiting.status, stored_numbers(world)) == (JobStatus.GENERATING, [1])
    settled = settle(waiting, "Execution.TIMED_OUT", NOON)
    assert settled is not None
    assert settled.status is JobStatus.SUCCEEDED


def test_a_link_without_a_task_behind_it_cannot_be_renewed(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files[LINKS[0]] = LinkExpiredError("403")
    with pytest.raises(ResultExpiredError):
        store(world)


def test_a_job_that_was_settled_meanwhile_gets_no_further_song(world: World) -> None:
    with_two_songs(world)

    def settle_it() -> None:
        settled = settle(world.stored(JOB_ID), "Execution.ABORTED", NOON)
        assert settled is not None
        world.jobs.settle(settled)

    world.jobs.before_next_save = settle_it
    assert store(world) is StoreOutcome.STORED
    assert world.stored(JOB_ID).status is JobStatus.FAILED
    assert [url for _, url in world.links.fetched] == [LINKS[0]]


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (AudioSource.BODY, ScriptedAnswer(FIRST, content_type="audio/mpeg")),
        (AudioSource.HEX, hex_answer(FIRST)),
        (AudioSource.HEX, ScriptedAnswer(b'{"result":' + hex_answer(FIRST).body + b"}")),
    ],
)
def test_a_song_in_the_staged_answer_is_stored_as_it_is(
    world: World, source: AudioSource, answer: ScriptedAnswer
) -> None:
    job = ready_job()
    attempt = job.attempts[0].model_copy(update={"audio": Audio(source=source)})
    world.jobs.create(job.model_copy(update={"attempts": (attempt,)}))
    world.answers.kept[JOB_ID, 1] = answer
    store(world)
    assert world.tracks.files[f"tracks/{JOB_ID}/1.mp3"][0] == FIRST
