"""What follows a failed attempt, as a table and as the life of a job."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from fermata.domain.catalogue.models import Estimate, read_catalogue
from fermata.domain.catalogue.poll_schedule import Pace
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import StepKind, next_step_of
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.status import JobStatus
from fermata.domain.jobs.terms import MAX_ATTEMPTS, AfterFailure, step_after
from fermata.domain.orders.order_request import OnUnknown
from fermata.domain.providers.calls import AudioInAnswer, Refused
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.errors import AnswerLostError
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.store_audio import store_audio
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.use_cases.orders.estimates import estimate_of
from fermata.wiring.generation import poll_ports, resume_ports, settle_ports, start_ports, store_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.estimates import InMemoryEstimates
from tests.fakes.providers.provider_keys import FixedProviderKeys
from tests.fakes.providers.upstream import FakeUpstream
from tests.fakes.world import World
from tests.songs import (
    JOB_ID,
    candidate,
    claimed_attempt,
    generating_job,
    hex_answer,
    json_answer,
    queued_job,
    rate_limited,
    song_request,
    stored_track,
    wav_file,
)

END, SAME, NEXT = AfterFailure.END, AfterFailure.SAME_MODEL, AfterFailure.NEXT_MODEL
NO, UNKNOWN, YES = ProviderCharged.NO, ProviderCharged.UNKNOWN, ProviderCharged.YES
AIML = "aimlapi/minimax/music-2.0"
PACE = Pace(Estimate(p50_s=70, p80_s=120), longest_pause_s=15)
OUT_OF_CREDIT = {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}
TASK = {"id": "uuid:minimax/music-2.0", "status": "queued"}


def failure(failure_class: FailureClass, charged: ProviderCharged = NO) -> Failure:
    return Failure(failure_class=failure_class, provider_charged=charged, message="no song")


@dataclass(frozen=True)
class Row:
    """The step after a failure of these classes: with a model left or without, for either choice of the caller."""

    classes: str
    charged: ProviderCharged
    left: AfterFailure
    left_and_go_on: AfterFailure
    none_left: AfterFailure


TABLE = [
    Row("auth out_of_credit not_entitled not_found provider_error unknown_outcome", NO, NEXT, NEXT, END),
    Row("incomplete bad_audio result_expired", NO, NEXT, NEXT, END),
    Row("transient rate_limited", NO, NEXT, NEXT, SAME),
    Row("content_refused invalid_request", NO, END, END, END),
    Row("auth out_of_credit not_entitled not_found provider_error unknown_outcome", UNKNOWN, END, NEXT, END),
    Row("transient rate_limited incomplete bad_audio result_expired", UNKNOWN, END, NEXT, END),
    Row("content_refused invalid_request", UNKNOWN, END, END, END),
    Row(" ".join(FailureClass), YES, END, END, END),
]
ROWS = [
    pytest.param(FailureClass(name), row, id=f"{name}, charged {row.charged}")
    for row in TABLE
    for name in row.classes.split()
]


@pytest.mark.parametrize(("failure_class", "row"), ROWS)
def test_the_step_after_a_failure_follows_from_its_class_and_who_charged(failure_class: FailureClass, row: Row) -> None:
    failed = failure(failure_class, row.charged)
    assert step_after(failed, OnUnknown.FAIL, model_left=True) is row.left
    assert step_after(failed, OnUnknown.FALLBACK, model_left=True) is row.left_and_go_on
    assert step_after(failed, OnUnknown.FAIL, model_left=False) is row.none_left
    assert step_after(failed, OnUnknown.FALLBACK, model_left=False) is row.none_left


def test_the_table_has_every_class_with_every_bill_once() -> None:
    rows = [(FailureClass(name), row.charged) for row in TABLE for name in row.classes.split()]
    assert sorted(rows) == sorted(product(FailureClass, ProviderCharged))


def chain(*providers: str, on_unknown: OnUnknown = OnUnknown.FAIL) -> Job:
    models = tuple(candidate(provider) for provider in providers)
    fallbacks = [model.model for model in models[1:]]
    asked = song_request(model=models[0].model, fallbacks=fallbacks, on_unknown=on_unknown)
    return queued_job(request=asked, candidates=models)


def refused(job: Job, why: Failure) -> Job:
    """The job after its next attempt failed."""
    attempt = claimed_attempt(job.candidate.provider, len(job.attempts) + 1, candidate=job.turn)
    return job.claimed(attempt, NOON).with_outcome(attempt.after(Refused(why), NOON), NOON)


def word(job: Job, world: World) -> StepKind:
    return next_step_of(job, world.clock(), PACE, retry_later_s=10).kind


def test_a_refusal_with_a_fallback_left_is_answered_by_the_next_provider_without_a_wait() -> None:
    job = refused(chain("minimax", "aimlapi"), rate_limited(retry_after_s=300))
    verdict = next_step_of(job, NOON, PACE, retry_later_s=10)
    assert (verdict.kind, verdict.not_before) == (StepKind.NEXT_PROVIDER, "2026-11-21T12:00:00Z")
    assert (job.status, job.candidate.provider) == (JobStatus.QUEUED, "aimlapi")


def test_the_last_model_is_ordered_from_again_after_a_pause_until_the_attempts_are_used_up() -> None:
    world, job = World(), chain("minimax", "aimlapi")
    words = []
    for _ in range(MAX_ATTEMPTS):
        job = refused(job, rate_limited())
        words.append(word(job, world))
    assert words == [StepKind.NEXT_PROVIDER, StepKind.RETRY_LATER, StepKind.RETRY_LATER, StepKind.FAILED]
    assert [attempt.candidate for attempt in job.attempts] == [0, 1, 1, 1]


def test_three_fallbacks_use_up_the_attempts() -> None:
    job = chain("minimax", "aimlapi", "minimax", "aimlapi")
    for _ in range(MAX_ATTEMPTS):
        job = refused(job, rate_limited())
    assert [attempt.candidate for attempt in job.attempts] == [0, 1, 2, 3]
    assert word(job, World()) is StepKind.FAILED


def test_no_fallback_begins_after_the_time_to_begin() -> None:
    world, job = World(), refused(chain("minimax", "aimlapi"), failure(FailureClass.AUTH))
    world.clock.pass_seconds(3601)
    assert word(job, world) is StepKind.FAILED
    assert not job.may_claim(world.clock())


def test_the_price_is_the_highest_of_the_chain_until_a_model_delivered() -> None:
    job = chain("aimlapi", "minimax")
    assert job.price_credits == 39
    attempt = claimed_attempt("minimax", candidate=1)
    ready = job.claimed(attempt, NOON).with_outcome(attempt.after(AudioInAnswer(), NOON), NOON)
    assert ready.price_credits == 39
    assert ready.with_tracks((stored_track(),), NOON).settled(None, NOON).price_credits == 30
    twice_refused = refused(refused(job, failure(FailureClass.AUTH)), failure(FailureClass.AUTH))
    assert twice_refused.settled(failure(FailureClass.AUTH), NOON).price_credits == 39


def test_the_estimate_follows_the_model_that_is_ordered_from() -> None:
    catalogue, job = read_catalogue(), chain("minimax", "aimlapi")
    requested, fallback = (catalogue.find(model.model) for model in job.candidates)
    assert requested is not None
    assert fallback is not None
    assert requested.estimate != fallback.estimate
    assert estimate_of(job, catalogue, InMemoryEstimates()) == requested.estimate
    assert estimate_of(refused(job, failure(FailureClass.AUTH)), catalogue, InMemoryEstimates()) == fallback.estimate


def test_a_refusal_of_a_task_that_was_accepted_says_nothing_about_the_bill() -> None:
    job = generating_job().model_copy(update={"candidates": (candidate("aimlapi"), candidate())})
    attempt = job.attempts[0].after(Refused(rate_limited()), NOON)
    assert attempt.provider_charged is attempt.failure.provider_charged is UNKNOWN  # type: ignore[union-attr]  # set
    assert word(job.with_outcome(attempt, NOON), World()) is StepKind.FAILED


@pytest.mark.parametrize(
    ("tracks", "link_renewals"),
    [pytest.param((stored_track(),), 0, id="a file is stored"), pytest.param((), 1, id="its link had died")],
)
def test_a_song_that_existed_once_is_never_ordered_from_another_provider(
    tracks: tuple[Track, ...], link_renewals: int
) -> None:
    attempt = claimed_attempt(state=AttemptState.GENERATING, link_renewals=link_renewals)
    job = chain("minimax", "aimlapi", on_unknown=OnUnknown.FALLBACK).claimed(claimed_attempt(), NOON)
    bought = job.with_outcome(attempt, NOON).model_copy(update={"tracks": tracks})
    failed = attempt.after(Refused(failure(FailureClass.PROVIDER_ERROR, UNKNOWN)), NOON)
    ended = bought.with_outcome(failed, NOON)
    assert word(ended, World()) is StepKind.FAILED
    assert not ended.may_claim(NOON)


# ---- the use cases with a chain


def start(world: World, job: Job, run: str = "run-1") -> StepKind:
    if world.jobs.load(JOB_ID) is None:
        world.jobs.create(job)
    return start_generation(JOB_ID, start_ports(world.remaining_ms), run).kind


def test_a_chain_delivers_the_song_of_its_fallback(tmp_path: Path) -> None:
    song = wav_file(1)
    world = World(scratch=tmp_path, upstream=FakeUpstream(json_answer({"error": "no credit"}, 403), hex_answer(song)))
    assert start(world, chain("aimlapi", "minimax")) is StepKind.NEXT_PROVIDER
    assert start(world, chain("aimlapi", "minimax"), "run-2") is StepKind.READY
    store_audio(JOB_ID, 2, store_ports(world.remaining_ms))
    settle_job(JOB_ID, None, settle_ports(), NOON)

    job = world.stored(JOB_ID)
    assert (job.status, job.price_credits) == (JobStatus.SUCCEEDED, 30)
    assert [(attempt.provider, attempt.provider_charged) for attempt in job.attempts] == [
        ("aimlapi", NO),
        ("minimax", YES),
    ]
    assert [sent.call.body["model"] for sent in world.upstream.sent if sent.call.body] == [
        "minimax/music-2.0",
        "music-2.5",
    ]


def test_a_missing_key_leads_to_the_next_provider_and_sends_nothing() -> None:
    world = World(keys=FixedProviderKeys({"aimlapi": {"second": "key-2"}}), upstream=FakeUpstream(json_answer(TASK)))
    assert start(world, chain("minimax", "aimlapi")) is StepKind.NEXT_PROVIDER
    assert start(world, chain("minimax", "aimlapi"), "run-2") is StepKind.GENERATING
    assert [(sent.provider, sent.key) for sent in world.upstream.sent] == [("aimlapi", "key-2")]
    assert [attempt.key_alias for attempt in world.stored(JOB_ID).attempts] == ["none", "second"]


@pytest.mark.parametrize(("on_unknown", "expected"), [("fail", StepKind.FAILED), ("fallback", StepKind.NEXT_PROVIDER)])
def test_a_claim_that_ran_out_is_followed_by_a_fallback_only_on_request(on_unknown: str, expected: StepKind) -> None:
    world = World(upstream=FakeUpstream(AnswerLostError("cut")))
    world.jobs.create(chain("minimax", "aimlapi", on_unknown=OnUnknown(on_unknown)))
    claimed = world.stored(JOB_ID).claimed(claimed_attempt(), NOON)
    world.jobs.save(claimed)
    world.clock.pass_seconds(961)
    assert resume_generation(JOB_ID, resume_ports(), world.clock()).kind is expected


def test_an_answer_that_arrives_after_the_fallback_began_marks_its_own_attempt_late() -> None:
    world = World(upstream=FakeUpstream(hex_answer(wav_file(1))))

    def another_run_goes_on() -> None:
        world.clock.pass_seconds(961)
        resume_generation(JOB_ID, resume_ports(), world.clock())
        job = world.stored(JOB_ID)
        world.jobs.save(job.claimed(claimed_attempt("aimlapi", 2, candidate=job.turn), NOON))

    world.upstream.while_sending = another_run_goes_on
    start(world, chain("minimax", "aimlapi", on_unknown=OnUnknown.FALLBACK))
    job = world.stored(JOB_ID)
    assert [attempt.late for attempt in job.attempts] == [True, False]
    assert (job.status, job.attempts[1].state) == (JobStatus.SUBMITTING, AttemptState.CLAIMED)


def test_a_task_that_ended_without_a_known_bill_goes_on_to_a_fallback_on_request() -> None:
    world = World(upstream=FakeUpstream(json_answer({"status": "error", "error": {"message": "sorry"}})))
    world.jobs.create(
        generating_job().model_copy(
            update={
                "candidates": (candidate("aimlapi"), candidate()),
                "request": song_request(model=AIML, on_unknown="fallback"),
            }
        )
    )
    assert poll_generation(JOB_ID, 1, poll_ports()).kind is StepKind.NEXT_PROVIDER
    assert world.stored(JOB_ID).status is JobStatus.QUEUED


def test_a_job_refused_by_every_model_fails_with_the_last_refusal() -> None:
    world = World(upstream=FakeUpstream(json_answer(OUT_OF_CREDIT), json_answer({"message": "who are you"}, 401)))
    words = [start(world, chain("minimax", "aimlapi"), run) for run in ("run-1", "run-2")]
    settle_job(JOB_ID, None, settle_ports(), NOON)
    job = world.stored(JOB_ID)
    assert words == [StepKind.NEXT_PROVIDER, StepKind.FAILED]
    assert job.failure is not None
    assert job.failure.failure_class is FailureClass.AUTH
    assert [attempt.failure.failure_class for attempt in job.attempts if attempt.failure] == [
        FailureClass.OUT_OF_CREDIT,
        FailureClass.AUTH,
    ]
