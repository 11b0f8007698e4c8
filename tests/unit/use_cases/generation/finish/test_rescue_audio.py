"""A song that was paid for and whose job ended without it is fetched until it lies in staging; nothing is ordered."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from fermata.domain.audio.container import MAX_AUDIO_BYTES
from fermata.domain.finish.redelivery import kept_files
from fermata.domain.finish.rescue import (
    KEPT_FOR,
    LAST_TRY_S,
    MOST_FETCHES,
    MOST_SAME_FILES,
    recoverables,
)
from fermata.domain.jobs.attempt import Attempt, AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Audio, AudioSource, MissingTrack, Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.calls import Refused
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import (
    AudioTooLargeError,
    BadAudioError,
    FermataError,
    LinkTroubleError,
    StaleRecordError,
    TransientError,
    UnsafeLinkError,
)
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.use_cases.generation.finish.rescue_audio import LEASE_MARGIN_S, RescueOutcome, rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring import generation
from fermata.wiring.generation import reap_ports, rescue_ports, settle_ports, start_ports, store_ports
from fermata.wiring.orders import delete_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    LINK,
    candidate,
    claimed_attempt,
    generating_job,
    hex_answer,
    json_answer,
    newer,
    queued_job,
    ready_job,
    stored_track,
)

AUDIO = b"ID3" + bytes(5000)
OTHER_AUDIO = AUDIO + b"of another song"
TASK_LINK = "https://cdn.aimlapi.com/song.mp3"
DONE = json_answer({"status": "completed", "audio_file": {"url": TASK_LINK}})
RUNNING = json_answer({"status": "generating"})
FAILED = json_answer({"status": "error", "error": {"message": "no"}})
BROKEN = ScriptedAnswer(b"<html>busy</html>", 503, "text/html")
DEAD = LinkTroubleError("the host answered 404", 404)
FIRST, SECOND = "https://cdn.test/first.mp3", "https://cdn.test/second.mp3"


def gave_up(job: Job, world: World | None = None) -> World:
    """A world in which this open job, whose song was paid for, has failed at noon, and its end is published."""
    world = world or World()
    world.jobs.create(job)
    settle_job(job.id, "States.Timeout", settle_ports(), world.clock())
    return world


def undelivered_task(*script: ScriptedAnswer | FermataError) -> World:
    return gave_up(generating_job(), World(upstream=FakeUpstream(*script)))


def undelivered_link() -> World:
    return gave_up(ready_job(LINK))


def two_songs(**changes: object) -> Job:
    """An open job whose provider made two songs, each behind its own link."""
    model = candidate().model_copy(update={"songs": 2})
    job = ready_job(FIRST)
    audio = job.attempts[0].audio
    assert audio is not None
    attempt = job.attempts[0].model_copy(update={"audio": audio.model_copy(update={"links": (FIRST, SECOND)})})
    return job.model_copy(update={"candidates": (model,), "attempts": (attempt,), **changes})


def run(world: World) -> RescueOutcome:
    return rescue_audio(JOB_ID, rescue_ports(world.remaining_ms))


def job_of(world: World) -> Job:
    return world.stored(JOB_ID)


def reap(world: World) -> dict[str, int]:
    return {what: count for what, count in reap_jobs(reap_ports(world.lose), world.clock()).items() if count}


def let_it_run(world: World, most_s: float = 200_000) -> list[datetime]:
    """Let time pass as the reaper sees it, minute by minute, and give back when runs began."""
    began: list[datetime] = []
    until = world.clock() + timedelta(seconds=most_s)
    while job_of(world).check_at is not None and world.clock() < until:
        seen = len(world.rescue_machine.started)
        reap(world)
        if len(world.rescue_machine.started) > seen:
            began.append(world.clock())
            run(world)
        world.clock.pass_seconds(60)
    return began


def kept(world: World, number: int = 1) -> bytes | None:
    return world.answers.files.get((JOB_ID, 1, f"file.{number}"))


# ---- which jobs


@pytest.mark.parametrize("job", [generating_job(), ready_job(LINK), two_songs()])
def test_a_job_that_ends_with_an_undelivered_paid_song_stays_in_the_rescue_index(job: Job) -> None:
    world = gave_up(job)
    ended = job_of(world)
    assert (ended.status, ended.publish_pending, ended.check_at) == (JobStatus.FAILED, False, NOON)
    assert [found.left for found in recoverables(ended)] == [tuple(range(1, ended.candidates[0].songs + 1))]


def test_a_job_that_expired_is_rescued_as_well() -> None:
    job = generating_job()
    deadline = NOON - timedelta(seconds=1)
    late = job.model_copy(update={"request": job.request.model_copy(update={"finish_by": deadline})})
    ended = job_of(gave_up(late))
    assert (ended.status, ended.check_at) == (JobStatus.EXPIRED, NOON)


def test_a_song_in_the_staged_answer_is_listed_and_never_fetched() -> None:
    ended = job_of(gave_up(ready_job()))
    assert ended.check_at is None
    assert [(found.staged, found.left) for found in recoverables(ended)] == [((1,), ())]


def test_a_staged_answer_that_proved_to_be_no_song_is_not_listed() -> None:
    failure = Failure(
        failure_class=FailureClass.BAD_AUDIO, provider_charged=ProviderCharged.YES, message="no song", code="bad_audio"
    )
    job = ready_job()
    given_up = job.with_asking(job.attempts[0], MissingTrack(number=1, reason=failure))
    assert recoverables(job_of(gave_up(given_up))) == ()


@pytest.mark.parametrize(
    "attempt",
    [
        {"provider_charged": ProviderCharged.NO, "upstream_id": "task"},
        {"provider_charged": ProviderCharged.UNKNOWN},
    ],
)
def test_an_attempt_that_cost_nothing_or_left_no_trace_is_not_rescued(attempt: dict[str, Any]) -> None:
    job = ready_job(LINK, audio=None, **attempt)
    ended = job_of(gave_up(job))
    assert (ended.rescue, ended.check_at) == (None, None)


def test_a_delivered_job_has_no_rescue_and_leaves_the_index() -> None:
    world = gave_up(ready_job().with_tracks((stored_track(),), NOON))
    ended = job_of(world)
    assert (ended.status, ended.rescue, ended.check_at) == (JobStatus.SUCCEEDED, None, None)


def test_only_the_missing_song_of_a_delivered_job_is_fetched() -> None:
    world = gave_up(two_songs().with_tracks((stored_track(),), NOON))
    world.links.files = {SECOND: AUDIO}
    let_it_run(world)
    job = job_of(world)
    assert (job.status, job.attempts[0].kept, world.links.fetched) == (JobStatus.SUCCEEDED, (2,), [("minimax", SECOND)])


def test_attempts_before_a_fallback_that_delivered_are_not_rescued() -> None:
    lost = claimed_attempt("aimlapi", state=AttemptState.FAILED, upstream_id="t", finished_at=NOON)
    song = ready_job().attempts[0].model_copy(update={"number": 2, "candidate": 1})
    job = ready_job().model_copy(update={"candidates": (candidate("aimlapi"), candidate()), "attempts": (lost, song)})
    assert recoverables(job_of(gave_up(job.with_tracks((stored_track(),), NOON)))) == ()


def test_every_attempt_of_a_failed_chain_that_may_be_billed_is_rescued() -> None:
    lost = claimed_attempt("aimlapi", state=AttemptState.FAILED, upstream_id="t", finished_at=NOON)
    song = ready_job(LINK).attempts[0].model_copy(update={"number": 2, "candidate": 1})
    chain = (candidate("aimlapi"), candidate())
    job = ready_job(LINK).model_copy(update={"candidates": chain, "attempts": (lost, song)})
    world = gave_up(job, World(upstream=FakeUpstream(DONE)))
    world.links.files = {TASK_LINK: AUDIO, LINK: AUDIO}
    let_it_run(world)
    assert [each.kept for each in job_of(world).attempts] == [(1,), (1,)]
    assert (kept(world), world.answers.files[JOB_ID, 2, "file.1"]) == (AUDIO, AUDIO)


# ---- the way of a rescued song


def test_a_link_that_works_again_is_fetched_into_staging_and_the_job_keeps_its_end() -> None:
    world = undelivered_link()
    before = job_of(world)
    told = list(world.events.published)
    world.links.files[LINK] = AUDIO
    let_it_run(world)
    job = job_of(world)
    assert (kept(world), job.attempts[0].kept, job.check_at) == (AUDIO, (1,), None)
    same = {"rescue", "attempts", "check_at", "version"}
    assert job.model_dump(exclude=same) == before.model_dump(exclude=same)
    assert (world.events.published, world.upstream.sent, world.tracks.files) == (told, [], {})
    assert world.wallets.find("acme").held == 0  # type: ignore[union-attr]  # it is funded


def test_a_task_is_polled_for_a_new_link_and_never_ordered_again() -> None:
    world = undelivered_task(BROKEN, RUNNING, DONE)
    world.links.files[TASK_LINK] = AUDIO
    let_it_run(world)
    assert (kept(world), world.upstream.posts, len(world.upstream.sent)) == (AUDIO, 0, 3)


def test_a_task_that_is_not_done_for_hours_is_polled_until_it_is() -> None:
    world = undelivered_task(*[RUNNING] * 9, DONE)
    world.links.files[TASK_LINK] = AUDIO
    began = let_it_run(world)
    assert kept(world) == AUDIO
    assert began[-1] - NOON > timedelta(hours=2)
    assert job_of(world).rescue.songs[0].fetches == 1  # type: ignore[union-attr]  # it has one


def test_pauses_begin_at_a_minute_and_double_up_to_half_an_hour() -> None:
    world = undelivered_link()
    world.links.files[LINK] = DEAD
    began = let_it_run(world, 6 * 3600)
    gaps = [(each - NOON).total_seconds() for each in began[:1]]
    gaps += [(after - before).total_seconds() for before, after in pairwise(began)]
    assert gaps[:7] == [60, 120, 240, 480, 960, 1800, 1800]


def test_a_host_may_request_a_longer_pause() -> None:
    world = undelivered_link()
    world.links.files[LINK] = LinkTroubleError("busy", 503, retry_after_s=7200)
    assert run(world) is RescueOutcome.FETCHED
    assert job_of(world).check_at == NOON + timedelta(seconds=7200)


def test_links_on_record_are_fetched_while_the_task_reports_nothing() -> None:
    world = gave_up(ready_job(LINK, upstream_id="task", dialect="aimlapi"), World(upstream=FakeUpstream(BROKEN)))
    world.links.files[LINK] = AUDIO
    run(world)
    assert kept(world) == AUDIO


def test_every_song_is_fetched_by_itself() -> None:
    world = gave_up(two_songs())
    world.links.files = {FIRST: AUDIO, SECOND: DEAD}
    run(world)
    assert job_of(world).attempts[0].kept == (1,)
    world.links.files[SECOND] = AUDIO + b"2"
    world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    run(world)
    assert (job_of(world).attempts[0].kept, kept(world, 2)) == ((1, 2), AUDIO + b"2")
    assert [url for _, url in world.links.fetched] == [FIRST, SECOND, SECOND]


def test_a_run_without_time_for_another_song_leaves_it_to_the_next_one() -> None:
    world = gave_up(two_songs())
    world.links.files = {FIRST: AUDIO, SECOND: OTHER_AUDIO}
    world.remaining_s = 300
    run(world)
    job = job_of(world)
    assert (job.attempts[0].kept, job.check_at) == ((1,), NOON + timedelta(seconds=1))
    assert job.rescue.song(1, 2).fetches == 0  # type: ignore[union-attr]  # it has one


# ---- bytes are kept


def test_a_file_that_cannot_be_measured_is_kept_and_fetched_again() -> None:
    world = undelivered_link()
    world.links.files[LINK] = b"half of a song"
    world.meter.failure = BadAudioError("no song")
    run(world)
    job = job_of(world)
    (found,) = recoverables(job)
    assert (kept(world), job.attempts[0].kept, found.odd, found.left) == (b"half of a song", (), (1,), (1,))
    world.links.files[LINK], world.meter.failure = AUDIO, None
    world.clock.now = job.check_at  # type: ignore[assignment]  # it waits
    run(world)
    assert (kept(world), recoverables(job_of(world))[0].staged) == (AUDIO, (1,))


def test_a_kept_file_that_is_no_song_is_never_replaced_by_a_smaller_one() -> None:
    world = undelivered_link()
    world.answers.files[JOB_ID, 1, "file.1"] = bytes(100)
    world.links.files[LINK] = bytes(99)
    world.meter.failure = BadAudioError("no song")
    run(world)
    assert kept(world) == bytes(100)


def test_a_whole_file_is_never_replaced_by_a_part_of_one() -> None:
    world = undelivered_link()
    world.links.files[LINK], world.meter.failure = b"odd", BadAudioError("no song")
    run(world)
    world.links.files[LINK] = DEAD
    world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    run(world)
    assert (kept(world), recoverables(job_of(world))[0].odd) == (b"odd", (1,))


def test_the_part_that_arrived_is_kept() -> None:
    world = undelivered_link()
    world.links.files[LINK] = DEAD
    run(world)
    (found,) = recoverables(job_of(world))
    assert (kept(world), found.staged, found.odd) == (b"the beginning", (), ())


def test_a_song_that_could_not_be_kept_is_fetched_again() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    world.answers.fail_next_keep_file = TransientError("S3 is away")
    run(world)
    assert job_of(world).attempts[0].kept == ()
    let_it_run(world)
    assert kept(world) == AUDIO


# ---- bounds


@pytest.mark.parametrize("trouble", [DEAD, UnsafeLinkError("a private address"), AudioTooLargeError("too long")])
def test_a_song_is_fetched_thirty_times_at_most(trouble: FermataError) -> None:
    world = undelivered_link()
    world.set(RESULT_LIFE_SECONDS=str(10 * 86_400))
    world.links.files[LINK] = trouble
    let_it_run(world, 20 * 86_400)
    job = job_of(world)
    assert (len(world.links.fetched), job.check_at) == (MOST_FETCHES, None)
    assert ("RescuesGivenUp", "minimax") in world.metrics.counted


def test_a_song_is_given_up_once_twice_the_size_bound_was_received(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = undelivered_link()
    shipped = rescue_ports(world.remaining_ms).policy
    assert shipped.most_bytes == 2 * MAX_AUDIO_BYTES
    monkeypatch.setattr(generation, "_rescue_policy", lambda _settings: replace(shipped, most_bytes=2 * 4000))
    world.links.files[LINK] = bytes(3000)
    world.meter.failure = BadAudioError("no song")
    let_it_run(world)
    job = job_of(world)
    assert (len(world.links.fetched), job.rescue.song(1, 1).received_bytes) == (3, 8000)  # type: ignore[union-attr]
    assert job.check_at is None


def test_a_file_beyond_the_size_bound_counts_with_what_arrived() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AudioTooLargeError("too long")
    run(world)
    (found,) = recoverables(job_of(world))
    assert (job_of(world).rescue.song(1, 1).received_bytes, found.odd) == (len(b"the beginning"), ())  # type: ignore[union-attr]


def test_nothing_is_fetched_once_the_result_would_have_expired() -> None:
    world = undelivered_link()
    world.links.files[LINK] = DEAD
    world.clock.now = NOON + timedelta(days=1)
    assert run(world) is RescueOutcome.NOTHING_LEFT
    assert (world.links.fetched, job_of(world).check_at) == ([], None)
    assert recoverables(job_of(world)) == ()


def test_a_provider_that_never_delivers_costs_a_bounded_number_of_polls() -> None:
    world = undelivered_task(*[RUNNING] * 60)
    began = let_it_run(world)
    assert (len(world.upstream.sent), world.upstream.posts) == (len(began), 0)
    assert len(began) <= 55
    assert (job_of(world).check_at, began[-1] < NOON + timedelta(days=1)) == (None, True)


def test_a_final_status_of_the_task_ends_its_attempt() -> None:
    world = undelivered_task(FAILED)
    assert len(let_it_run(world)) == 1
    job = job_of(world)
    assert (job.check_at, recoverables(job)) == (None, ())
    assert world.metrics.counted.count(("RescuesGivenUp", "aimlapi")) == 0


def test_an_attempt_that_the_bill_does_not_list_is_not_fetched_any_more() -> None:
    world = undelivered_link()
    world.jobs.save(job_of(world).with_bills({1: ProviderCharged.NO}, NOON))
    let_it_run(world)
    assert (world.links.fetched, job_of(world).check_at) == ([], None)


# ---- several runs


def test_one_of_two_simultaneous_runs_fetches() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    world.jobs.before_next_save = lambda: run(world)
    assert run(world) is RescueOutcome.NOTHING_LEFT
    assert (len(world.links.fetched), kept(world), world.rescue_slots.taken) == (1, AUDIO, {})


def test_a_run_beside_one_that_fetches_ends_at_once() -> None:
    world = undelivered_link()
    meanwhile: list[RescueOutcome] = []

    class Links:
        def fetch(self, _provider: str, _url: str) -> Iterator[bytes]:
            meanwhile.append(run(world))
            yield AUDIO

    world.links = Links()  # type: ignore[assignment]  # a fetch beside which another run begins
    assert (run(world), meanwhile) == (RescueOutcome.FETCHED, [RescueOutcome.NOTHING_LEFT])


class KilledError(BaseException):
    """The process is gone: nothing that it would do afterwards is done."""


def killed(world: World, when: str = "fetch") -> None:
    """A run that is killed while it fetches, or right after the file was kept."""

    class Links:
        def fetch(self, _provider: str, _url: str) -> Iterator[bytes]:
            yield AUDIO
            raise KilledError

    def kill() -> None:
        raise KilledError

    links = world.links
    if when == "fetch":
        world.links = Links()  # type: ignore[assignment]  # a fetch amid which the process ends
    else:
        world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", kill)
    ports = rescue_ports(world.remaining_ms)

    class Slots:
        def take(self, *about: Any) -> int | None:  # noqa: ANN401 - as the port
            return world.rescue_slots.take(*about)

        def give_back(self, slot: int, holder: str) -> None:
            """A killed run gives nothing back."""

    with pytest.raises(KilledError):
        rescue_audio(JOB_ID, replace(ports, slots=Slots()))
    world.links = links


def test_a_killed_run_is_followed_by_another_once_its_lease_has_run_out() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    world.remaining_s = 600
    killed(world)
    lease = timedelta(seconds=600 + LEASE_MARGIN_S)
    assert (job_of(world).check_at, len(world.rescue_slots.taken)) == (NOON + lease, 1)
    world.clock.now = NOON + lease - timedelta(seconds=1)
    assert (run(world), reap(world)) == (RescueOutcome.NOTHING_LEFT, {})
    world.clock.now = NOON + lease
    assert reap(world) == {"due": 1, "rescued": 1}
    assert run(world) is RescueOutcome.FETCHED
    assert (kept(world), world.rescue_slots.taken) == (AUDIO, {})


def test_runs_that_are_killed_again_and_again_come_to_an_end() -> None:
    world = undelivered_link()
    world.set(RESULT_LIFE_SECONDS=str(10 * 86_400))
    for _ in range(MOST_FETCHES):
        killed(world)
        world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    assert (run(world), job_of(world).check_at) == (RescueOutcome.NOTHING_LEFT, None)


def test_a_run_that_finds_no_slot_is_postponed_by_a_minute() -> None:
    world = undelivered_link()
    for holder in ("a", "b"):
        world.rescue_slots.take(holder, NOON + timedelta(hours=1), NOON)
    assert run(world) is RescueOutcome.NO_SLOT
    assert (job_of(world).check_at, world.links.fetched) == (NOON + timedelta(seconds=60), [])
    assert job_of(world).rescue.rounds == 0  # type: ignore[union-attr]  # it has one


def test_a_run_records_its_result_although_others_write_the_job_meanwhile() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO

    def reconcile() -> None:
        world.jobs.save(job_of(world).with_bills({1: ProviderCharged.YES}, NOON))

    world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", reconcile)
    assert run(world) is RescueOutcome.FETCHED
    attempt = job_of(world).attempts[0]
    assert (attempt.kept, attempt.reconciled_at) == ((1,), NOON)


def test_a_run_that_loses_every_write_fails_and_is_repeated_after_its_lease() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO

    def overtake() -> None:
        world.jobs.before_next_save = None
        world.jobs.save(newer(job_of(world)))
        world.jobs.before_next_save = overtake

    world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", overtake)
    with pytest.raises(StaleRecordError):
        run(world)
    world.jobs.before_next_save = None
    let_it_run(world)
    assert job_of(world).attempts[0].kept == (1,)


# ---- the reaper only starts


def test_the_reaper_starts_each_run_under_its_own_name() -> None:
    world = undelivered_link()
    assert reap(world) == {"due": 1, "put_off": 1}
    world.clock.pass_seconds(60)
    assert reap(world) == {"due": 1, "rescued": 1}
    assert (world.links.fetched, reap(world)) == ([], {})
    # The run left no trace.
    world.clock.pass_seconds(60)
    assert reap(world) == {"due": 1, "rescued": 1}
    assert world.rescue_machine.started == [(JOB_ID, 1), (JOB_ID, 2)]


def test_a_run_that_could_not_be_started_is_started_later() -> None:
    world = undelivered_link()
    world.clock.pass_seconds(60)
    world.rescue_machine.failure = TransientError("Step Functions is away")
    assert reap(world) == {"due": 1, "lost": 1}
    world.rescue_machine.failure = None
    world.clock.pass_seconds(60)
    assert reap(world) == {"due": 1, "rescued": 1}


def test_the_end_is_published_before_anything_is_rescued() -> None:
    world = World()
    world.jobs.create(ready_job(LINK))
    world.events.failure = TransientError("the bus is away")
    with pytest.raises(TransientError):
        settle_job(JOB_ID, None, settle_ports(), NOON)
    assert (job_of(world).publish_pending, run(world)) == (True, RescueOutcome.NOTHING_LEFT)
    world.events.failure = None
    world.clock.pass_seconds(60)
    assert reap(world) == {"due": 1, "settled": 1}
    assert (job_of(world).publish_pending, job_of(world).check_at is None) == (False, False)


# ---- DELETE


def test_a_deleted_job_is_never_rescued() -> None:
    world = undelivered_link()
    delete_job(JOB_ID, "acme", delete_ports(), world.clock())
    assert (job_of(world).check_at, run(world)) == (None, RescueOutcome.NOTHING_LEFT)
    assert world.links.fetched == []


@pytest.mark.parametrize("moment", ["while_fetching", "before_noting"])
def test_a_job_that_is_deleted_during_a_rescue_keeps_nothing(moment: str) -> None:
    world = undelivered_link()

    def delete() -> None:
        delete_job(JOB_ID, "acme", delete_ports(), world.clock())

    class Links:
        def fetch(self, _provider: str, _url: str) -> Iterator[bytes]:
            if moment == "while_fetching":
                delete()
            yield AUDIO

    world.links = Links()  # type: ignore[assignment]  # a fetch amid which the job is deleted
    if moment == "before_noting":
        world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", delete)
    assert run(world) is RescueOutcome.DELETED
    assert (world.answers.files, world.rescue_slots.taken) == ({}, {})
    assert world.metrics.counted.count(("RecoverableSongs", "minimax")) == 0


def test_a_deletion_that_a_rescue_overtakes_deletes_what_the_rescue_kept() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    world.jobs.before_next_save = lambda: run(world)
    delete_job(JOB_ID, "acme", delete_ports(), world.clock())
    assert (world.answers.files, job_of(world).deleted_at, job_of(world).check_at) == ({}, NOON, None)


def test_files_that_a_killed_run_kept_for_a_deleted_job_are_deleted_after_its_lease() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    world.remaining_s = 600
    killed(world, "after_keeping")
    file = world.answers.files[JOB_ID, 1, "file.1"]
    delete_job(JOB_ID, "acme", delete_ports(), world.clock())
    world.answers.files[JOB_ID, 1, "file.1"] = file
    world.clock.pass_seconds(600 + LEASE_MARGIN_S)
    assert reap(world) == {"due": 1, "rescued": 1}
    assert run(world) is RescueOutcome.DELETED
    assert (world.answers.files, job_of(world).check_at) == ({}, None)


def test_deleting_a_rescued_job_deletes_its_file() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    run(world)
    delete_job(JOB_ID, "acme", delete_ports(), world.clock())
    assert (world.answers.files, recoverables(job_of(world)), job_of(world).attempts[0].kept) == ({}, (), ())


# ---- an answer that came too late


def test_a_task_that_a_late_answer_named_is_polled() -> None:
    task = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
    world = World(upstream=FakeUpstream(task, DONE))
    world.jobs.create(queued_job("aimlapi"))

    def written_off() -> None:
        world.clock.pass_seconds(961)
        settle_job(JOB_ID, "States.Timeout", settle_ports(), world.clock())

    world.upstream.while_sending = written_off
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    assert (job_of(world).attempts[0].late, job_of(world).attempts[0].upstream_id) == (True, "uuid:minimax/music-2.0")
    world.links.files[TASK_LINK] = AUDIO
    let_it_run(world)
    assert (kept(world), world.upstream.posts) == (AUDIO, 1)


# ---- what the operator sees


def test_a_rescued_song_is_counted_with_what_it_cost() -> None:
    world = gave_up(two_songs(attempts=(_costly(two_songs().attempts[0]),)))
    world.links.files = {FIRST: AUDIO, SECOND: OTHER_AUDIO}
    run(world)
    assert world.metrics.counted.count(("RecoverableSongs", "minimax")) == 2
    assert world.metrics.micro_usd.count(("RecoverableUsd", "minimax", 75_000)) == 2


def test_what_is_kept_is_kept_thirty_days() -> None:
    world = undelivered_link()
    world.links.files[LINK] = AUDIO
    run(world)
    assert recoverables(job_of(world))[0].kept_until == NOON + KEPT_FOR


def _costly(attempt: Attempt) -> Attempt:
    return attempt.model_copy(update={"cost_micro_usd": 150_000})


def test_a_failed_poll_of_the_job_is_no_final_status() -> None:
    """The job's own end says why it gave up; the task is polled all the same."""
    job = generating_job()
    failure = Failure(
        failure_class=FailureClass.INCOMPLETE, provider_charged=ProviderCharged.YES, message="done without a link"
    )
    ended = job.with_outcome(job.attempts[0].after(Refused(failure), NOON), NOON)
    world = gave_up(ended, World(upstream=FakeUpstream(DONE)))
    world.links.files[TASK_LINK] = AUDIO
    let_it_run(world)
    assert kept(world) == AUDIO


