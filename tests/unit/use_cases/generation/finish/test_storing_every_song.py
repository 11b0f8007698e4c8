"""What an attempt brought is stored song by song, whichever way it came."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from fermata.domain.finish.settlement import settle
from fermata.domain.jobs.attempt import StagedAt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Audio, AudioSource
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.calls import AudioAt
from fermata.domain.providers.failures import FailureClass
from fermata.domain.providers.patience import FETCHES_BESIDE_A_SONG, MOST_FETCHES
from fermata.errors import BadAudioError, FermataError, LinkTroubleError, TransientError, UnsafeLinkError
from fermata.use_cases.generation.finish.store_audio import FETCH_TAKES_S, StoreOutcome, store_audio
from fermata.wiring.generation import store_ports
from tests.fakes.audio.marker import PrefixMarker
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, hex_answer, ready_job

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
    return store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).outcome


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


def test_two_files_that_the_provider_made_equal_are_one_song_whatever_their_marks(world: World) -> None:
    world.marker = PrefixMarker()
    with_two_songs(world)
    world.links.files[LINKS[1]] = FIRST
    store(world)
    assert stored_numbers(world) == [1]


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
    """Seconds until nothing is left to try; every link that is requested anew is the same again."""
    began = world.clock.now
    for _ in range(200):
        step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
        if step.outcome is StoreOutcome.STORED:
            break
        world.clock.pass_seconds(step.wait_seconds)
        job = world.stored(JOB_ID)
        if step.outcome is StoreOutcome.LINK_EXPIRED:
            answered = job.attempts[0].after(AudioAt(*LINKS[:1], LINKS[1:]), world.clock())
            world.jobs.save(job.with_outcome(answered, world.clock()))
    return (world.clock.now - began).total_seconds()


def test_a_dead_link_beside_a_good_song_is_requested_anew_for_minutes_and_no_longer(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[0]] = GONE
    took_s = play(world)
    # Its first fetch was before the other song was stored.
    assert (stored_numbers(world), world.stored(JOB_ID).attempts[0].link_renewals) == ([2], FETCHES_BESIDE_A_SONG)
    assert took_s == 1 + 255


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
        world.clock.pass_seconds(300)
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


# ---- links and songs belong together


def other(link: str) -> str:
    """The same link, signed anew."""
    return link.partition("?")[0] + "?Signature=another"


def play_with(world: World, *answers: AudioAt | None) -> float:
    """Seconds until nothing is left to try; the task gives these answers in turn, the last one for ever, and None is an
    answer without a link.
    """
    began, asked = world.clock.now, 0
    for _ in range(200):
        step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
        if step.outcome is StoreOutcome.STORED:
            return (world.clock.now - began).total_seconds()
        world.clock.pass_seconds(step.wait_seconds)
        if step.outcome is StoreOutcome.LINK_EXPIRED:
            job, answer = world.stored(JOB_ID), answers[min(asked, len(answers) - 1)]
            attempt, asked = job.attempts[0], asked + 1
            now = world.clock()
            answered = attempt.with_known_links(now) if answer is None else attempt.after(answer, now)
            world.jobs.save(job.with_outcome(answered, now))
    raise AssertionError("it never ends")


def delivered_files(world: World) -> dict[int, bytes]:
    return {track.number: world.tracks.files[track.object_key][0] for track in world.stored(JOB_ID).tracks}


NEW: tuple[str, str] = ("https://new.test/x/1", "https://new.test/y/2")
"""Links to the two songs that look like any other link."""


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(AudioAt(other(LINKS[1]), (other(LINKS[0]),)), id="the other way round"),
        pytest.param(AudioAt(other(LINKS[1])), id="only the second"),
        pytest.param(AudioAt(other(LINKS[1]), missing=(1,)), id="the first without a link"),
        pytest.param(AudioAt(other(LINKS[1]), missing=(2,)), id="the first without a link, and last"),
        pytest.param(AudioAt(other(LINKS[0]), (other(LINKS[1]),)), id="in the same order"),
        pytest.param(AudioAt(*NEW[:1], NEW[1:]), id="under new paths"),
        pytest.param(AudioAt(NEW[1], NEW[:1]), id="under new paths, the other way round"),
        pytest.param(AudioAt(NEW[1]), id="under a new path, only the second"),
    ],
)
def test_a_renewed_link_leads_to_the_song_that_it_led_to_before(world: World, answer: AudioAt) -> None:
    with_two_songs(world)
    world.links.files |= {LINKS[1]: GONE, other(LINKS[0]): FIRST, other(LINKS[1]): SECOND}
    world.links.files |= dict(zip(NEW, (FIRST, SECOND), strict=True))
    took_s = play_with(world, answer)
    assert (delivered_files(world), took_s <= 10) == ({1: FIRST, 2: SECOND}, True)


def test_an_answer_with_one_new_link_leaves_the_other_songs_link_alone(world: World) -> None:
    with_two_songs(world)
    world.links.files = {LINKS[0]: GONE, LINKS[1]: GONE, other(LINKS[0]): FIRST}
    assert store(world) is StoreOutcome.LINK_EXPIRED
    world.links.files[LINKS[1]] = SECOND
    play_with(world, AudioAt(other(LINKS[0])))
    assert delivered_files(world) == {1: FIRST, 2: SECOND}


def test_a_dead_link_does_not_throw_away_the_other_songs_busy_one(world: World) -> None:
    with_two_songs(world)
    world.links.files = {LINKS[0]: GONE, LINKS[1]: BUSY}
    assert store(world) is StoreOutcome.LINK_EXPIRED
    world.links.files[LINKS[1]] = SECOND
    play_with(world, None)
    assert delivered_files(world) == {2: SECOND}


@pytest.mark.parametrize(
    "links",
    [
        pytest.param(LINKS, id="behind two links"),
        pytest.param((LINKS[0], other(LINKS[0])), id="behind one link with two queries"),
        pytest.param((LINKS[0], LINKS[0]), id="behind one link twice"),
    ],
)
def test_one_file_twice_is_one_song_and_paid_as_one(world: World, links: tuple[str, str]) -> None:
    job = with_two_songs(world, upstream_id=None)
    attempt = job.attempts[0].model_copy(update={"audio": Audio(source=AudioSource.LINKS, links=links)})
    two = job.candidates[0].model_copy(update={"songs": 2, "price_credits": 21})
    world.jobs.save(job.with_outcome(attempt, NOON).model_copy(update={"candidates": (two,)}))
    world.links.files = dict.fromkeys(links, FIRST)
    took_s = play(world)
    settled = settle(world.stored(JOB_ID), None, NOON)
    assert settled is not None
    (missing,) = settled.missing
    assert (delivered_files(world), settled.spent_credits, took_s) == ({1: FIRST}, 10, 255)
    assert (missing.number, missing.reason.failure_class, missing.reason.code) == (
        2,
        FailureClass.INCOMPLETE,
        "repeated_song",
    )
    assert world.answers.files == {}


def test_the_true_song_may_come_after_a_copy_of_the_first(world: World) -> None:
    with_two_songs(world)
    world.links.files[LINKS[1]] = FIRST
    assert store(world) is StoreOutcome.LINK_EXPIRED
    world.links.files |= {NEW[0]: FIRST, NEW[1]: SECOND}
    play_with(world, AudioAt(*NEW[:1], NEW[1:]))
    assert delivered_files(world) == {1: FIRST, 2: SECOND}


def test_a_song_that_another_job_delivered_is_not_delivered_as_a_missing_one(world: World) -> None:
    job = with_two_songs(world, upstream_id=None)
    known = {1: hashlib.sha256(FIRST).hexdigest()}
    wanted = job.attempts[0].model_copy(update={"wanted": (2,), "delivered": known})
    world.jobs.save(job.with_outcome(wanted, NOON))
    world.links.files = {LINKS[0]: SECOND, LINKS[1]: FIRST}
    assert store(world) is StoreOutcome.WAIT
    assert stored_numbers(world) == []
    # The link that brought the first song was the other one's.
    world.clock.pass_seconds(1)
    assert store(world) is StoreOutcome.STORED
    assert delivered_files(world) == {2: SECOND}


# ---- each song by its own trouble


def test_the_minutes_of_a_second_song_are_counted_from_when_the_first_was_stored(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files = dict.fromkeys(LINKS, BUSY)
    for _ in range(11):
        world.clock.pass_seconds(store_audio(JOB_ID, 1, store_ports(world.remaining_ms)).wait_seconds)
    assert world.clock.now - NOON > timedelta(minutes=13)
    world.links.files[LINKS[0]] = FIRST
    world.links.fetched.clear()
    took_s = play(world)
    assert (stored_numbers(world), took_s) == ([1], 255)
    assert len(world.links.fetched) == 1 + FETCHES_BESIDE_A_SONG


def test_a_pause_for_one_songs_host_holds_while_the_other_song_is_fetched(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files = {LINKS[0]: LinkTroubleError("busy", 503, retry_after_s=600), LINKS[1]: BUSY}
    began = world.clock.now
    fetched: dict[str, list[float]] = {link: [] for link in LINKS}
    while world.clock.now < began + timedelta(seconds=601):
        world.links.fetched.clear()
        step = store_audio(JOB_ID, 1, store_ports(world.remaining_ms))
        for _, url in world.links.fetched:
            fetched[url].append((world.clock.now - began).total_seconds())
        world.clock.pass_seconds(step.wait_seconds)
    assert fetched[LINKS[0]] == [0, 600]
    assert fetched[LINKS[1]][:6] == [0, 1, 3, 7, 15, 31]


def test_the_outcome_of_each_song_is_recorded_by_itself(world: World) -> None:
    with_two_songs(world, upstream_id=None)
    world.links.files = dict.fromkeys(LINKS, BUSY)
    play(world)
    assert set(world.answers.files) == {(JOB_ID, 1, "file.1"), (JOB_ID, 1, "file.2")}
