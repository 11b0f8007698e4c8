"""What a rescue brought, or could not bring, is redelivered; no provider is called for what is kept."""

import hashlib
from datetime import timedelta

import pytest

from fermata.domain.finish.rescue import recoverables
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import AlreadyFinishedError, BadAudioError, TransientError
from fermata.use_cases.generation.finish.rescue_audio import RescueOutcome, rescue_audio
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.redeliver import redeliver
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring.generation import poll_ports, rescue_ports, settle_ports, start_ports, store_ports
from fermata.wiring.operator import manage_ports
from fermata.wiring.orders import delete_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import JOB_ID, LINK, candidate, claimed_attempt, generating_job, newer, ready_job, stored_track
from tests.unit.use_cases.generation.finish.test_rescue_audio import (
    AUDIO,
    BROKEN,
    DEAD,
    DONE,
    FIRST,
    OTHER_AUDIO,
    SECOND,
    TASK_LINK,
    gave_up,
    job_of,
    run,
    two_songs,
)


def rescued(job: Job, world: World | None = None, **files: bytes) -> World:
    """A world in which this job failed and a rescue brought its files; every provider is down by now."""
    world = gave_up(job, world)
    world.links.files = {LINK: AUDIO, TASK_LINK: AUDIO, FIRST: AUDIO, **files}
    assert run(world) is RescueOutcome.FETCHED
    world.links.files = dict.fromkeys(world.links.files, DEAD)
    world.links.fetched.clear()
    world.upstream.script, world.upstream.sent = [], []
    world.clock.pass_seconds(20 * 86_400)
    return world


def again(world: World, job_id: str = JOB_ID) -> Job:
    return world.stored(str(redeliver(job_id, manage_ports().redeliver, world.clock())["job_id"]))