def test_a_song_in_a_staged_answer_is_not_requested() -> None:
    world = World(upstream=FakeUpstream(hex_answer(AUDIO)))
    world.jobs.create(queued_job())
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    settle_job(JOB_ID, "TransientError", settle_ports(), NOON)
    assert (job_of(world).check_at, len(world.upstream.sent)) == (None, 1)


# ---- one file is one song


def copies_of_the_first(world: World, *links: str) -> World:
    world.links.files = dict.fromkeys((FIRST, SECOND, *links), AUDIO)
    return world


def test_a_copy_of_a_delivered_song_is_not_kept_as_the_missing_one() -> None:
    track = stored_track().model_copy(update={"sha256": hashlib.sha256(AUDIO).hexdigest()})
    world = copies_of_the_first(gave_up(two_songs().with_tracks((track,), NOON)))
    run(world)
    job = job_of(world)
    assert (job.attempts[0].kept, kept(world, 2), recoverables(job)[0].left) == ((), None, (2,))


def test_one_file_behind_two_links_is_kept_as_one_song() -> None:
    world = copies_of_the_first(gave_up(two_songs()))
    let_it_run(world)
    job = job_of(world)
    assert (job.attempts[0].kept, kept(world, 2), job.check_at) == ((1,), None, None)
    assert len(world.links.fetched) == 1 + MOST_SAME_FILES


