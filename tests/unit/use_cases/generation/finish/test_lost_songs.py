"""Songs that a provider was paid for and the tenant was not: bounded by the plan, reported, and whose bill they are."""

from datetime import timedelta

import pytest

from fermata.domain.finish.tombstone import tombstone_of
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind
from fermata.domain.jobs.status import Charged, JobStatus
from fermata.domain.money.losses import lost_attempts
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.order_request import OnUnknown
from fermata.domain.providers.calls import AudioInAnswer, Refused
from fermata.domain.providers.failures import ProviderCharged, unknown_outcome
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import AnswerLostError
from fermata.limit_errors import LossesAtRiskError, LostSongsError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.use_cases.orders.submit_job import quote_job, submit_job
from fermata.wiring.generation import settle_ports, start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT, candidate, claimed_attempt, json_answer, order, queued_job, stored_track

FALLBACK = "aimlapi/minimax/music-2.0"
BODY: dict[str, object] = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
SECOND_BILL: dict[str, object] = {**BODY, "fallbacks": [FALLBACK], "on_unknown": "fallback"}
CUT = AnswerLostError("cut")


def world_of(*script: ScriptedAnswer | Exception, **limits: object) -> World:
    world = World(upstream=FakeUpstream(*script))  # type: ignore[arg-type]  # Exception stands for the tree's errors
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits.model_validate(limits))
    return world


def submit(world: World, body: dict[str, object], number: int = 0) -> str:
    return submit_job(order(body), submit_ports(), world.clock(), bytes([number] * 10)).job_id


def start(world: World, job_id: str) -> StepKind:
    return start_generation(job_id, start_ports(world.remaining_ms), f"run of {job_id}").kind


def settle(world: World, job_id: str) -> Job:
    settle_job(job_id, None, settle_ports(), world.clock())
    return world.stored(job_id)


def lost(world: World) -> list[tuple[str, str, int]]:
    """What was reported as lost; each amount comes with one count."""
    amounts = [told for told in world.metrics.micro_usd if told[0] == "LostSongUsd"]
    assert [provider for _, provider, _ in amounts] == [
        provider for name, provider in world.metrics.counted if name == "LostSongs"
    ]
    return amounts


def lose_one(world: World, number: int = 0) -> Job:
    job_id = submit(world, BODY, number)
    start(world, job_id)
    return settle(world, job_id)


def test_a_lost_song_is_reported_to_the_operator_once_with_its_cost() -> None:
    world = world_of(CUT)
    job = lose_one(world)
    settle(world, job.id)
    assert (job.status, job.charged, lost(world)) == (
        JobStatus.FAILED,
        Charged.REFUNDED,
        [("LostSongUsd", "minimax", 150_000)],
    )
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert wallet.lost_in_day == 1


def test_the_order_after_the_last_song_that_may_be_lost_is_refused_without_a_call() -> None:
    world = world_of(*[CUT] * 3, lost_songs_per_day=3)
    for number in range(3):
        lose_one(world, number)
    with pytest.raises(LostSongsError) as caught:
        submit(world, BODY, 4)
    assert (world.upstream.posts, caught.value.retry_after_s) == (3, 12 * 3600)


def test_an_order_that_waits_while_the_last_song_is_lost_ends_unpaid() -> None:
    world = world_of(CUT, lost_songs_per_day=1)
    waiting = submit(world, BODY, 1)
    lose_one(world, 2)
    assert start(world, waiting) is StepKind.FAILED
    ended = settle(world, waiting)
    assert (world.upstream.posts, ended.status, ended.attempts) == (1, JobStatus.FAILED, ())
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.provider_charged) == ("lost_songs_limit", ProviderCharged.NO)
    assert "order again tomorrow" in ended.failure.message


