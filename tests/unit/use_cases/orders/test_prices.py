"""The price of an order is frozen when it is accepted: by its units, and by the discount that its tenant has then."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from fermata.api.responses.quote import Quote
from fermata.domain.catalogue.models import Price
from fermata.domain.catalogue.operator_settings import OperatorSettings
from fermata.domain.jobs.job import Job
from fermata.domain.money.wallet import Plan, Wallet
from fermata.domain.tenants.discounts import Tier
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.errors import InvalidRequestError, OutOfCreditError, TransientError
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.orders.submit_job import quote_job, submit_job
from fermata.wiring.generation import settle_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT, claimed_attempt, order, ready_job, stored_track

DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
SONG: Mapping[str, object] = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
BY_THE_MINUTE: Mapping[str, object] = {"model": "aimlapi/elevenlabs/eleven_music", "prompt": PROMPT}


def submit(world: World, body: Mapping[str, object], now: datetime = NOON, seed: int = 0) -> Job:
    return world.stored(submit_job(order(body), submit_ports(), now, bytes([seed] * 10)).job_id)


def on_plan(world: World, percent: int = 0, **tiers: int) -> None:
    steps = tuple(Tier(from_credits=int(name[1:]), percent=each) for name, each in tiers.items())
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(discount_percent=percent, tiers=steps))


def deliver(world: World, job: Job, duration_ms: int = 25_364, now: datetime = NOON) -> Job:
    track = stored_track().model_copy(update={"duration_ms": duration_ms})
    claimed = job.claimed(claimed_attempt(), now)
    ready = claimed.with_outcome(ready_job().attempts[0], now)
    for step in (claimed, ready, ready.with_tracks((track,), now)):
        world.jobs.save(step)
    settle_job(job.id, None, settle_ports(), now)
    return world.stored(job.id)


def wallet(world: World) -> Wallet:
    found = world.wallets.find("acme")
    assert found is not None
    return found


def spent(world: World) -> int:
    return wallet(world).spent


@pytest.mark.parametrize(("duration_s", "price"), [(60, 208), (10, 35), (61, 212), (300, 1040), (None, 1040)])
def test_minutes_are_held_for_the_ordered_length_or_for_the_longest_one(duration_s: int | None, price: int) -> None:
    job = submit(World(), {**BY_THE_MINUTE, **({} if duration_s is None else {"duration_s": duration_s})})
    assert (job.hold_credits, job.price_credits, job.candidate.unit) == (price, price, "minute")


@pytest.mark.parametrize(
    ("measured_ms", "cost", "units"),
    [(30_000, 104, 0.5), (30_001, 105, 30_001 / 60_000), (60_000, 208, 1), (75_000, 208, 1)],
)
def test_minutes_are_paid_as_they_were_measured_and_never_above_the_hold(
    measured_ms: int, cost: int, units: float
) -> None:
    world = World()
    end = deliver(world, submit(world, {**BY_THE_MINUTE, "duration_s": 60}), measured_ms)
    assert (end.spent_credits, end.price_credits, end.units, spent(world)) == (cost, 208, units, cost)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**BY_THE_MINUTE, "duration_s": 9}, "/duration_s"),
        ({**BY_THE_MINUTE, "duration_s": 301}, "/duration_s"),
        ({**BY_THE_MINUTE, "duration_s": 0}, "/duration_s"),
        ({**BY_THE_MINUTE, "duration_s": True}, "/duration_s"),
        ({**BY_THE_MINUTE, "duration_s": 60.5}, "/duration_s"),
        ({**BY_THE_MINUTE, "duration_s": "60"}, "/duration_s"),
        ({**SONG, "duration_s": 60}, "/duration_s"),
    ],
)
def test_a_length_that_the_model_does_not_make_is_refused_and_stores_nothing(
    body: Mapping[str, object], pointer: str
) -> None:
    world = World()
    with pytest.raises(InvalidRequestError) as refused:
        submit(world, body)
    assert [field.pointer for field in refused.value.fields] == [pointer]
    assert len(world.jobs) == 0


def test_a_discount_lowers_the_price_and_what_is_held_and_spent() -> None:
    world = World()
    on_plan(world, 15)
    job = submit(world, SONG)
    assert (job.hold_credits, job.candidate.discount_percent) == (26, 15)
    assert (deliver(world, job).spent_credits, spent(world)) == (26, 26)


def test_a_discount_holds_for_every_model_of_a_chain() -> None:
    world = World()
    on_plan(world, 50)
    job = submit(world, {**SONG, "fallbacks": ["aimlapi/minimax/music-2.0"]})
    assert [each.price_credits for each in job.candidates] == [15, 20]


def test_a_whole_discount_makes_an_order_free() -> None:
    world = World()
    on_plan(world, 100)
    assert deliver(world, submit(world, SONG)).spent_credits == 0


def test_the_larger_one_of_discount_and_tier_holds_for_the_whole_order() -> None:
    world = World()
    on_plan(world, 5, f0=0, f30=20)
    first = deliver(world, submit(world, SONG))
    second = deliver(world, submit(world, SONG, seed=1))
    third = submit(world, SONG, seed=2)
    assert [each.candidate.discount_percent for each in (first, second, third)] == [5, 5, 20]
    assert [each.price_credits for each in (first, second, third)] == [29, 29, 24]


def test_what_is_only_held_reaches_no_tier() -> None:
    world = World()
    on_plan(world, f30=20)
    submit(world, SONG)
    assert submit(world, SONG, seed=1).candidate.discount_percent == 0


def test_a_month_begins_without_a_tier() -> None:
    world = World()
    on_plan(world, f30=20)
    deliver(world, submit(world, SONG))
    assert submit(world, SONG, DECEMBER, seed=1).candidate.discount_percent == 0


def test_an_order_keeps_the_discount_with_which_it_was_accepted() -> None:
    world = World()
    on_plan(world, 10)
    job = submit(world, SONG)
    on_plan(world, 90)
    assert deliver(world, job).spent_credits == 27


def test_a_discount_is_applied_before_the_wallet_is_found_too_small() -> None:
    world = World()
    world.wallets.set_plan("acme", Plan.POSTPAID, 20, PlanLimits(discount_percent=40))
    assert submit(world, SONG).hold_credits == 18
    with pytest.raises(OutOfCreditError):
        submit(world, SONG, seed=1)


def test_a_discount_that_keeps_changing_ends_as_an_error_that_passes() -> None:
    world = World()

    def change() -> None:
        on_plan(world, wallet(world).discount_percent + 1)
        world.jobs.before_next_create = change

    world.jobs.before_next_create = change
    with pytest.raises(TransientError):
        submit(world, SONG)
    assert len(world.jobs) == 0


def test_a_quote_explains_the_price() -> None:
    world = World()
    on_plan(world, 25)
    plan = quote_job(order({**BY_THE_MINUTE, "duration_s": 90}).body, "acme", submit_ports(), NOON)
    shown = Quote.of(plan, NOON + timedelta(0)).as_json()
    explained = {name: shown[name] for name in ("kind", "unit", "units", "unit_credits", "discount_percent")}
    assert explained == {"kind": "song", "unit": "minute", "units": 1.5, "unit_credits": 208, "discount_percent": 25}
    assert (shown["price_credits"], shown["hold_credits"]) == (234, 234)


def test_the_operators_price_holds_for_orders() -> None:
    settings = OperatorSettings(prices={"minimax/music-2.5": Price(price_credits=44, cost_usd="0.22")})
    job = submit(World(operator=settings), SONG)
    assert (job.price_credits, job.candidate.cost_micro_usd) == (44, 220_000)