def test_a_second_song_that_arrives_after_copies_of_the_first_is_kept() -> None:
    world = copies_of_the_first(gave_up(two_songs()))
    run(world)
    world.links.files = dict.fromkeys((FIRST, SECOND), OTHER_AUDIO)
    let_it_run(world)
    assert (job_of(world).attempts[0].kept, kept(world, 2)) == ((1, 2), OTHER_AUDIO)


def test_links_in_reversed_order_bring_both_songs() -> None:
    first = gave_up(two_songs().with_tracks((_track_of(AUDIO),), NOON))
    first.links.files = {FIRST: OTHER_AUDIO, SECOND: AUDIO}
    let_it_run(first)
    assert (job_of(first).attempts[0].kept, kept(first, 2)) == ((2,), OTHER_AUDIO)


def test_a_song_that_an_earlier_job_of_the_order_delivered_is_not_kept() -> None:
    attempt = (
        two_songs().attempts[0].model_copy(update={"wanted": (2,), "delivered": {1: hashlib.sha256(AUDIO).hexdigest()}})
    )
    world = copies_of_the_first(gave_up(two_songs(attempts=(attempt,))))
    run(world)
    assert (job_of(world).attempts[0].kept, world.answers.files) == ((), {})


def _track_of(audio: bytes) -> Track:
    return stored_track().model_copy(update={"sha256": hashlib.sha256(audio).hexdigest()})