def run_to_its_end(world: World, job: Job) -> Job:
    verdict = start_generation(job.id, start_ports(world.remaining_ms), "run-1")
    assert (verdict.kind, verdict.attempt) == (StepKind.READY, 1)
    assert store_audio(job.id, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    settle_job(job.id, None, settle_ports(), world.clock())
    return world.stored(job.id)


@pytest.mark.parametrize(
    ("job", "price"), [(ready_job(LINK), 30), (generating_job(), 39)], ids=["by its link", "by its task"]
)
def test_a_rescued_song_is_redelivered_with_every_provider_down(job: Job, price: int) -> None:
    world = rescued(job, World(upstream=FakeUpstream(DONE)))
    new = again(world)
    assert (new.status, new.attempts[0].kept, new.attempts[0].state) == (JobStatus.STORING, (1,), AttemptState.READY)
    ended = run_to_its_end(world, new)
    assert (ended.status, ended.charged, ended.spent_credits) == (JobStatus.SUCCEEDED, Charged.YES, price)
    assert (world.tracks.files[f"tracks/{new.id}/1.mp3"][0], world.links.fetched) == (AUDIO, [])
    assert world.upstream.sent == []
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert (wallet.held, wallet.spent) == (0, price)


def test_a_redelivered_job_leaves_the_list_and_is_not_rescued_any_more() -> None:
    world = gave_up(two_songs())
    world.links.files = {FIRST: AUDIO, SECOND: DEAD}
    run(world)
    assert job_of(world).check_at is not None
    new = again(world)
    first = job_of(world)
    assert (recoverables(first), first.check_at) == ((), None)
    assert first.rescue is not None
    assert first.rescue.redelivered_as == new.id
    assert run(world) is RescueOutcome.NOTHING_LEFT
    assert again(world) == new


def test_a_rescue_that_a_redelivery_overtakes_records_its_file_and_waits_for_nothing() -> None:
    world = gave_up(generating_job(), World(upstream=FakeUpstream(DONE)))
    world.links.files = {TASK_LINK: AUDIO}
    world.jobs.after_next_save = lambda: setattr(world.jobs, "before_next_save", lambda: again(world))
    run(world)
    first = job_of(world)
    assert (first.attempts[0].kept, first.check_at, recoverables(first)) == ((1,), None, ())


def test_a_redelivery_whose_note_was_lost_notes_it_the_next_time() -> None:
    world = rescued(ready_job(LINK))
    failing = TransientError("the answer was lost")
    world.machine.failure = failing
    with pytest.raises(TransientError):
        again(world)
    assert recoverables(job_of(world))
    world.machine.failure = None
    again(world)
    assert recoverables(job_of(world)) == ()


def test_a_redelivery_is_noted_although_others_write_the_job_meanwhile() -> None:
    world = rescued(ready_job(LINK))
    world.jobs.before_next_save = lambda: world.jobs.save(newer(job_of(world)))
    again(world)
    assert recoverables(job_of(world)) == ()


def test_a_task_on_record_is_polled_again_where_nothing_is_kept() -> None:
    world = gave_up(generating_job())
    new = again(world)
    assert (new.status, new.attempts[0].state) == (JobStatus.GENERATING, AttemptState.GENERATING)
    world.upstream.script = [DONE]
    world.links.files = {TASK_LINK: AUDIO}
    assert poll_generation(new.id, 1, poll_ports()).kind is StepKind.READY
    assert run_to_its_end(world, new).status is JobStatus.SUCCEEDED
    assert world.upstream.posts == 0


def test_links_on_record_are_fetched_where_nothing_is_kept() -> None:
    world = gave_up(ready_job(LINK))
    world.links.files = {LINK: AUDIO}
    assert run_to_its_end(world, again(world)).status is JobStatus.SUCCEEDED
    assert world.upstream.sent == []


def test_an_attempt_that_cost_nothing_is_not_polled() -> None:
    job = gave_up(ready_job(LINK, provider_charged=ProviderCharged.NO))
    with pytest.raises(AlreadyFinishedError, match="no task and no link is on record"):
        again(job)


def test_a_kept_file_takes_precedence_over_a_newer_task() -> None:
    kept = ready_job(LINK).attempts[0].model_copy(update={"kept": (1,)})
    task = claimed_attempt("aimlapi", 2, state=AttemptState.FAILED, upstream_id="t", finished_at=NOON, candidate=1)
    chain = (candidate(), candidate("aimlapi"))
    world = gave_up(ready_job(LINK).model_copy(update={"candidates": chain, "attempts": (kept, task)}))
    new = again(world)
    assert (new.attempts[0].provider, new.attempts[0].kept, new.price_credits) == ("minimax", (1,), 30)


def test_a_file_that_cannot_be_measured_is_redelivered_once_nothing_better_is_fetched() -> None:
    world = gave_up(ready_job(LINK))
    world.links.files, world.meter.failure = {LINK: AUDIO}, BadAudioError("no song")
    run(world)
    world.clock.pass_seconds(86_400)
    run(world)
    assert job_of(world).check_at is None
    world.links.files, world.meter.failure = {LINK: DEAD}, None
    assert run_to_its_end(world, again(world)).status is JobStatus.SUCCEEDED


# ---- several songs and money


def test_the_missing_song_of_a_delivered_job_is_redelivered_for_the_rest_of_the_price() -> None:
    world = gave_up(two_songs().with_tracks((stored_track(),), NOON))
    world.links.files = {SECOND: AUDIO + b"2"}
    run(world)
    first = job_of(world)
    world.links.files = {}
    new = again(world)
    ended = run_to_its_end(world, new)
    assert (first.spent_credits, ended.price_credits, ended.spent_credits) == (15, 15, 15)
    assert [track.number for track in ended.tracks] == [2]
    assert world.tracks.files[f"tracks/{new.id}/2.mp3"][0] == AUDIO + b"2"
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert (wallet.held, wallet.spent) == (0, first.price_credits)


def test_the_kept_one_of_two_songs_is_delivered_and_the_other_stays_recoverable() -> None:
    world = gave_up(two_songs())
    world.links.files = {FIRST: AUDIO, SECOND: DEAD}
    run(world)
    new = again(world)
    start_generation(new.id, start_ports(world.remaining_ms), "run-1")
    while store_audio(new.id, 1, store_ports(world.remaining_ms)).outcome is not StoreOutcome.STORED:
        world.clock.pass_seconds(300)
    settle_job(new.id, None, settle_ports(), world.clock())
    ended = world.stored(new.id)
    assert (ended.status, ended.spent_credits) == (JobStatus.SUCCEEDED, 15)
    # The second song is fetched for the new job, into the staging of the first one, for as long as it can live.
    world.links.files = {SECOND: OTHER_AUDIO}
    assert rescue_audio(new.id, rescue_ports(world.remaining_ms)) is RescueOutcome.FETCHED
    assert world.stored(new.id).attempts[0].kept == (1, 2)
    assert world.answers.files[JOB_ID, 1, "file.2"] == OTHER_AUDIO
    third = run_to_its_end(world, again(world, new.id))
    assert (third.spent_credits, [track.number for track in third.tracks]) == (15, [2])


def test_a_result_lives_no_longer_because_it_is_redelivered() -> None:
    world = gave_up(ready_job(LINK))
    world.clock.pass_seconds(80_000)
    new = again(world)
    settle_job(new.id, "States.Timeout", settle_ports(), world.clock())
    world.clock.now = NOON + timedelta(seconds=86_400)
    assert rescue_audio(new.id, rescue_ports(world.remaining_ms)) is RescueOutcome.NOTHING_LEFT
    assert (world.links.fetched, world.stored(new.id).check_at) == ([], None)


@pytest.mark.parametrize("when", ["before", "amid"])
def test_a_rescue_into_the_staging_of_a_deleted_first_job_leaves_nothing(when: str) -> None:
    world = gave_up(ready_job(LINK))
    new = again(world)
    settle_job(new.id, "States.Timeout", settle_ports(), world.clock())
    world.links.files = {LINK: AUDIO}

    def delete() -> None:
        delete_job(JOB_ID, "acme", delete_ports(), world.clock())

    if when == "before":
        delete()
        rescue_audio(new.id, rescue_ports(world.remaining_ms))
    else:
        # The rescue keeps its file while the deletion is between the files and the record.
        world.jobs.before_next_save = lambda: rescue_audio(new.id, rescue_ports(world.remaining_ms))
        delete()
    assert world.answers.files == {}
    assert job_of(world).deleted_at is not None


def test_the_ledger_explains_every_redelivery() -> None:
    world = rescued(two_songs(), None, **{SECOND: OTHER_AUDIO})
    run_to_its_end(world, again(world))
    wallet = world.wallets.find("acme")
    assert wallet is not None
    ledger = world.wallets.ledger("acme")
    assert sum(entry.credits for entry in ledger if entry.kind.value == "settle") == wallet.spent == 30
    assert wallet.held == 0


def test_a_job_from_before_rescues_is_redelivered_as_before() -> None:
    world = gave_up(ready_job(LINK))
    old = job_of(world).model_copy(update={"rescue": None, "check_at": None})
    world.jobs.rows[JOB_ID] = old.model_dump_json()
    world.links.files = {LINK: AUDIO}
    run_to_its_end(world, again(world))
    assert job_of(world).rescue is None


def test_a_copy_of_the_delivered_song_is_neither_redelivered_nor_paid() -> None:
    track = stored_track().model_copy(update={"sha256": hashlib.sha256(AUDIO).hexdigest()})
    world = gave_up(two_songs().with_tracks((track,), NOON))
    world.links.files = {FIRST: AUDIO, SECOND: AUDIO}
    new = again(world)
    while (step := store_audio(new.id, 1, store_ports(world.remaining_ms))).outcome is not StoreOutcome.STORED:
        world.clock.pass_seconds(step.wait_seconds)
    settle_job(new.id, None, settle_ports(), world.clock())
    ended = world.stored(new.id)
    assert (ended.status, ended.tracks, ended.spent_credits) == (JobStatus.FAILED, (), 0)
    assert ended.failure is not None
    assert ended.failure.code == "repeated_song"


def test_a_redelivery_fetches_the_known_link_while_the_task_reports_nothing() -> None:
    world = gave_up(ready_job(LINK, "aimlapi", upstream_id="task"))
    new = again(world)
    world.links.files, world.upstream.script = {LINK: AUDIO}, [BROKEN]
    assert poll_generation(new.id, 1, poll_ports()).kind is StepKind.READY
    assert run_to_its_end(world, new).status is JobStatus.SUCCEEDED
