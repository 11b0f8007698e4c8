"""`"model": "auto"`: the cheapest available model that can serve the request, frozen when the order is accepted."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import JsonValue

from fermata.api.responses.job import Job as ShownJob
from fermata.api.responses.quote import Quote
from fermata.domain.catalogue.models import Catalogue, Estimate, Model, ReferenceRule, read_catalogue
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.view import JobView
from fermata.domain.money.key_counter import KeyCounter
from fermata.domain.money.wallet import Plan
from fermata.domain.orders.job_id import new_reference_id
from fermata.domain.orders.order_request import SongRequest
from fermata.domain.orders.references import object_key
from fermata.domain.providers.circuit import Circuit
from fermata.domain.providers.queue import epoch_ms
from fermata.domain.providers.state import ProviderState
from fermata.domain.tenants.key_cap import KeyCap
from fermata.domain.tenants.plan_limits import PlanLimits
from fermata.domain.tenants.tenant import Caller
from fermata.errors import FieldError, InvalidRequestError, NoModelError, OutOfCreditError
from fermata.limit_errors import KeyLimitError, MonthlyLimitError
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.submit_job import Submission, quote_job, submit_job
from fermata.wiring.generation import start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.money.wallet_store import InMemoryKeyCounters
from tests.fakes.settings import budget
from tests.fakes.world import World, leave_active_world
from tests.songs import LYRICS, PROMPT, order

SHIPPED = read_catalogue()
BASE = next(model for model in SHIPPED.models if model.id == "minimax/music-2.5")
AUTO: Mapping[str, JsonValue] = {"model": "auto", "prompt": PROMPT, "lyrics": LYRICS}
REFERENCE_ID = new_reference_id(NOON, bytes(10))


def model(name: str, price_credits: int, p50_s: int = 60, **changes: object) -> Model:
    provider = name.partition("/")[0]
    about = {
        "id": name,
        "provider": provider,
        "live": False,
        "upstream_model": name.partition("/")[2],
        "price_credits": price_credits,
        "estimate": Estimate(p50_s=p50_s, p80_s=120),
    }
    return BASE.model_copy(update={**about, **changes})


def rule(**changes: object) -> ReferenceRule:
    shipped = next(each for each in SHIPPED.models if each.id == "minimax/music-cover").reference
    assert shipped is not None
    return shipped.model_copy(update=changes)


LENGTHS = next(each for each in SHIPPED.models if each.duration).duration
CLOSED = Circuit(disabled_at_ms=epoch_ms(NOON), disabled_by="1004")
COVER = model("minimax/cover", 30, reference=rule())
SPEAKER = next(each for each in SHIPPED.models if each.id == "skillboss/speech-2.8-hd")
CHEAP = model("minimax/cheap", 10)
MIDDLE = model("skillboss/middle", 15)
TWICE = model("apiinone/twice", 20)
DEAR = model("aimlapi/dear", 21)


def world_with(*models: Model, cap: int | None = None, **terms: object) -> World:
    """A world whose catalogue has these models, in place of an earlier one; `cap` is what its tenant may spend."""
    leave_active_world()
    world = World(catalogue=Catalogue(providers=SHIPPED.providers, models=models or (DEAR, TWICE, CHEAP, MIDDLE)))
    plan = Plan.PREPAID if cap is None else Plan.POSTPAID
    world.wallets.set_plan("acme", plan, cap, PlanLimits.model_validate(terms))
    return world


def sent(body: Mapping[str, JsonValue], key: str | None = None, seed: int = 0) -> Submission:
    return submit_job(order(dict(body), key), submit_ports(), NOON, bytes([seed] * 10))


def ordered(world: World, seed: int = 0, **fields: JsonValue) -> Job:
    return world.stored(sent({**AUTO, **fields}, seed=seed).job_id)


def chain(job: Job) -> list[str]:
    return [each.model for each in job.candidates]


def refused(world: World, error: type[InvalidRequestError] = NoModelError, **fields: JsonValue) -> list[FieldError]:
    with pytest.raises(error) as caught:
        sent({**AUTO, **fields})
    assert len(world.jobs) == 0
    assert world.machine.started == []
    return list(caught.value.fields)


def quoted(**fields: JsonValue) -> dict[str, JsonValue]:
    plan = quote_job(order({**AUTO, **fields}).body, "acme", submit_ports(), NOON)
    return Quote.of(plan, NOON).as_json()


def candidates(quote: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    found = quote["candidates"]
    assert isinstance(found, Sequence)
    for each in found:
        assert isinstance(each, Mapping)
        yield each


def why_not(quote: Mapping[str, JsonValue]) -> dict[JsonValue, JsonValue]:
    return {each["model"]: each["why_not"] for each in candidates(quote)}


# ---- which model, and which fallbacks


def test_the_cheapest_model_is_taken_and_at_most_two_more_at_no_more_than_twice_its_price() -> None:
    job = ordered(world_with())
    assert chain(job) == ["minimax/cheap", "skillboss/middle", "apiinone/twice"]
    assert (job.hold_credits, job.candidate.model) == (20, "minimax/cheap")


def test_a_model_at_more_than_twice_the_price_is_no_fallback() -> None:
    assert chain(ordered(world_with(CHEAP, DEAR))) == ["minimax/cheap"]


def test_a_fourth_model_is_left_out() -> None:
    models = [model(f"minimax/{name}", 10) for name in "abcd"]
    assert chain(ordered(world_with(*models))) == ["minimax/a", "minimax/b", "minimax/c"]


def test_models_of_one_price_follow_by_median_time_and_then_by_id() -> None:
    models = (model("minimax/d", 10, 50), model("minimax/c", 10, 40), model("minimax/b", 10, 50))
    assert chain(ordered(world_with(*models))) == ["minimax/c", "minimax/b", "minimax/d"]


def test_the_median_time_is_that_of_the_latest_songs() -> None:
    world = world_with(model("minimax/a", 10, 40), model("minimax/b", 10, 50))
    world.estimates.known["minimax/b"] = Estimate(p50_s=30, p80_s=60)
    assert chain(ordered(world)) == ["minimax/b", "minimax/a"]


def test_the_price_that_counts_is_that_of_the_whole_order() -> None:
    by_minute = model("aimlapi/minute", 4, unit="minute", duration=LENGTHS)
    world = world_with(by_minute, model("aimlapi/flat", 12, duration=LENGTHS))
    assert chain(ordered(world, duration_s=240)) == ["aimlapi/flat", "aimlapi/minute"]
    assert chain(ordered(world, seed=1, duration_s=60)) == ["aimlapi/minute"]


def test_the_price_that_counts_is_that_after_the_discount() -> None:
    job = ordered(world_with(CHEAP, DEAR, discount_percent=50), max_credits=5)
    assert [(each.model, each.price_credits) for each in job.candidates] == [("minimax/cheap", 5)]
    assert job.candidate.discount_percent == 50


def test_a_family_is_never_chosen() -> None:
    assert chain(ordered(world_with(model("minimax/cheap-*", 1), MIDDLE))) == ["skillboss/middle"]


def test_only_models_that_take_the_request_are_chosen() -> None:
    world = world_with(model("minimax/no-wav", 1, formats=("mp3",)), MIDDLE)
    assert chain(ordered(world, audio={"format": "wav"})) == ["skillboss/middle"]


def test_without_a_kind_a_song_is_ordered() -> None:
    world = world_with(SPEAKER, MIDDLE)
    assert chain(ordered(world)) == ["skillboss/middle"]
    assert chain(ordered(world, seed=1, kind="song")) == ["skillboss/middle"]


def test_auto_speaks_where_the_kind_says_so() -> None:
    world = world_with(SPEAKER, MIDDLE)
    job = world.stored(sent({"model": "auto", "kind": "speech", "text": "x" * 1500}).job_id)
    assert (chain(job), job.candidate.kind, job.candidate.units) == (["skillboss/speech-2.8-hd"], "speech", 1.5)


def test_the_deployments_default_fallbacks_do_not_join_the_choice() -> None:
    world = world_with(CHEAP, DEAR)
    world.set(DEFAULT_FALLBACKS='{"minimax/cheap": ["aimlapi/dear"]}')
    assert chain(ordered(world)) == ["minimax/cheap"]


def test_fallbacks_beside_auto_replace_the_chosen_ones() -> None:
    job = ordered(world_with(), fallbacks=["aimlapi/dear", "minimax/cheap"])
    assert (chain(job), job.hold_credits) == (["minimax/cheap", "aimlapi/dear"], 21)
    assert chain(ordered(world_with(), fallbacks=[])) == ["minimax/cheap"]


def test_fallbacks_beside_auto_must_serve_the_request() -> None:
    world = world_with(CHEAP, model("minimax/silent", 1, formats=("wav",)))
    fields = refused(world, InvalidRequestError, fallbacks=["minimax/silent", "auto", "minimax/none"])
    assert [each.pointer for each in fields] == ["/fallbacks/0", "/fallbacks/1", "/fallbacks/2"]


# ---- what is available


def test_a_provider_whose_circuit_is_open_is_not_asked() -> None:
    world = world_with()
    circuit = Circuit(open_until_ms=epoch_ms(NOON) + 1, open_for_ms=1)
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=circuit))
    assert chain(ordered(world)) == ["skillboss/middle", "apiinone/twice", "aimlapi/dear"]


def test_a_paused_provider_is_not_asked() -> None:
    world = world_with()
    world.brakes.pause("skillboss", NOON)
    assert chain(ordered(world)) == ["minimax/cheap", "apiinone/twice"]


def test_a_provider_whose_budget_does_not_suffice_for_the_whole_order_is_not_asked() -> None:
    by_minute = model("aimlapi/minute", 1, unit="minute", duration=LENGTHS, cost_usd="1.00")
    catalogue = Catalogue(providers=SHIPPED.providers, models=(by_minute, model("minimax/flat", 30, duration=LENGTHS)))
    world = World(catalogue=catalogue, operator=budget("aimlapi", "2"))
    assert chain(ordered(world, duration_s=180)) == ["minimax/flat"]
    assert chain(ordered(world, seed=1, duration_s=120)) == ["aimlapi/minute"]


def test_an_order_that_names_its_model_asks_for_no_providers_state(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_with()
    monkeypatch.setattr(world.provider_states, "load_all", lambda _: pytest.fail("the providers were asked for"))
    sent({**AUTO, "model": "minimax/cheap"})


def test_a_live_order_takes_only_models_that_can_be_heard_while_they_sing() -> None:
    world = world_with(CHEAP, model("minimax/heard", 50, live=True))
    assert chain(ordered(world, live=True)) == ["minimax/heard"]
    assert "/live must be false" in str(why_not(quoted(live=True))["minimax/cheap"])


# ---- deadlines, recordings, bounds and wallets


def test_only_models_that_can_be_in_time_are_chosen() -> None:
    world = world_with(model("minimax/slow", 1).model_copy(update={"estimate": Estimate(p50_s=60, p80_s=400)}), MIDDLE)
    soon = (NOON + timedelta(seconds=300)).isoformat().replace("+00:00", "Z")
    assert chain(ordered(world, finish_by=soon)) == ["skillboss/middle"]
    assert "/finish_by is too soon" in str(why_not(quoted(finish_by=soon))["minimax/slow"])


def test_a_deadline_beyond_the_allowed_days_is_refused_as_such() -> None:
    fields = refused(world_with(), InvalidRequestError, finish_by="2027-11-21T12:00:00Z")
    assert [each.pointer for each in fields] == ["/finish_by"]


def test_a_recording_that_is_missing_is_refused_as_such() -> None:
    fields = refused(world_with(COVER), InvalidRequestError, reference={"id": REFERENCE_ID})
    assert [each.pointer for each in fields] == ["/reference/id"]


def test_a_recording_that_is_too_large_for_a_model_leaves_it_out() -> None:
    small = COVER.model_copy(update={"id": "minimax/small", "price_credits": 1, "reference": rule(max_bytes=10)})
    world = world_with(small, COVER)
    world.references.files[object_key("acme", REFERENCE_ID)] = bytes(11)
    assert chain(ordered(world, reference={"id": REFERENCE_ID})) == ["minimax/cover"]


def test_max_credits_bounds_each_model_and_the_hold() -> None:
    assert chain(ordered(world_with(), max_credits=15)) == ["minimax/cheap", "skillboss/middle"]
    assert chain(ordered(world_with(), max_credits=10)) == ["minimax/cheap"]


def test_what_the_wallet_cannot_hold_is_left_out() -> None:
    assert chain(ordered(world_with(cap=19))) == ["minimax/cheap", "skillboss/middle"]
    assert chain(ordered(world_with(cap=20))) == ["minimax/cheap", "skillboss/middle", "apiinone/twice"]


def test_what_the_plans_month_leaves_bounds_the_choice() -> None:
    world = world_with(monthly_credits=14)
    assert chain(ordered(world)) == ["minimax/cheap"]


CAP = KeyCap(counter_id="aaaaaaaa", monthly_credits=29)


def by_key(world: World, cap: KeyCap) -> Job:
    """The job of an order of a key with this cap."""
    who = Caller(tenant_id="acme", key_id="aaaaaaaa", scopes=("jobs:write",), cap=cap)
    made = submit_job(replace(order(dict(AUTO)), by=who), submit_ports(), NOON, bytes(10))
    return world.stored(made.job_id)


def test_what_the_keys_month_cannot_hold_is_left_out() -> None:
    whole = ["minimax/cheap", "skillboss/middle", "apiinone/twice"]
    for cap, models in ((20, 3), (19, 2), (15, 2), (14, 1), (10, 1)):
        assert chain(by_key(world_with(), CAP.model_copy(update={"monthly_credits": cap}))) == whole[:models]
    world = world_with()
    counter = KeyCounter(month="2026-11", held=4, spent_in_month=10)
    world.wallets.key_counters["acme", CAP.counter_id] = counter
    assert chain(by_key(world, CAP)) == whole[:2]


def test_what_a_key_spent_in_an_earlier_month_leaves_the_choice_whole() -> None:
    world = world_with()
    world.wallets.key_counters["acme", CAP.counter_id] = KeyCounter(month="2026-10", spent_in_month=29)
    assert chain(by_key(world, CAP)) == ["minimax/cheap", "skillboss/middle", "apiinone/twice"]


def test_a_key_that_covers_no_model_is_refused_for_its_limit() -> None:
    world = world_with()
    with pytest.raises(KeyLimitError, match="this order may cost 10 credits and 9 of this key's 9 a month are left"):
        by_key(world, CAP.model_copy(update={"monthly_credits": 9}))
    assert (len(world.jobs), world.machine.started) == (0, [])


def test_a_quote_names_the_key_where_its_month_does_not_cover_a_model() -> None:
    world_with()
    cap = CAP.model_copy(update={"monthly_credits": 12})
    quote = Quote.of(quote_job(order(dict(AUTO)).body, "acme", submit_ports(), NOON, cap), NOON).as_json()
    assert why_not(quote)["skillboss/middle"] == "it costs 15 credits, and the month of this key can hold 12"
    assert quote["fallbacks"] == []


@pytest.mark.parametrize("named", [True, False])
def test_the_counter_of_a_key_is_read_only_for_a_capped_key_and_a_choice(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, reads = world_with(), list[str]()

    def find(_store: object, _tenant_id: str, counter_id: str) -> None:
        reads.append(counter_id)

    monkeypatch.setattr(InMemoryKeyCounters, "find", find)
    body = {**AUTO, "model": "minimax/cheap"} if named else AUTO
    for cap in (None, CAP):
        quote_job(order(dict(body)).body, "acme", submit_ports(), NOON, cap)
    assert reads == ([] if named else ["aaaaaaaa"])
    assert len(world.jobs) == 0


def test_a_wallet_that_covers_no_model_is_out_of_credit() -> None:
    world = world_with(cap=9)
    with pytest.raises(OutOfCreditError) as caught:
        sent(AUTO)
    assert (caught.value.available, caught.value.price, len(world.jobs)) == (9, 10, 0)


def test_a_month_that_is_used_up_is_refused_as_such() -> None:
    world = world_with(monthly_credits=9)
    with pytest.raises(MonthlyLimitError):
        sent(AUTO)
    assert len(world.jobs) == 0


def test_a_tenant_that_pays_unknown_attempts_is_held_for_no_more_than_its_bounds() -> None:
    job = ordered(world_with(unknown_paid_by="tenant"), on_unknown="fallback", max_credits=25)
    assert (chain(job), job.hold_credits) == (["minimax/cheap", "skillboss/middle"], 25)
    job = ordered(world_with(cap=24, unknown_paid_by="tenant"), on_unknown="fallback")
    assert (chain(job), job.hold_credits) == (["minimax/cheap"], 10)


# ---- frozen with the order


def test_a_replay_gives_the_first_answer_whatever_prices_and_availability_are_now() -> None:
    world = world_with()
    first = sent(AUTO, "key")
    world.brakes.pause("all", NOON)
    world.catalogue = Catalogue(providers=SHIPPED.providers, models=(DEAR,))
    again = sent(AUTO, "key", seed=1)
    assert (again.job_id, again.answer, again.replayed) == (first.job_id, first.answer, True)
    assert len(world.jobs) == 1


def test_a_replay_looks_at_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_with()
    sent(AUTO, "key")
    monkeypatch.setattr(world.provider_states, "load_all", lambda _: pytest.fail("the providers were asked for"))
    assert sent(AUTO, "key", seed=1).replayed


def test_the_request_counts_as_it_was_sent_not_as_it_was_chosen() -> None:
    world = world_with()
    job = world.stored(sent(AUTO, "key").job_id)
    assert job.request == SongRequest.model_validate(AUTO)
    with pytest.raises(Exception, match="another body"):
        sent({**AUTO, "model": "minimax/cheap"}, "key")


def test_two_orders_with_one_key_at_once_are_one_job_although_no_model_is_left_for_the_second() -> None:
    world = world_with()
    find, twin = world.jobs.find_receipt, []

    def other_first(*_: str) -> None:
        world.jobs.find_receipt = find  # type: ignore[method-assign]  # put back
        twin.append(sent(AUTO, "key", seed=1))
        world.brakes.pause("all", NOON)

    world.jobs.find_receipt = other_first  # type: ignore[method-assign,assignment]  # another run wins the race
    again = sent(AUTO, "key")
    assert (again.job_id, again.replayed) == (twin[0].job_id, True)


def test_the_job_says_which_model_it_became() -> None:
    world = world_with()
    job = ordered(world)
    shown = ShownJob.of(JobView(job), "https://api").as_json()
    assert (shown["model"], shown["fallbacks"]) == ("minimax/cheap", ["skillboss/middle", "apiinone/twice"])
    assert Job.model_validate_json(job.model_dump_json()).request.model == "auto"


def test_a_discount_that_changes_meanwhile_is_taken_into_the_choice() -> None:
    world = world_with(CHEAP, DEAR)
    world.jobs.before_next_create = lambda: discount(world, 50)
    job = ordered(world)
    assert [(each.model, each.price_credits) for each in job.candidates] == [("minimax/cheap", 5)]


def discount(world: World, percent: int) -> None:
    world.wallets.set_plan("acme", Plan.PREPAID, None, PlanLimits(discount_percent=percent))


def test_the_request_stays_readable_as_it_was_sent() -> None:
    job = ordered(world_with(), max_credits=20)
    shown = ShownJob.of(JobView(job), "https://api", with_request=True).as_json()
    assert shown["request"] == {**AUTO, "max_credits": 20}


def test_a_job_without_a_choice_shows_the_model_that_was_ordered() -> None:
    job = ordered(world_with(), model="minimax/cheap", fallbacks=["aimlapi/dear"])
    assert ShownJob.of(JobView(job), "https://api").as_json()["model"] == "minimax/cheap"


# ---- when nobody can


def test_a_request_that_nobody_can_serve_is_refused_with_the_reason_of_each_model() -> None:
    world = world_with(CHEAP, model("skillboss/mp3", 5, formats=("mp3",)))
    assert refused(world, audio={"format": "wav"}, max_credits=9) == [
        FieldError("/model", "minimax/cheap cannot be chosen: it costs 10 credits, more than the 9 of max_credits"),
        FieldError("/model", "skillboss/mp3 cannot be chosen: /audio/format must be one of mp3"),
    ]


def test_a_kind_without_models_is_refused_as_such() -> None:
    assert refused(world_with(), kind="speech") == [FieldError("/kind", "no model on offer makes speech")]


def test_the_reasons_are_bounded_in_length() -> None:
    world = World()
    fields = refused(
        world,
        lyrics="",
        prompt="",
        title="x" * 120,
        audio={"format": "wav", "bitrate": 1, "sample_rate": 1},
        duration_s=7,
    )
    assert len(fields) == len([each for each in SHIPPED.models if each.kind == "song" and not each.is_family])
    assert all(len(each.message) < 400 for each in fields)
    assert len(json.dumps([each.message for each in fields])) < 16_000


# ---- bounds and kinds beside a model that is named


def test_a_kind_that_the_named_model_does_not_make_is_refused() -> None:
    fields = refused(world_with(), InvalidRequestError, model="minimax/cheap", kind="speech")
    assert fields == [FieldError("/kind", "must be song or be left out: minimax/cheap makes nothing else")]
    assert ordered(world_with(), model="minimax/cheap", kind="song").candidate.model == "minimax/cheap"


def test_max_credits_below_the_price_of_the_named_model_is_refused() -> None:
    fields = refused(world_with(), InvalidRequestError, model="minimax/cheap", max_credits=9)
    assert [each.pointer for each in fields] == ["/max_credits"]
    assert "must be at least 10" in fields[0].message
    assert ordered(world_with(), model="minimax/cheap", max_credits=10).hold_credits == 10


def test_max_credits_bounds_the_fallbacks_that_the_request_names() -> None:
    fields = refused(world_with(), InvalidRequestError, fallbacks=["aimlapi/dear"], max_credits=20)
    assert [each.pointer for each in fields] == ["/max_credits"]
    fields = refused(
        world_with(), InvalidRequestError, model="minimax/cheap", fallbacks=["aimlapi/dear"], max_credits=20
    )
    assert [each.pointer for each in fields] == ["/max_credits"]


def test_a_default_fallback_beyond_max_credits_is_left_out() -> None:
    world = world_with()
    world.set(DEFAULT_FALLBACKS='{"minimax/cheap": ["aimlapi/dear", "skillboss/middle"]}')
    job = ordered(world, model="minimax/cheap", max_credits=15)
    assert chain(job) == ["minimax/cheap", "skillboss/middle"]


def test_max_credits_counts_the_price_after_the_discount() -> None:
    assert ordered(world_with(discount_percent=50), model="minimax/cheap", max_credits=5).hold_credits == 5


@pytest.mark.parametrize("bound", [-1, 1_000_000_001, 1.5, "9", True])
def test_a_bound_that_is_no_amount_is_refused(bound: JsonValue) -> None:
    fields = refused(world_with(), InvalidRequestError, max_credits=bound)
    assert [each.pointer for each in fields] == ["/max_credits"]


# ---- the quote


def test_a_quote_lists_each_model_that_could_be_asked_with_price_and_estimate_or_why_not() -> None:
    world = world_with(DEAR, TWICE, CHEAP, MIDDLE, model("minimax/mp3", 1, formats=("mp3",)))
    world.brakes.pause("apiinone", NOON)
    quote = quoted(audio={"format": "wav"})
    assert (quote["model"], quote["fallbacks"], quote["hold_credits"]) == ("minimax/cheap", ["skillboss/middle"], 15)
    estimate = {"p50_s": 60, "p80_s": 120}
    assert list(candidates(quote)) == [
        {"model": "minimax/cheap", "price_credits": 10, "estimate": estimate, "why_not": None},
        {"model": "skillboss/middle", "price_credits": 15, "estimate": estimate, "why_not": None},
        {"model": "aimlapi/dear", "price_credits": 21, "estimate": estimate, "why_not": None},
        {
            "model": "apiinone/twice",
            "price_credits": 20,
            "estimate": estimate,
            "why_not": "it is not available at the moment",
        },
        {
            "model": "minimax/mp3",
            "price_credits": None,
            "estimate": estimate,
            "why_not": "/audio/format must be one of mp3",
        },
    ]
    assert (len(world.jobs), world.machine.started) == (0, [])


def test_a_quote_says_what_the_order_will_be() -> None:
    world = world_with()
    quote = quoted()
    job = ordered(world)
    assert [quote["model"], *_texts(quote["fallbacks"])] == chain(job)
    assert quote["hold_credits"] == job.hold_credits


def test_a_quote_names_the_wallet_where_it_does_not_cover_a_model() -> None:
    world_with(cap=12)
    assert why_not(quoted())["skillboss/middle"] == "it costs 15 credits, and the wallet can hold 12"


def test_a_quote_that_nobody_can_serve_is_refused_as_its_order() -> None:
    world_with()
    with pytest.raises(NoModelError):
        quoted(max_credits=9)


# ---- when nobody takes orders now


def test_an_order_that_only_paused_models_can_serve_waits_for_the_cheapest_as_if_it_had_named_it() -> None:
    world = world_with()
    world.brakes.pause("all", NOON)
    job = ordered(world)
    assert chain(job) == ["minimax/cheap"]
    start_generation(job.id, start_ports(world.remaining_ms), "run-1")
    waiting = world.stored(job.id)
    assert (waiting.status.value, waiting.attempts, world.upstream.sent) == ("queued", (), [])


def test_an_available_model_is_chosen_before_a_cheaper_one_that_is_paused_and_has_no_paused_fallback() -> None:
    world = world_with()
    for provider in ("minimax", "skillboss", "apiinone"):
        world.brakes.pause(provider, NOON)
    assert chain(ordered(world)) == ["aimlapi/dear"]


def test_a_paused_model_that_lacks_what_the_request_needs_is_not_waited_for() -> None:
    world = world_with(model("skillboss/mp3", 5, formats=("mp3",)), CHEAP)
    world.brakes.pause("all", NOON)
    assert chain(ordered(world, audio={"format": "wav"})) == ["minimax/cheap"]


def test_a_model_whose_account_is_closed_is_not_waited_for() -> None:
    world = world_with(CHEAP, MIDDLE)
    world.brakes.pause("skillboss", NOON)
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=CLOSED))
    assert chain(ordered(world)) == ["skillboss/middle"]
    world = world_with(CHEAP)
    world.provider_states.save(ProviderState(provider="minimax", version=1, circuit=CLOSED))
    assert refused(world) == [FieldError("/model", "minimax/cheap cannot be chosen: it is not available at the moment")]


def test_a_quote_says_which_paused_model_the_order_would_wait_for() -> None:
    world = world_with(DEAR, CHEAP, model("minimax/mp3", 1, formats=("mp3",)))
    world.brakes.pause("all", NOON)
    quote = quoted(audio={"format": "wav"})
    assert (quote["model"], quote["hold_credits"]) == ("minimax/cheap", 10)
    waits = "it is not available at the moment"
    assert why_not(quote) == {
        "minimax/cheap": waits,
        "aimlapi/dear": waits,
        "minimax/mp3": "/audio/format must be one of mp3",
    }
    assert [each["model"] for each in candidates(quote)] == ["minimax/cheap", "aimlapi/dear", "minimax/mp3"]


def _texts(value: JsonValue) -> list[JsonValue]:
    assert isinstance(value, list)
    return value