def test_a_link_that_a_task_gave_once_is_fetched_again_while_the_task_reports_nothing() -> None:
    world = undelivered_task(DONE, BROKEN)
    world.links.files[TASK_LINK] = DEAD
    run(world)
    world.links.files[TASK_LINK] = AUDIO
    world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    run(world)
    assert (kept(world), len(world.upstream.sent)) == (AUDIO, 2)


def test_a_known_link_is_still_fetched_after_a_final_status_of_its_task() -> None:
    world = gave_up(ready_job(LINK, upstream_id="task", dialect="aimlapi"), World(upstream=FakeUpstream(FAILED)))
    world.links.files[LINK] = DEAD
    run(world)
    world.links.files[LINK] = AUDIO
    let_it_run(world)
    assert (kept(world), len(world.upstream.sent)) == (AUDIO, 1)


def test_a_song_without_a_link_is_given_up_with_its_task_whatever_the_others_have() -> None:
    audio = Audio(source=AudioSource.LINKS, links=(FIRST,), without_link=(2,))
    attempt = two_songs().attempts[0].model_copy(update={"audio": audio, "upstream_id": "task", "dialect": "aimlapi"})
    world = gave_up(two_songs(attempts=(attempt,)), World(upstream=FakeUpstream(FAILED)))
    world.links.files[FIRST] = AUDIO
    run(world)
    assert (job_of(world).attempts[0].kept, job_of(world).check_at) == ((1,), None)


