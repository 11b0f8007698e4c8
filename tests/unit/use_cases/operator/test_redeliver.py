"""A song that was bought and not delivered reaches its customer under a new job, and no other song is ordered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from fermata.api.responses import job as responses
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep, StepKind
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.jobs.view import JobView
from fermata.domain.money.findings import purchases_of
from fermata.domain.money.wallet import empty_wallet
from fermata.domain.providers.failures import ProviderCharged
from fermata.errors import (
    AlreadyFinishedError,
    AnswerLostError,
    InvalidRequestError,
    NotFinishedError,
    NotFoundError,
    OutOfCreditError,
    StaleRecordError,
    TransientError,
)
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import StoreOutcome, store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.use_cases.operator.redeliver import redeliver
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring.generation import poll_ports, resume_ports, settle_ports, start_ports, store_ports
from fermata.wiring.operator import manage_ports
from fermata.wiring.orders import delete_ports
from tests.fakes.clock import NOON
from tests.fakes.jobs.job_store import InMemoryJobStore
from tests.fakes.money.ledger import ledger_in_dynamodb
from tests.fakes.money.wallet_store import FUNDED_WALLETS, InMemoryWalletStore
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, LINK, candidate, hex_answer, json_answer, queued_job, song_request
from tests.support.cloud import dynamodb_with_table

AUDIO = b"ID3" + bytes(5000)
SONG = hex_answer(AUDIO)
LINKED = json_answer({"data": {"audio": LINK, "status": 2}, "base_resp": {"status_code": 0}})
TASK = json_answer({"id": "uuid:minimax/music-2.0", "status": "queued"}, 201)
TASK_LINK = "https://cdn.aimlapi.com/song.mp3"
TASK_DONE = json_answer({"status": "completed", "audio_file": {"url": TASK_LINK}})
TASK_FAILED = json_answer({"status": "error", "error": {"message": "no"}})
UNCLEAR = json_answer({"base_resp": {"status_code": 1000, "status_msg": "unknown"}})


NOT_SEEN = {"rescue", "version"}
"""What a redelivery notes on the first job."""


def world_with(*script: ScriptedAnswer | Exception, provider: str = "minimax", **job: Any) -> World:  # noqa: ANN401
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.jobs.create(queued_job(provider, **job))
    return world


def started(world: World, job_id: str = JOB_ID) -> NextStep:
    return start_generation(job_id, start_ports(world.remaining_ms), "run-1")


def settled(world: World, job_id: str = JOB_ID, stopped_by: str | None = None) -> Job:
    settle_job(job_id, stopped_by, settle_ports(), world.clock.now)
    return world.stored(job_id)


def not_stored(*script: ScriptedAnswer | Exception, provider: str = "minimax", **job: Any) -> World:  # noqa: ANN401
    """A world in which a song was bought and storing it failed for good; a day has passed since."""
    world = world_with(*script, provider=provider, **job)
    started(world)
    settled(world, stopped_by="TransientError")
    world.clock.pass_seconds(86_400)
    return world


def again(world: World, job_id: str = JOB_ID) -> str:
    return str(redeliver(job_id, manage_ports().redeliver, world.clock.now)["job_id"])


def run_to_its_end(world: World, job_id: str) -> Job:
    """What the state machine does with a job whose song is ready."""
    verdict = started(world, job_id)
    assert (verdict.kind, verdict.attempt) == (StepKind.READY, 1)
    assert store_audio(job_id, 1, store_ports(world.remaining_ms)).outcome is StoreOutcome.STORED
    return settled(world, job_id)


# ---- the way of a redelivered song


def test_a_staged_song_is_stored_and_paid_under_a_new_job_without_any_call() -> None:
    world = not_stored(SONG)
    before = world.stored(JOB_ID).model_dump(exclude=NOT_SEEN)
    sent = len(world.upstream.sent)
    new = again(world)
    assert (world.machine.started, new != JOB_ID) == ([new], True)
    job = run_to_its_end(world, new)
    assert (job.status, job.charged, job.recovered_from) == (JobStatus.SUCCEEDED, Charged.YES, JOB_ID)
    assert world.tracks.files[f"tracks/{new}/1.mp3"][0] == AUDIO
    assert (len(world.upstream.sent), world.stored(JOB_ID).model_dump(exclude=NOT_SEEN)) == (sent, before)


def test_the_new_job_is_the_old_order_held_and_settled_like_any_other() -> None:
    world = not_stored(SONG, request=song_request(title="Rain", metadata={"order": "42"}))
    old = world.stored(JOB_ID)
    job = world.stored(again(world))
    assert (job.tenant_id, job.request, job.price_credits) == (old.tenant_id, old.request, 30)
    assert (job.status, job.charged, world.wallets.find("acme").held) == (JobStatus.STORING, Charged.HELD, 30)  # type: ignore[union-attr]  # it is funded
    run_to_its_end(world, job.id)
    kinds = [(entry.kind.value, entry.credits) for entry in world.wallets.ledger("acme") if entry.job_id == job.id]
    assert kinds == [("hold", 30), ("settle", 30)]


def test_the_price_is_that_of_the_model_that_made_the_song() -> None:
    chain = (candidate("aimlapi"), candidate())
    world = world_with(json_answer({"error": {"message": "busy"}}, 429), SONG, candidates=chain)
    started(world)
    started(world)
    settled(world, stopped_by="TransientError")
    job = run_to_its_end(world, again(world))
    assert (job.price_credits, job.charged, job.attempts[0].provider) == (30, Charged.YES, "minimax")


def test_a_link_is_fetched_again() -> None:
    world = not_stored(LINKED)
    world.links.files[LINK] = AUDIO
    assert run_to_its_end(world, again(world)).status is JobStatus.SUCCEEDED


def test_a_task_is_polled_again_and_never_ordered_again() -> None:
    world = world_with(TASK, TASK_DONE, provider="aimlapi")
    started(world)
    poll_generation(JOB_ID, 1, poll_ports())
    settled(world, stopped_by="UnsafeLinkError")
    world.clock.pass_seconds(86_400)
    new = again(world)
    assert started(world, new).kind is StepKind.GENERATING
    world.upstream.script = [TASK_DONE]
    world.links.files[TASK_LINK] = AUDIO
    assert poll_generation(new, 1, poll_ports()).kind is StepKind.READY
    assert run_to_its_end(world, new).status is JobStatus.SUCCEEDED
    assert world.upstream.posts == 1


def test_a_late_answer_is_delivered() -> None:
    world = world_with(SONG)

    def written_off() -> None:
        world.clock.pass_seconds(961)
        resume_generation(JOB_ID, resume_ports(), world.clock.now)

    world.upstream.while_sending = written_off
    started(world)
    assert settled(world).attempts[0].late
    assert run_to_its_end(world, again(world)).status is JobStatus.SUCCEEDED
    assert world.upstream.posts == 1


def test_a_song_that_came_after_its_deadline_is_delivered_without_one() -> None:
    deadline = NOON + timedelta(seconds=1)
    world = world_with(SONG, request=song_request(finish_by=deadline))
    world.upstream.while_sending = lambda: world.clock.pass_seconds(5)
    started(world)
    assert settled(world).status is JobStatus.EXPIRED
    assert run_to_its_end(world, again(world)).status is JobStatus.SUCCEEDED


def test_a_redelivery_that_fails_too_can_be_redelivered() -> None:
    world = not_stored(SONG)
    second = again(world)
    settled(world, second, stopped_by="TransientError")
    third = again(world, second)
    assert third not in (JOB_ID, second)
    assert run_to_its_end(world, third).recovered_from == second
    assert world.upstream.posts == 1


# ---- doing it again


def test_redelivering_twice_gives_the_same_job_whatever_became_of_it() -> None:
    world = not_stored(SONG)
    first = again(world)
    assert (again(world), len(world.jobs), world.machine.started) == (first, 2, [first])
    run_to_its_end(world, first)
    world.clock.pass_seconds(1)
    world.machine.started.clear()
    answer = redeliver(JOB_ID, manage_ports().redeliver, world.clock.now)
    assert (answer["job_id"], answer["status"], len(world.jobs)) == (first, "succeeded", 2)
    assert world.machine.started == []


def test_one_of_two_simultaneous_redeliveries_makes_the_job() -> None:
    world = not_stored(SONG)
    world.jobs.before_next_create = lambda: again(world)
    first = again(world)
    assert (len(world.jobs), world.machine.started) == (2, [first])
    assert world.wallets.find("acme").held == 30  # type: ignore[union-attr]  # it is funded


def test_a_start_that_failed_is_repeated_by_the_next_redelivery() -> None:
    world = not_stored(SONG)
    world.machine.failure = TransientError("the machine could not be started")
    with pytest.raises(TransientError):
        again(world)
    world.machine.failure = None
    new = again(world)
    assert (len(world.jobs), world.machine.started) == (2, [new])


def test_a_new_job_is_reaped_like_any_other() -> None:
    world = not_stored(SONG)
    assert world.stored(again(world)).check_at == world.clock.now + timedelta(seconds=60)


# ---- what is bought stays bought once


def test_a_redelivery_never_orders_whatever_goes_wrong() -> None:
    world = not_stored(TASK, provider="aimlapi", candidates=(candidate("aimlapi"), candidate()))
    new = again(world)
    world.upstream.script = [TASK_FAILED]
    assert poll_generation(new, 1, poll_ports()).kind is StepKind.FAILED
    assert started(world, new).kind is StepKind.FAILED
    assert settled(world, new).charged is Charged.REFUNDED
    assert world.upstream.posts == 1


def test_a_redelivery_may_not_order_even_if_it_is_queued_again() -> None:
    world = not_stored(SONG)
    queued_again = world.stored(again(world)).model_copy(update={"status": JobStatus.QUEUED})
    assert not queued_again.may_claim(world.clock.now)


def test_a_redelivery_is_neither_paused_nor_counted_in_a_budget_nor_in_doubt() -> None:
    world = not_stored(TASK, provider="aimlapi")
    world.brakes.pause("all", NOON)
    doubts = len(world.metrics.micro_usd)
    new = again(world)
    assert started(world, new).kind is StepKind.GENERATING
    world.upstream.script = [TASK_FAILED]
    poll_generation(new, 1, poll_ports())
    (attempt,) = settled(world, new).attempts
    assert (attempt.state, attempt.provider_charged) == (AttemptState.FAILED, ProviderCharged.UNKNOWN)
    assert len(world.metrics.micro_usd) == doubts
    assert world.brakes.brakes("aimlapi", world.clock.now.date()).spent_micro_usd == 0
    assert list(purchases_of(world.stored(new))) == []


def test_a_redelivered_song_teaches_nothing_about_its_models_times() -> None:
    world = not_stored(SONG)
    run_to_its_end(world, again(world))
    assert world.estimates.times.models == {}


# ---- what cannot be redelivered


@pytest.mark.parametrize("job_id", ["job_01JD0ABCDEFGHJKMNPQRSTVWXZ", "nonsense", "", "../x"])
def test_an_unknown_job_is_not_found(job_id: str) -> None:
    with pytest.raises(NotFoundError):
        again(not_stored(SONG), job_id)


def test_a_deleted_job_is_not_found() -> None:
    world = not_stored(SONG)
    delete_job(JOB_ID, "acme", delete_ports(), NOON)
    with pytest.raises(NotFoundError):
        again(world)


def test_an_open_job_is_not_finished() -> None:
    world = world_with(SONG)
    started(world)
    with pytest.raises(NotFinishedError, match="the job is storing"):
        again(world)


def test_a_canceled_job_has_nothing_to_redeliver() -> None:
    world = world_with()
    cancel_job(JOB_ID, "acme", world.jobs, NOON)
    with pytest.raises(AlreadyFinishedError, match="the job is canceled"):
        again(world)


def test_a_delivered_job_has_nothing_to_redeliver() -> None:
    world = world_with(SONG)
    assert run_to_its_end(world, JOB_ID).status is JobStatus.SUCCEEDED
    with pytest.raises(AlreadyFinishedError, match="the job is succeeded"):
        again(world)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (AnswerLostError("cut"), "no answer of a provider is staged"),
        (UNCLEAR, r"the provider's answer is no song \(.*code 1000"),
    ],
)
def test_a_failed_job_without_a_song_says_why_there_is_none(answer: ScriptedAnswer | Exception, reason: str) -> None:
    world = not_stored(answer)
    with pytest.raises(AlreadyFinishedError, match=reason):
        again(world)
    assert (len(world.jobs), world.machine.started) == (1, [])


def test_an_answer_that_is_gone_after_thirty_days_is_reported() -> None:
    world = not_stored(SONG)
    world.answers.forget(JOB_ID)
    with pytest.raises(AlreadyFinishedError, match="staged"):
        again(world)


def test_a_customer_without_credit_gets_nothing_and_owes_nothing() -> None:
    with not_stored(SONG) as funded:
        pass
    world = World(jobs=InMemoryJobStore(InMemoryWalletStore(empty_wallet("acme", NOON))))
    world.jobs.rows, world.answers = funded.jobs.rows, funded.answers
    with pytest.raises(OutOfCreditError):
        again(world)
    assert (len(world.jobs), world.machine.started) == (1, [])


# ---- where it is seen and requested


def test_a_job_says_from_which_it_was_recovered() -> None:
    world = not_stored(SONG)
    assert responses.Job.of(JobView(world.stored(again(world))), "").recovered_from == JOB_ID
    assert responses.Job.of(JobView(world.stored(JOB_ID)), "").recovered_from is None


def test_the_operators_function_redelivers() -> None:
    world = not_stored(SONG)
    answer = manage_tenants({"action": "redeliver", "job_id": JOB_ID}, manage_ports(), world.clock.now, b"")
    assert answer == {
        "job_id": again(world),
        "recovered_from": JOB_ID,
        "tenant_id": "acme",
        "status": "storing",
        "price_credits": 30,
    }


@pytest.mark.parametrize("job_id", [None, 7, ["x"]])
def test_an_id_that_is_no_text_is_refused(job_id: object) -> None:
    World()
    with pytest.raises(InvalidRequestError, match="/job_id"):
        manage_tenants({"action": "redeliver", "job_id": job_id}, manage_ports(), NOON, b"")


def test_a_recovered_job_is_created_whole_in_dynamodb() -> None:
    world = not_stored(SONG)
    recovered = world.stored(again(world))
    with mock_aws():
        ledger = ledger_in_dynamodb(dynamodb_with_table(*FUNDED_WALLETS))
        ledger.jobs.create(recovered)
        assert ledger.jobs.load(recovered.id) == recovered
        with pytest.raises(StaleRecordError):
            ledger.jobs.create(recovered)
    assert json.loads(recovered.model_dump_json())["attempts"][0]["staged_at"] == {"job_id": JOB_ID, "attempt": 1}
