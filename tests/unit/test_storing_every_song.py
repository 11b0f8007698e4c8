"""What an attempt brought is stored song by song, whichever way it came."""

from pathlib import Path

import pytest

from fermata.domain.jobs import Audio, AudioSource, Job, JobStatus, StagedAt
from fermata.domain.providers.patience import FETCHES_BESIDE_A_SONG, MOST_FETCHES
from fermata.domain.settlement import settle
from fermata.domain.upstream import AudioAt
from fermata.errors import BadAudioError, FermataError, LinkTroubleError, TransientError, UnsafeLinkError
from fermata.use_cases.store_audio import FETCH_TAKES_S, StoreOutcome, store_audio
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
    job = ready_job(provider="apiinone", upstream_id=upstream_id)
    attempt = job.attempts[0].model_copy(update={"audio": TWO_SONGS})
    job = job.model_copy(update={"attempts": (attempt,)})
    world.jobs.create(job)
    return job


def store(world: World) -> StoreOutcome:
    return store_audio(JOB_ID, 1, world.store_ports()).outcome


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


Files = tuple[bytes | FermataError, bytes | FermataError]
BUSY = LinkTroubleError("cdn answered 503", 503)
GONE = LinkTroubleError("cdn answered 404", 404)


@pytest.mark.parametrize(
    ("files", "stored"),
    [
        pytest.param((FIRST, BUSY), [1], id="second_busy"),
        pytest.param((BUSY, SECOND), [2], id="first_busy"),
        pytest.param((UnsafeLinkError("10.0.0.1"), SECOND), [2], id="first_unsafe"),
        pytest.param((FIRST, BadAudioError("no song")), [1], id="second_bad"),
        pytest.param((BadAudioError("no song"), SECOND), [2], id="first_bad"),
        pytest.param((LinkTroubleError("no such host"), SECOND), [2], id="first_unreachable"),
    ],
)
def test_one_good_song_is_delivered_within_minutes_whichever_it_is(
    world: World, files: Files, stored: list[int]
) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files = dict(zip(LINKS, files, strict=True))
    took_s = play(world)
    assert stored_numbers(world) == stored
    settled = settle(world.stored(JOB_ID), None, NOON)
    assert settled is not None
    assert (settled.status, [each.number for each in settled.missing]) == (JobStatus.SUCCEEDED, [3 - stored[0]])
    assert took_s <= 600


def play(world: World) -> float:
    """Seconds until nothing is left to try; every link that is asked for anew is the same again."""
    began = world.clock.now
    for _ in range(200):
        step = store_audio(JOB_ID, 1, world.store_ports())
        if step.outcome is StoreOutcome.STORED:
            break
        world.clock.pass_seconds(step.wait_seconds)
        job = world.stored(JOB_ID)
        if step.outcome is StoreOutcome.LINK_EXPIRED:
            answered = job.attempts[0].after(AudioAt(*LINKS[:1], LINKS[1:]), world.clock())
            world.jobs.save(job.with_outcome(answered, world.clock()))
    return (world.clock.now - began).total_seconds()


def test_a_dead_link_beside_a_good_song_is_asked_for_anew_for_minutes_and_no_longer(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[0]] = GONE
    took_s = play(world)
    assert (stored_numbers(world), world.stored(JOB_ID).attempts[0].link_renewals) == ([2], FETCHES_BESIDE_A_SONG - 1)
    assert took_s == 255


def test_two_songs_that_never_come_end_the_job_with_the_first_reason(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files = dict.fromkeys(LINKS, BUSY)
    assert play(world) == 3600
    job = world.stored(JOB_ID)
    assert [each.number for each in job.missing] == [1, 2]
    settled = settle(job, None, NOON)
    assert settled is not None
    assert settled.failure == job.missing[0].reason
    assert len(world.links.fetched) <= 2 * MOST_FETCHES


def test_a_second_song_that_comes_late_is_delivered_too(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files[LINKS[1]] = BUSY
    for _ in range(FETCHES_BESIDE_A_SONG - 1):
        assert store(world) is StoreOutcome.WAIT
    world.links.files[LINKS[1]] = SECOND
    assert store(world) is StoreOutcome.STORED
    assert stored_numbers(world) == [1, 2]
    assert [url for _, url in world.links.fetched].count(LINKS[0]) == 1


def test_a_song_without_a_link_is_not_fetched_and_the_others_keep_their_numbers(world: World) -> None:
    job = ready_job(upstream_id="n74")
    audio = Audio(source=AudioSource.LINKS, links=(LINKS[1],), without_link=(1,))
    world.jobs.create(job.model_copy(update={"attempts": (job.attempts[0].model_copy(update={"audio": audio}),)}))
    assert store(world) is StoreOutcome.STORED
    assert stored_numbers(world) == [2]


def test_only_the_wanted_songs_are_stored(world: World) -> None:
    job = with_two_songs(world)
    wanted = job.attempts[0].model_copy(update={"wanted": (2,)})
    world.jobs.save(job.with_outcome(wanted, NOON))
    assert store(world) is StoreOutcome.STORED
    assert stored_numbers(world) == [2]


def test_a_file_that_was_kept_later_needs_no_provider(world: World) -> None:
    job = with_two_songs(world)
    where = StagedAt(job_id="job_other", attempt=2)
    kept = job.attempts[0].model_copy(update={"kept": (1, 2), "audio": None, "staged_at": where})
    world.jobs.save(job.with_outcome(kept, NOON))
    world.answers.files = {("job_other", 2, "file.1"): FIRST, ("job_other", 2, "file.2"): SECOND}
    assert store(world) is StoreOutcome.STORED
    assert (stored_numbers(world), world.links.fetched) == ([1, 2], [])


def test_a_run_that_has_little_time_left_leaves_the_second_song_to_the_next(world: World) -> None:
    with_two_songs(world)
    world.remaining_s = FETCH_TAKES_S - 1
    assert store(world) is StoreOutcome.WAIT
    assert stored_numbers(world) == [1]
    assert store(world) is StoreOutcome.STORED
    assert stored_numbers(world) == [1, 2]


def test_the_dead_link_of_a_second_song_is_renewed_and_the_job_may_end_while_it_waits(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[1]] = GONE
    assert store(world) is StoreOutcome.LINK_EXPIRED
    waiting = world.stored(JOB_ID)
    assert (waiting.status, stored_numbers(world)) == (JobStatus.GENERATING, [1])
    settled = settle(waiting, "Execution.TIMED_OUT", NOON)
    assert settled is not None
    assert settled.status is JobStatus.SUCCEEDED


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