# ---- a whole file that no meter takes


def odd_from_the_job(length: int = 300, *, link_dies: bool = False) -> World:
    """A world whose job gave up a song of which a whole file came that is none, and which therefore is kept."""
    world = World()
    world.jobs.create(ready_job(LINK))
    world.links.files[LINK], world.meter.failure = bytes(length), BadAudioError("no song")
    while (found := store_audio(JOB_ID, 1, store_ports(world.remaining_ms))).outcome is StoreOutcome.WAIT:
        world.clock.pass_seconds(found.wait_seconds)
    settle_job(JOB_ID, None, settle_ports(), world.clock())
    world.links.fetched.clear()
    if link_dies:
        world.links.files[LINK] = DEAD
    return world


def test_a_bad_file_that_the_job_kept_can_be_redelivered_without_any_rescue() -> None:
    world = odd_from_the_job()
    world.clock.pass_seconds(86_400)
    assert run(world) is RescueOutcome.NOTHING_LEFT
    (found,) = recoverables(job_of(world))
    assert (found.odd, kept_files(job_of(world), found.attempt), world.links.fetched) == ((1,), (1,), [])


@pytest.mark.parametrize("link_dies", [False, True])
def test_a_bad_file_that_the_job_kept_is_listed_at_once_and_redelivered_in_the_end(link_dies: bool) -> None:
    world = odd_from_the_job(link_dies=link_dies)
    (found,) = recoverables(job_of(world))
    assert (found.odd, kept(world)) == ((1,), bytes(300))
    let_it_run(world)
    (found,) = recoverables(job_of(world))
    assert (found.odd, found.left, kept_files(job_of(world), found.attempt)) == ((1,), (), (1,))
    assert kept(world) == bytes(300)


