"""A request becomes a stored job and a running execution, or nothing at all."""

from datetime import timedelta

import pytest

from fermata.api.responses.quote import Quote
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.status import JobStatus
from fermata.domain.providers.failures import FailureClass, ProviderCharged
from fermata.errors import (
    BodyTooLargeError,
    InvalidRequestError,
    MalformedBodyError,
    RequestRefusedError,
    StaleRecordError,
    TransientError,
)
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.submit_job import quote_job, submit_job
from fermata.wiring.generation import start_ports
from fermata.wiring.orders import submit_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT, candidate, hex_answer, order

BODY = {"model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS, "title": "Rain", "metadata": {"order": "42"}}
RANDOM = bytes(range(10))


def submit(body: object = BODY, randomness: bytes = RANDOM) -> str:
    return submit_job(order(body), submit_ports(), NOON, randomness).job_id


def test_a_job_is_stored_queued_and_started_under_its_id() -> None:
    world = World()
    job_id = submit()
    job = world.stored(job_id)
    assert world.machine.started == [job_id]
    assert (job.status, job.tenant_id, job.attempts, job.version) == (JobStatus.QUEUED, "acme", (), 1)
    assert job.candidates == (candidate("minimax"),)
    assert job.price_credits == 30
    assert (job.created_at, job.updated_at, job.start_by) == (NOON, NOON, NOON + timedelta(hours=1))
    assert (job.request.title, job.request.metadata) == ("Rain", {"order": "42"})


def test_a_job_is_on_record_before_its_machine_starts() -> None:
    world = World()
    seen = []
    world.machine.while_starting = lambda job_id: seen.append(world.stored(job_id).status)
    submit()
    assert seen == [JobStatus.QUEUED]


def test_the_wanted_format_decides_how_the_provider_delivers() -> None:
    world = World()
    job_id = submit({**BODY, "audio": {"format": "wav"}})
    assert world.stored(job_id).candidate.delivery == "url"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(b"{", MalformedBodyError, id="malformed"),
        pytest.param(b'{"model": "minimax/music-2.5"}', InvalidRequestError, id="invalid"),
        pytest.param(b" " * 200_000, BodyTooLargeError, id="too_large"),
    ],
)
def test_a_refused_request_stores_and_starts_nothing(body: bytes, error: type[RequestRefusedError]) -> None:
    world = World()
    with pytest.raises(error):
        submit_job(order(body), submit_ports(), NOON, RANDOM)
    assert (len(world.jobs), world.machine.started) == (0, [])


def test_a_machine_that_does_not_start_leaves_a_failed_unpaid_job() -> None:
    world = World()
    started: list[str] = []
    world.machine.while_starting = started.append
    world.machine.failure = TransientError("the job's state machine could not be started")
    with pytest.raises(TransientError):
        submit()
    job = world.stored(started[0])
    assert job.failure is not None
    assert (job.status, job.finished_at) == (JobStatus.FAILED, NOON)
    assert (job.failure.failure_class, job.failure.code, job.failure.provider_charged) == (
        FailureClass.TRANSIENT,
        "not_started",
        ProviderCharged.NO,
    )


def test_a_machine_that_started_although_its_answer_was_lost_keeps_its_job() -> None:
    world = World(upstream=FakeUpstream(hex_answer(b"ID3")))
    world.machine.while_starting = lambda job_id: start_generation(job_id, start_ports(world.remaining_ms), "run-1")
    world.machine.failure = TransientError("the job's state machine could not be started")
    job_id = submit()
    assert world.stored(job_id).status is JobStatus.STORING


def test_a_machine_that_starts_after_its_job_was_closed_buys_nothing() -> None:
    world = World()
    started: list[str] = []
    world.machine.while_starting = started.append
    world.machine.failure = TransientError("the job's state machine could not be started")
    with pytest.raises(TransientError):
        submit()
    start_generation(started[0], start_ports(world.remaining_ms), "run-1")
    assert world.upstream.posts == 0


def test_an_id_is_never_given_twice() -> None:
    world = World()
    submit()
    with pytest.raises(StaleRecordError):
        submit()
    assert len(world.machine.started) == 1
    assert submit(randomness=bytes(10)) != world.machine.started[0]


# ---- what an order would cost


def test_a_quote_says_what_the_order_will_say_and_stores_nothing() -> None:
    world = World()
    body = {**BODY, "fallbacks": ["aimlapi/minimax/music-2.0"]}
    plan = quote_job(order(body).body, "acme", submit_ports(), NOON)
    quote = Quote.of(plan, NOON).as_json()
    assert (len(world.jobs), world.machine.started, world.upstream.posts) == (0, [], 0)
    assert quote == {
        "object": "quote",
        "kind": "song",
        "model": "minimax/music-2.5",
        "fallbacks": ["aimlapi/minimax/music-2.0"],
        "units": 1,
        "unit": "song",
        "unit_credits": 30,
        "discount_percent": 0,
        "price_credits": 30,
        "hold_credits": 39,
        "estimate": {"p50_s": 70, "p80_s": 120, "ready_at": "2026-11-21T12:01:10.000Z"},
        "candidates": None,
    }
    job = world.stored(submit(body))
    assert job.hold_credits == quote["hold_credits"]
    assert [each.model for each in job.candidates[1:]] == quote["fallbacks"]


def test_a_quote_names_the_fallbacks_and_the_times_that_hold_at_the_moment() -> None:
    world = World({"DEFAULT_FALLBACKS": '{"minimax/music-2.5": ["aimlapi/minimax/music-2.0"]}'})
    world.estimates.known["minimax/music-2.5"] = Estimate(p50_s=10, p80_s=20)
    quote = Quote.of(quote_job(order(BODY).body, "acme", submit_ports(), NOON), NOON).as_json()
    assert (quote["fallbacks"], quote["hold_credits"]) == (["aimlapi/minimax/music-2.0"], 39)
    assert quote["estimate"] == {"p50_s": 10, "p80_s": 20, "ready_at": "2026-11-21T12:00:10.000Z"}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="not_json"),
        pytest.param(b" " * 200_000, id="too_large"),
        pytest.param({**BODY, "model": "minimax/nothing"}, id="no_such_model"),
        pytest.param({**BODY, "tempo": 90}, id="an_unknown_field"),
        pytest.param({**BODY, "finish_by": "2026-11-21T12:00:01Z"}, id="too_soon"),
        pytest.param(
            {"model": "minimax/music-cover", "prompt": PROMPT, "reference": {"id": "ref_01JD0ABCDEFGHJKMNPQRSTVWXY"}},
            id="a_recording_that_is_not_there",
        ),
    ],
)
def test_a_quote_is_refused_for_the_same_reasons_as_its_order(body: object) -> None:
    World()
    with pytest.raises(RequestRefusedError) as quoted:
        quote_job(order(body).body, "acme", submit_ports(), NOON)
    with pytest.raises(RequestRefusedError) as ordered:
        submit(body)
    assert (type(quoted.value), str(quoted.value)) == (type(ordered.value), str(ordered.value))
