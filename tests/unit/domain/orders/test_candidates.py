"""Which models may sing a job is decided, checked and priced when the job is submitted."""

import json
from typing import Any

import pytest

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.jobs.job import Job
from fermata.domain.orders.candidates import check_default_fallbacks
from fermata.errors import ConfigurationError, InvalidRequestError
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.submit_job import submit_job
from fermata.wiring.generation import start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT, json_answer, order

MINIMAX, AIML = "minimax/music-2.5", "aimlapi/minimax/music-2.0"


def submit(world: World | None = None, **fields: Any) -> Job:  # noqa: ANN401 - any JSON
    body = {"model": MINIMAX, "prompt": PROMPT, "lyrics": LYRICS, **fields}
    world = world or World()
    return world.stored(submit_job(order(body), submit_ports(), NOON, bytes(10)).job_id)


def with_defaults(fallbacks: dict[str, tuple[str, ...]]) -> World:
    return World({"DEFAULT_FALLBACKS": json.dumps(fallbacks)})


def refusal(**fields: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - any JSON
    with pytest.raises(InvalidRequestError) as caught:
        submit(**fields)
    return [(field.pointer, field.message) for field in caught.value.fields]


def test_the_chain_of_a_job_is_its_model_and_then_its_fallbacks() -> None:
    job = submit(fallbacks=[AIML, "minimax/music-9-preview"])
    assert [(model.model, model.provider, model.upstream_model, model.delivery) for model in job.candidates] == [
        (MINIMAX, "minimax", "music-2.5", "hex"),
        (AIML, "aimlapi", "minimax/music-2.0", "url"),
        ("minimax/music-9-preview", "minimax", "music-9-preview", "hex"),
    ]
    assert [model.price_credits for model in job.candidates] == [30, 39, 30]


def test_a_model_that_speaks_another_dialect_than_its_provider_keeps_both_in_the_chain() -> None:
    known = read_catalogue()
    models = (model.model_copy(update={"dialect": "skillboss"} if model.id == AIML else {}) for model in known.models)
    job = submit(World(catalogue=known.model_copy(update={"models": tuple(models)})), fallbacks=[AIML])
    assert [(model.provider, model.dialect) for model in job.candidates] == [
        ("minimax", "minimax"),
        ("aimlapi", "skillboss"),
    ]


def test_a_submitted_job_is_ordered_as_its_chain_says_although_the_catalogue_changed() -> None:
    world = World(upstream=FakeUpstream(json_answer({}, 401), json_answer({"id": "task-1", "status": "queued"})))
    job = submit(world, fallbacks=[AIML])
    world.catalogue = world.catalogue.model_copy(update={"models": ()})
    for run in ("run-1", "run-2"):
        start_generation(job.id, start_ports(world.remaining_ms), run)
    assert [(sent.provider, sent.call.body["model"]) for sent in world.upstream.sent if sent.call.body] == [
        ("minimax", "music-2.5"),
        ("aimlapi", "minimax/music-2.0"),
    ]
    assert world.stored(job.id).price_credits == 39


def test_the_audio_format_decides_which_delivery_each_model_is_ordered_with() -> None:
    job = submit(fallbacks=[AIML], audio={"format": "wav"})
    assert [model.delivery for model in job.candidates] == ["url", "url"]


@pytest.mark.parametrize(
    ("fallbacks", "pointers"),
    [
        (["minimax/nothing"], ["/fallbacks/0"]),
        (["minimax/music-cover"], ["/fallbacks/0"]),
        (["minimax/music-*"], ["/fallbacks/0"]),
        ([AIML, "suno"], ["/fallbacks/1"]),
        ([MINIMAX], ["/fallbacks/0"]),
        ([AIML, AIML], ["/fallbacks/1"]),
        ([""], ["/fallbacks/0"]),
        ([7], ["/fallbacks/0"]),
        (["\ud800"], ["/fallbacks/0"]),
        (AIML, ["/fallbacks"]),
        ({"0": AIML}, ["/fallbacks"]),
        (["minimax/music-2.6", "minimax/music-2.0", "minimax/music-3.0", AIML], ["/fallbacks"]),
    ],
)
def test_a_wrong_fallback_is_named_by_its_json_pointer(fallbacks: object, pointers: list[str]) -> None:
    assert [pointer for pointer, _ in refusal(fallbacks=fallbacks)] == pointers


def test_a_fallback_that_cannot_fulfil_the_request_is_refused_naming_field_and_model() -> None:
    said = refusal(prompt="short", fallbacks=["minimax/music-2.6", AIML])
    assert said == [
        ("/fallbacks/1", f"{AIML} cannot serve this request: /prompt must have 10 to 2000 characters, got 5")
    ]


def test_what_the_model_and_its_fallbacks_refuse_is_reported_at_once() -> None:
    said = refusal(prompt="x" * 2001, fallbacks=[AIML, "nothing"])
    assert [pointer for pointer, _ in said] == ["/prompt", "/fallbacks/0", "/fallbacks/1"]


@pytest.mark.parametrize("value", ["retry", "", None, True])
def test_on_unknown_is_fail_or_fallback(value: object) -> None:
    [(pointer, message)] = refusal(on_unknown=value)
    assert pointer == "/on_unknown"
    assert "'fail' or 'fallback'" in message


def test_a_request_without_fallbacks_gets_those_of_the_deployment() -> None:
    with with_defaults({MINIMAX: (AIML,)}) as world:
        assert [model.model for model in submit(world).candidates] == [MINIMAX, AIML]
    assert [model.model for model in submit(World(), model=MINIMAX).candidates] == [MINIMAX]


@pytest.mark.parametrize("own", [[], ["minimax/music-2.6"]])
def test_fallbacks_of_the_request_replace_those_of_the_deployment(own: list[str]) -> None:
    job = submit(with_defaults({MINIMAX: (AIML,)}), fallbacks=own)
    assert [model.model for model in job.candidates] == [MINIMAX, *own]


def test_a_default_fallback_that_cannot_fulfil_the_request_is_left_out() -> None:
    world = with_defaults({MINIMAX: (AIML, "minimax/music-2.6")})
    assert [model.model for model in submit(world, prompt="short").candidates] == [MINIMAX, "minimax/music-2.6"]


@pytest.mark.parametrize(
    ("defaults", "wrong"),
    [
        ({"suno": (AIML,)}, "suno"),
        ({MINIMAX: ("suno",)}, "suno"),
        ({MINIMAX: (MINIMAX,)}, MINIMAX),
        ({MINIMAX: (AIML, AIML)}, AIML),
    ],
)
def test_impossible_default_fallbacks_are_a_configuration_error(defaults: dict[str, tuple[str]], wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DEFAULT_FALLBACKS.*: {wrong};"):
        check_default_fallbacks(defaults, read_catalogue())


def test_possible_default_fallbacks_pass() -> None:
    check_default_fallbacks({MINIMAX: (AIML, "minimax/music-9")}, read_catalogue())


def test_the_pattern_of_a_family_is_no_model() -> None:
    assert read_catalogue().find("minimax/music-*") is None
    assert read_catalogue().find("minimax/music-9") is not None