def test_a_whole_file_as_long_as_the_kept_one_is_odd_too() -> None:
    world = undelivered_link()
    world.answers.files[JOB_ID, 1, "file.1"] = bytes(300)
    world.links.files[LINK], world.meter.failure = b"x" * 300, BadAudioError("no song")
    run(world)
    assert (kept(world), recoverables(job_of(world))[0].odd) == (b"x" * 300, (1,))


def test_the_same_bad_file_is_fetched_a_few_times_and_a_different_one_counts_anew() -> None:
    world = odd_from_the_job()
    began = let_it_run(world)
    assert (len(world.links.fetched), began[-1] - began[0] < timedelta(hours=2)) == (MOST_SAME_FILES, True)
    world.leave()
    other = odd_from_the_job()
    run(other)
    other.links.files[LINK] = bytes(200)
    other.clock.now = job_of(other).check_at  # type: ignore[assignment]  # it waits
    run(other)
    assert job_of(other).rescue.song(1, 1).same_files == 1  # type: ignore[union-attr]  # it has one


# ---- wishes of providers and hosts


DAY = timedelta(days=1)
LAST_TRY = NOON + DAY - timedelta(seconds=LAST_TRY_S)


@pytest.mark.parametrize("asked_s", [86_400, 10**9])
def test_a_host_that_requests_too_long_a_pause_is_called_for_the_last_time_shortly_before_the_end(asked_s: int) -> None:
    world = undelivered_link()
    world.links.files[LINK] = LinkTroubleError("busy", 503, retry_after_s=asked_s)
    run(world)
    assert job_of(world).check_at == LAST_TRY
    world.links.files[LINK], world.clock.now = AUDIO, LAST_TRY
    run(world)
    assert (kept(world), job_of(world).check_at) == (AUDIO, None)


