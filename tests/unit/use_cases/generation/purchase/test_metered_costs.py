"""The budget books an upper bound before the order (twice a text's characters, the longest length that is sold by the
minute), and what was really taken once the answer says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter

from fermata.domain.catalogue.models import read_catalogue
from fermata.domain.catalogue.units import cost_in_micro_usd
from fermata.domain.finish.redelivery import recovered_job
from fermata.domain.jobs.claim import closed_as_unknown, next_attempt
from fermata.domain.jobs.job import Job
from fermata.domain.money.reports.spend import spend_of
from fermata.domain.money.reports.usage_log import line_of
from fermata.domain.orders.candidates import candidate_of
from fermata.domain.orders.order_request import SongRequest, find_model
from fermata.domain.providers.calls import (
    AudioAt,
    AudioInAnswer,
    AudioInEvents,
    AudioIsAnswer,
    Metered,
    Refused,
    StartOutcome,
    TaskStarted,
)
from fermata.domain.providers.failures import FailureClass, unknown_outcome, unpaid
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, start_ports
from tests.fakes.clock import NOON
from tests.fakes.providers.upstream import FakeUpstream, ScriptedAnswer
from tests.fakes.world import World
from tests.songs import JOB_ID, json_answer, queued_job
from tests.speech import AIML, BOSS, HD, MODELS, TEXT, linked_answer, speech_job, spoken_answer, streamed_answer

SPEECH = b"ID3" + bytes(5000)
LINK = "https://cdn.aimlapi.com/a.mp3"
PER_CHARACTER = {HD: 100, BOSS: 100, AIML: 130}
"""Millionths of a USD."""


def started(model: str, answer: ScriptedAnswer, **changes: object) -> World:
    world = World(upstream=FakeUpstream(answer))
    world.jobs.create(speech_job(model, **changes))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    return world


def booked(world: World) -> int:
    return sum(world.brakes.spent.values())


@pytest.mark.parametrize("model", MODELS)
def test_an_order_is_sent_with_its_text_and_books_twice_its_characters(model: str) -> None:
    seen: list[int] = []
    world = World(upstream=FakeUpstream(ScriptedAnswer(SPEECH, content_type="audio/mpeg")))
    world.upstream.while_sending = lambda: seen.append(booked(world))
    world.jobs.create(speech_job(model))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    sent = world.upstream.sent[0].call
    assert TEXT in str(sent.body)
    assert seen == [2 * len(TEXT) * PER_CHARACTER[model]]
    attempt = world.stored(JOB_ID).attempts[0]
    # This answer counts nothing, so the upper bound stays.
    assert (attempt.cost_micro_usd, booked(world), attempt.provider_units) == (seen[0], seen[0], None)


@pytest.mark.parametrize("characters", [1, len(TEXT), 2 * len(TEXT), 5 * len(TEXT)])
def test_the_characters_that_the_provider_counts_correct_cost_and_budget(characters: int) -> None:
    world = started(HD, spoken_answer(SPEECH, characters))
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.provider_units == Decimal(characters)
    assert attempt.cost_micro_usd == booked(world) == characters * 100


def test_the_characters_that_a_stream_counts_correct_cost_and_budget() -> None:
    world = started(HD, streamed_answer(SPEECH, 10), live=True)
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.state.value, attempt.provider_units) == ("ready", Decimal(10))
    assert attempt.cost_micro_usd == booked(world) == 1000


def test_the_amount_that_the_provider_states_is_the_cost() -> None:
    world = started(AIML, linked_answer(LINK, 0.0037705, 7541))
    attempt = world.stored(JOB_ID).attempts[0]
    assert (attempt.provider_units, attempt.provider_micro_usd) == (Decimal(7541), 3770)
    assert attempt.cost_micro_usd == booked(world) == 3770


def minutes_started(usage: object) -> World:
    model = find_model("aimlapi/elevenlabs/eleven_music", "/model", read_catalogue())
    request = SongRequest(model=model.id, prompt="rain")
    ordered = candidate_of(model, request, None, 0)
    body = {"id": "uuid:eleven_music", "status": "queued", "meta": {"usage": usage}}
    world = World(upstream=FakeUpstream(json_answer(body)))
    world.jobs.create(queued_job(candidates=(ordered,), request=request))
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    return world


def test_the_amount_that_an_accepted_task_states_replaces_the_longest_length_that_was_booked() -> None:
    world = minutes_started({"credits_used": 416_000, "usd_spent": 0.208})
    attempt = world.stored(JOB_ID).attempts[0]
    assert world.stored(JOB_ID).candidate.cost_micro_usd == 5_200_000
    assert (attempt.state.value, attempt.provider_units) == ("generating", Decimal(416_000))
    assert attempt.cost_micro_usd == booked(world) == 208_000


@pytest.mark.parametrize("usage", [None, {}, {"credits_used": 1, "usd_spent": 0}, {"credits_used": 1, "usd_spent": -1}])
def test_an_accepted_task_that_states_no_amount_keeps_the_longest_length_booked(usage: object) -> None:
    world = minutes_started(usage)
    assert world.stored(JOB_ID).attempts[0].cost_micro_usd == booked(world) == 5_200_000


def test_a_task_that_was_accepted_and_then_failed_stays_booked_at_the_amount_that_it_stated() -> None:
    world = minutes_started({"credits_used": 416_000, "usd_spent": 0.208})
    job = world.stored(JOB_ID)
    failed = job.attempts[0].after(Refused(unknown_outcome("the task failed")), NOON)
    ended = job.with_outcome(failed, NOON)
    assert (ended.attempts[0].cost_micro_usd, ended.to_book, booked(world)) == (208_000, None, 208_000)


def test_the_customers_price_does_not_follow_the_providers_count() -> None:
    job = started(HD, spoken_answer(SPEECH, 5000)).stored(JOB_ID)
    assert (job.price_credits, job.units, job.hold_credits) == (1, len(TEXT) / 1000, 1)


def test_a_count_in_a_late_answer_corrects_what_the_closed_claim_had_booked() -> None:
    world = World(upstream=FakeUpstream(spoken_answer(SPEECH, 10)))
    world.jobs.create(speech_job())

    def close() -> None:
        world.clock.pass_seconds(961)
        resume_generation(JOB_ID, resume_ports(), world.clock())

    world.upstream.while_sending = close
    start_generation(JOB_ID, start_ports(world.remaining_ms), "run-1")
    attempt = world.stored(JOB_ID).attempts[0]
    assert attempt.late
    assert attempt.cost_micro_usd == booked(world) == 1000


def test_a_second_run_that_reads_the_same_answer_books_nothing_more() -> None:
    world = started(HD, spoken_answer(SPEECH, 10))
    resume_generation(JOB_ID, resume_ports(), world.clock())
    assert booked(world) == 1000


def test_a_redelivery_reads_the_same_count_and_books_nothing() -> None:
    world = started(HD, spoken_answer(SPEECH, 10))
    job = world.stored(JOB_ID).settled(unknown_outcome("lost"), NOON)
    again = recovered_job(job, job.attempts[0], AudioInAnswer(metered=Metered(Decimal(10))), NOON)
    assert (again.attempts[0].cost_micro_usd, again.to_book) == (0, None)


COUNTS = st.one_of(st.none(), st.integers(1, 10**6))
OUTCOMES: st.SearchStrategy[StartOutcome] = st.one_of(
    COUNTS.map(lambda n: AudioInAnswer(metered=None if n is None else Metered(Decimal(n)))),
    COUNTS.map(lambda n: AudioInEvents(metered=None if n is None else Metered(Decimal(n)))),
    COUNTS.map(lambda n: AudioAt(LINK, metered=None if n is None else Metered(Decimal(n), n // 3))),
    COUNTS.map(lambda n: TaskStarted("task", metered=None if n is None else Metered(Decimal(n), n // 3))),
    st.just(AudioIsAnswer()),
    st.just(Refused(unpaid(FailureClass.RATE_LIMITED, "1002", "too many requests"))),
    st.just(Refused(unknown_outcome("cut"))),
)


@dataclass
class Books:
    """A job, and every amount that its writes booked."""

    job: Job
    amounts: list[int] = field(default_factory=list)

    def write(self, job: Job) -> None:
        self.job = job
        self.amounts += [job.to_book.micro_usd] if job.to_book else []


Course = Sequence[tuple[StartOutcome, bool]]
COURSES = st.lists(st.tuples(OUTCOMES, st.booleans()), min_size=1, max_size=4)
KINDS = st.sampled_from([HD, AIML, "song"])


def written(course: Course, model: str) -> Books:
    """The books of a job whose attempts have these outcomes, in time or late."""
    books = Books(queued_job() if model == "song" else speech_job(model))
    for number, (outcome, is_late) in enumerate(course, start=1):
        if not books.job.may_claim(NOON):
            break
        attempt = next_attempt(books.job, "default", f"run-{number}", NOON, NOON + timedelta(hours=1))
        books.write(books.job.claimed(attempt, NOON))
        claimed = books.job.attempts[-1]
        answered = claimed.after(outcome, NOON)
        if is_late:
            books.write(books.job.with_outcome(closed_as_unknown(claimed, NOON), NOON))
            books.write(books.job.with_late_answer(number, NOON, answered))
        else:
            books.write(books.job.with_outcome(answered, NOON))
    return books


@given(COURSES, KINDS)
def test_the_bookings_of_a_job_add_up_to_what_its_attempts_cost(course: Course, model: str) -> None:
    books = written(course, model)
    costs = [each.cost_micro_usd for each in books.job.attempts if each.provider_charged.value != "no"]
    assert sum(books.amounts) == sum(costs)
    for each in books.job.attempts:
        ordered = books.job.candidates[each.candidate]
        if each.provider_micro_usd is not None:
            assert each.cost_micro_usd == each.provider_micro_usd
        elif each.provider_units is not None:
            assert each.cost_micro_usd == cost_in_micro_usd(
                ordered.unit, int(each.provider_units), ordered.unit_micro_usd
            )
        else:
            assert each.cost_micro_usd == ordered.cost_micro_usd


class Row(BaseModel):
    """What `admin spend` says of one model, or of all."""

    booked_usd: Decimal
    cost_usd: Decimal
    unknown_usd: Decimal


TOTALS = TypeAdapter(Row)
ROWS = TypeAdapter(list[Row])
MOST = 2 * len(TEXT)
WITHIN: st.SearchStrategy[StartOutcome] = st.one_of(
    st.integers(1, MOST).map(lambda n: AudioInAnswer(metered=Metered(Decimal(n)))),
    st.integers(1, MOST).map(lambda n: AudioInEvents(metered=Metered(Decimal(n)))),
    st.integers(0, MOST * 100).map(lambda amount: AudioAt(LINK, metered=Metered(Decimal(1), amount))),
    st.just(AudioIsAnswer()),
    st.just(Refused(unpaid(FailureClass.RATE_LIMITED, "1002", "too many requests"))),
    st.just(Refused(unknown_outcome("cut"))),
)


@given(
    st.lists(
        st.tuples(st.lists(st.tuples(WITHIN, st.booleans()), min_size=1, max_size=4), st.sampled_from([HD, AIML])),
        min_size=1,
        max_size=3,
    )
)
def test_what_speech_costs_is_at_most_what_was_booked_for_it_where_a_character_counts_at_most_two(
    courses: Sequence[tuple[Course, str]],
) -> None:
    ends = [written(course, model).job.settled(unknown_outcome("lost"), NOON) for course, model in courses]
    told = spend_of([line_of(each) for each in ends], None)
    totals = TOTALS.validate_python(told["total"])
    rows = ROWS.validate_python(told["models"])
    for row in (totals, *rows):
        assert row.cost_usd + row.unknown_usd <= row.booked_usd
    assert sum(row.booked_usd for row in rows) == totals.booked_usd
    paid = [(end, each) for end in ends for each in end.attempts if each.provider_charged.value != "no"]
    bounds = [2 * len(TEXT) * PER_CHARACTER[end.candidate.model] for end, _ in paid]
    assert totals.booked_usd == Decimal(sum(bounds)) / 1_000_000