def test_an_order_that_holds_a_place_for_its_loss_is_bought_whatever_others_lost() -> None:
    world = world_of(CUT, json_answer({}), lost_songs_per_day=1)
    deadline = {**BODY, "finish_by": (NOON + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")}
    waiting = submit(world, deadline, 1)
    lose_one(world, 2)
    start(world, waiting)
    assert world.upstream.posts == 2


def test_orders_that_may_lose_songs_by_their_own_terms_are_bounded_while_they_are_open() -> None:
    world = world_of(lost_songs_per_day=5)
    first = submit(world, SECOND_BILL, 1)
    submit(world, SECOND_BILL, 2)
    with pytest.raises(LostSongsError) as caught:
        submit(world, SECOND_BILL, 3)
    assert (caught.value.retry_after_s, "may lose 4 more" in str(caught.value)) == (10, True)
    submit(world, BODY, 4)
    cancel_job(first, "acme", world.jobs, NOON)
    submit(world, SECOND_BILL, 5)


def sung_by_the_fallback(*, pays_unknown: bool) -> Job:
    """The answer of the first model is lost, and the second one delivers."""
    request = queued_job().request.model_copy(update={"on_unknown": OnUnknown.FALLBACK})
    chain = (candidate("minimax"), candidate("aimlapi"))
    job = queued_job(request=request, candidates=chain, pays_unknown=pays_unknown)
    first, second = claimed_attempt(), claimed_attempt(number=2, candidate=1)
    job = job.claimed(first, NOON).with_outcome(first.after(Refused(unknown_outcome("cut")), NOON), NOON)
    job = job.claimed(second, NOON).with_outcome(second.after(AudioInAnswer("task"), NOON), NOON)
    return job.with_tracks((stored_track(),), NOON).settled(None, NOON)


@pytest.mark.parametrize(("pays_unknown", "spent", "lost"), [(False, 39, [1]), (True, 69, [])])
def test_a_delivered_job_spends_its_song_and_where_the_plan_says_so_the_second_bill(
    pays_unknown: bool, spent: int, lost: list[int]
) -> None:
    job = sung_by_the_fallback(pays_unknown=pays_unknown)
    assert (job.price_credits, job.song_credits, job.spent_credits) == (39, 39, spent)
    assert [attempt.number for attempt in lost_attempts(job)] == lost
    assert tombstone_of(job, NOON).spent_credits == spent


@pytest.mark.parametrize("bill", [ProviderCharged.NO, ProviderCharged.YES])
def test_a_customers_payment_stays_whatever_the_providers_bill_says_later(bill: ProviderCharged) -> None:
    job = sung_by_the_fallback(pays_unknown=True).with_bills({1: bill}, NOON)
    assert (job.spent_credits, lost_attempts(job)) == (69, ())


def test_a_song_that_was_lost_before_its_order_was_canceled_is_reported() -> None:
    ordered = claimed_attempt(cost_micro_usd=150_000)
    unknown = ordered.after(Refused(unknown_outcome("cut")), NOON)
    request = queued_job().request.model_copy(update={"on_unknown": OnUnknown.FALLBACK})
    job = queued_job(request=request, candidates=(candidate("minimax"), candidate("aimlapi")))
    world = world_of()
    world.jobs.create(job.claimed(ordered, NOON).with_outcome(unknown, NOON))
    cancel_job(job.id, "acme", world.jobs, NOON)
    settle(world, job.id)
    settle(world, job.id)
    assert lost(world) == [("LostSongUsd", "minimax", 150_000)]


def test_an_order_that_alone_may_lose_more_than_a_day_allows_is_refused_with_that_reason() -> None:
    world = world_of(lost_songs_per_day=1)
    with pytest.raises(LostSongsError) as caught:
        submit(world, SECOND_BILL)
    assert caught.value.retry_after_s == 12 * 3600
    assert "this order may lose 2 more" in str(caught.value)


def test_orders_that_go_on_after_an_unknown_outcome_lose_no_more_than_the_day_allows() -> None:
    world = world_of(*[CUT] * 20, lost_songs_per_day=4, unknown_paid_by="tenant")
    ids = [submit(world, SECOND_BILL, number) for number in range(2)]
    with pytest.raises(LossesAtRiskError):
        submit(world, SECOND_BILL, 9)
    for job_id in ids:
        start(world, job_id)
        start(world, job_id)
        settle(world, job_id)
    wallet = world.wallets.find("acme")
    assert wallet is not None
    assert (wallet.lost_in_day, wallet.at_risk) == (4, 0)


def test_a_second_bill_is_the_operators_unless_the_plan_says_otherwise() -> None:
    world = world_of(CUT)
    assert quote_job(order(SECOND_BILL).body, "acme", submit_ports(), NOON).hold_credits == 39
    job = world.stored(submit(world, SECOND_BILL))
    assert (job.hold_credits, job.at_risk, job.pays_unknown) == (39, 2, False)


def test_a_tenant_whose_plan_says_so_holds_both_bills() -> None:
    world = world_of(CUT, unknown_paid_by="tenant")
    assert quote_job(order(SECOND_BILL).body, "acme", submit_ports(), NOON).hold_credits == 30 + 39
    job = world.stored(submit(world, SECOND_BILL))
    assert (job.hold_credits, job.at_risk, job.pays_unknown) == (69, 2, True)


@pytest.mark.parametrize("body", [BODY, {**BODY, "on_unknown": "fallback"}, {**BODY, "fallbacks": [FALLBACK]}])
def test_an_order_that_cannot_bring_a_second_bill_holds_one_price(body: dict[str, object]) -> None:
    world = world_of(unknown_paid_by="tenant")
    job = world.stored(submit(world, body))
    assert (job.pays_unknown, job.at_risk) == (False, 0)
    assert job.hold_credits == max(each.price_credits for each in job.candidates)


def test_an_order_that_the_fallback_refuses_too_is_paid_by_no_tenant() -> None:
    world = world_of(CUT, CUT, unknown_paid_by="tenant")
    job_id = submit(world, SECOND_BILL)
    start(world, job_id)
    start(world, job_id)
    ended = settle(world, job_id)
    assert (ended.charged, ended.spent_credits) == (Charged.REFUNDED, 0)
    assert [provider for _, provider, _ in lost(world)] == ["minimax", "aimlapi"]