def test_a_provider_that_requests_too_long_a_pause_is_polled_for_the_last_time_shortly_before_the_end() -> None:
    world = undelivered_task(ScriptedAnswer(b"{}", 429, retry_after_s=86_400), DONE)
    run(world)
    assert job_of(world).check_at == LAST_TRY
    world.links.files[TASK_LINK], world.clock.now = AUDIO, LAST_TRY
    run(world)
    assert kept(world) == AUDIO


def test_a_host_that_never_returns_the_file_is_called_for_the_last_time_and_given_up() -> None:
    world = undelivered_link()
    world.links.files[LINK] = LinkTroubleError("busy", 503, retry_after_s=7200)
    began = let_it_run(world)
    assert (began[-1], job_of(world).check_at, recoverables(job_of(world))) == (LAST_TRY, None, ())


def test_a_pause_for_one_attempt_does_not_delay_another_attempt() -> None:
    lost = claimed_attempt("aimlapi", state=AttemptState.FAILED, upstream_id="t", finished_at=NOON)
    song = ready_job(LINK).attempts[0].model_copy(update={"number": 2, "candidate": 1})
    chain = (candidate("aimlapi"), candidate())
    job = ready_job(LINK).model_copy(update={"candidates": chain, "attempts": (lost, song)})
    leave_me = ScriptedAnswer(b"{}", 429, retry_after_s=86_400)
    world = gave_up(job, World(upstream=FakeUpstream(leave_me)))
    world.links.files = {LINK: DEAD}
    run(world)
    assert job_of(world).check_at == NOON + timedelta(seconds=120)
    world.links.files = {LINK: AUDIO}
    world.clock.pass_seconds(120)
    run(world)
    rescued = job_of(world)
    assert ([each.kept for each in rescued.attempts], rescued.check_at) == ([(), (1,)], LAST_TRY)
    assert len(world.upstream.sent) == 1


