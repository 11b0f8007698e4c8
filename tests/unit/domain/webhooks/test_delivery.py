"""When a webhook is tried, and what an answer means."""

from itertools import pairwise

import pytest

from fermata.api.responses.webhook import WebhookAttempt
from fermata.domain.webhooks.delivery import (
    JITTER,
    SCHEDULE_S,
    Answered,
    NoAnswer,
    NotAnswered,
    Outcome,
    Reply,
    Step,
    Try,
    Verdict,
    attempt_after,
    is_overtaken,
    pause_s,
    step_after,
)
from tests.fakes.clock import NOON
from tests.webhooks import ORIGIN

LAST = len(SCHEDULE_S)
BUSY = Answered(503)


def after(reply: Reply, number: int = 1, replay: int = 0) -> tuple[Outcome, Step]:
    attempt = attempt_after(reply, Try(replay, number), ORIGIN, NOON, 0.0)
    return attempt.outcome, step_after(attempt)


def test_the_schedule_is_the_one_of_the_specification() -> None:
    minute, hour = 60, 3600
    assert (
        *(0, 5, 5 * minute, 30 * minute),
        *(2 * hour, 5 * hour, 10 * hour, 14 * hour, 20 * hour, 24 * hour),
    ) == SCHEDULE_S
    since_the_start = [sum(SCHEDULE_S[:number]) for number in range(1, LAST + 1)]
    assert since_the_start[-1] == 75 * hour + 35 * minute + 5
    assert all(one < other for one, other in pairwise(SCHEDULE_S))


@pytest.mark.parametrize("number", range(1, LAST))
def test_a_pause_is_the_schedules_with_a_little_more(number: int) -> None:
    pauses = [pause_s(BUSY, number, chance) for chance in (0.0, 0.5, 1.0)]
    assert pauses[0] == SCHEDULE_S[number]
    assert pauses[-1] == round(SCHEDULE_S[number] * (1 + JITTER))
    assert sorted(pauses) == pauses


@pytest.mark.parametrize(
    ("number", "asked", "pause"),
    [(1, 3, 5), (1, 60, 60), (1, 86_400, 86_400), (2, 60, 300), (9, 3600, 86_400), (1, None, 5)],
)
def test_the_retry_after_of_a_receiver_lengthens_a_pause_and_never_shortens_it(
    number: int, asked: int | None, pause: int
) -> None:
    assert pause_s(Answered(429, asked), number, 0.0) == pause


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_delivery(status: int) -> None:
    assert after(Answered(status)) == (Outcome.DELIVERED, Step(Verdict.DELIVERED, 1))


@pytest.mark.parametrize(
    "reply",
    [
        *(
            Answered(status)
            for status in (100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 404, 429, 500, 502, 503, 504)
        ),
        NotAnswered(NoAnswer.TIMEOUT),
    ],
)
def test_everything_else_is_tried_again(reply: Reply) -> None:
    assert after(reply) == (Outcome.FAILED, Step(Verdict.RETRY, 2, 5))


def test_a_receiver_that_is_gone_is_left_alone() -> None:
    assert after(Answered(410)) == (Outcome.GONE, Step(Verdict.STOPPED, 1))


def test_after_the_last_try_there_is_none() -> None:
    assert after(BUSY, LAST - 1)[1] == Step(Verdict.RETRY, LAST, SCHEDULE_S[-1])
    assert after(BUSY, LAST) == (Outcome.GIVEN_UP, Step(Verdict.GIVEN_UP, LAST))


def test_a_failing_delivery_is_tried_ten_times() -> None:
    step, tried = Step(Verdict.RETRY, 1), 0
    while step.verdict is Verdict.RETRY:
        step, tried = after(BUSY, step.number)[1], tried + 1
    assert (tried, step.verdict) == (10, Verdict.GIVEN_UP)


def test_only_a_later_delivery_that_arrived_overtakes_an_earlier_one() -> None:
    arrived, failed = (attempt_after(reply, Try(1, 1), ORIGIN, NOON, 0.0) for reply in (Answered(200), BUSY))
    assert is_overtaken(Try(0, 5), [arrived])
    assert not is_overtaken(Try(0, 5), [failed])
    assert not is_overtaken(Try(1, 2), [arrived])
    assert not is_overtaken(Try(2, 1), [arrived])


def test_a_try_is_shown_without_the_path_of_its_address() -> None:
    attempt = attempt_after(Answered(503, 60), Try(0, 2), ORIGIN, NOON, 0.0)
    assert WebhookAttempt.of(attempt).as_json() == {
        "replay": 0,
        "number": 2,
        "at": "2026-11-21T12:00:00.000Z",
        "origin": ORIGIN,
        "outcome": "failed",
        "status_code": 503,
        "error": None,
        "next_try_at": "2026-11-21T12:05:00.000Z",
    }


def test_a_try_without_an_answer_says_why() -> None:
    view = WebhookAttempt.of(attempt_after(NotAnswered(NoAnswer.TIMEOUT), Try(3, LAST), ORIGIN, NOON, 0.0)).as_json()
    assert (view["status_code"], view["error"], view["outcome"]) == (None, "timeout", "given_up")
    assert (view["replay"], view["next_try_at"]) == (3, None)