def test_a_pause_for_one_songs_host_does_not_delay_another_song() -> None:
    world = gave_up(two_songs())
    world.links.files = {FIRST: LinkTroubleError("busy", 503, retry_after_s=7200), SECOND: DEAD}
    run(world)
    world.links.files[SECOND] = AUDIO
    world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    run(world)
    job = job_of(world)
    assert (job.attempts[0].kept, job.check_at) == ((2,), NOON + timedelta(seconds=7200))
    assert [url for _, url in world.links.fetched] == [FIRST, SECOND, SECOND]
    assert job.rescue.song(1, 1).fetches == 1  # type: ignore[union-attr]  # it has one


def test_a_pause_for_a_task_does_not_delay_fetching_a_known_link() -> None:
    leave_me = ScriptedAnswer(b"{}", 429, retry_after_s=7200)
    world = gave_up(ready_job(LINK, upstream_id="task", dialect="aimlapi"), World(upstream=FakeUpstream(leave_me)))
    world.links.files[LINK] = DEAD
    run(world)
    world.links.files[LINK] = AUDIO
    world.clock.now = job_of(world).check_at  # type: ignore[assignment]  # it waits
    run(world)
    assert (kept(world), world.clock.now, len(world.upstream.sent)) == (AUDIO, NOON + timedelta(seconds=120), 1)


def test_a_run_before_any_song_is_due_fetches_nothing_and_changes_no_due_time() -> None:
    world = undelivered_link()
    world.links.files[LINK] = LinkTroubleError("busy", 503, retry_after_s=7200)
    run(world)
    world.clock.pass_seconds(100)
    assert run(world) is RescueOutcome.NOTHING_LEFT
    assert (len(world.links.fetched), job_of(world).check_at) == (1, NOON + timedelta(seconds=7200))
