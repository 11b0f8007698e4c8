"""What the state machine receives: words it knows, and numbers and instants its Wait states take."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest

from fermata.domain.catalogue.models import Estimate
from fermata.domain.catalogue.poll_schedule import LONGEST_WAIT_S, Pace
from fermata.domain.jobs.attempt import AttemptState
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import (
    NextStep,
    StepKind,
    asked_again,
    next_step_of,
    still_generating,
    waiting_for_admission,
)
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from tests.fakes.clock import NOON
from tests.songs import (
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    queued_job,
    rate_limited,
    ready_job,
    submitting_job,
)

MACHINE = Path(__file__).parents[4] / "statemachine" / "music_job.asl.json"
PACE = Pace(Estimate(p50_s=70, p80_s=90), longest_pause_s=15)
UNKNOWN = Failure(
    failure_class=FailureClass.UNKNOWN_OUTCOME, provider_charged=ProviderCharged.UNKNOWN, message="perhaps"
)


def verdict(job: Job, after_s: float = 0, retry_later_s: int = 10) -> NextStep:
    return next_step_of(job, NOON + timedelta(seconds=after_s), PACE, retry_later_s)


@pytest.mark.parametrize(
    ("job", "word", "attempt"),
    [
        pytest.param(queued_job(), StepKind.RETRY_LATER, 0, id="queued"),
        pytest.param(submitting_job(), StepKind.IN_FLIGHT, 1, id="claimed"),
        pytest.param(generating_job(), StepKind.GENERATING, 1, id="generating"),
        pytest.param(ready_job(), StepKind.READY, 1, id="ready"),
        pytest.param(failed_job(rate_limited()), StepKind.RETRY_LATER, 1, id="refused_without_charge"),
        pytest.param(failed_job(UNKNOWN), StepKind.FAILED, 1, id="unknown_outcome"),
        pytest.param(delivered_job(), StepKind.FAILED, 1, id="settled"),
    ],
)
def test_every_record_gives_the_state_machine_a_known_word(job: Job, word: StepKind, attempt: int) -> None:
    found = verdict(job)
    assert (found.kind, found.attempt) == (word, attempt)


def test_a_job_past_start_by_does_not_wait_for_a_turn() -> None:
    assert verdict(queued_job(), 3600).kind is StepKind.FAILED
    assert verdict(failed_job(rate_limited()), 3600).kind is StepKind.FAILED


@pytest.mark.parametrize(
    ("number", "asked_s", "instant"),
    [
        (1, None, "12:00:10"),
        (2, None, "12:00:20"),
        (3, None, "12:00:40"),
        (1, 3, "12:00:03"),
        (3, 25, "12:00:25"),
        (1, 0, "12:00:01"),
        (1, 86_400, "12:10:00"),
    ],
)
def test_a_refused_order_is_repeated_after_the_requested_or_a_doubling_pause(
    number: int, asked_s: int | None, instant: str
) -> None:
    attempt = claimed_attempt(number=number, state=AttemptState.FAILED, failure=rate_limited(asked_s))
    job = queued_job().claimed(attempt, NOON).with_outcome(attempt, NOON)
    assert verdict(job).not_before == f"2026-11-21T{instant}Z"


def test_a_claim_that_ends_soon_is_never_checked_before_its_end() -> None:
    job = queued_job().claimed(claimed_attempt(claim_until=NOON + timedelta(seconds=3.9)), NOON)
    # AWS cuts the fraction off, which must not wake a job before the claim's end.
    assert verdict(job).not_before == "2026-11-21T12:00:04.900000Z"
    assert verdict(job).not_before[:19] >= "2026-11-21T12:00:03.900"


def test_the_payload_holds_only_what_the_machine_reads() -> None:
    payload = verdict(generating_job()).as_payload()
    assert json.loads(json.dumps(payload)) == {
        "verdict": "generating",
        "attempt": 1,
        "wait_seconds": 49,
        "not_before": "2026-11-21T12:00:00Z",
    }


@pytest.mark.parametrize("job", [queued_job(), submitting_job(), generating_job(), ready_job(), delivered_job()])
@pytest.mark.parametrize("estimate", [Estimate(p50_s=1, p80_s=1), Estimate(p50_s=100_000, p80_s=100_000)])
def test_numbers_and_instants_are_what_a_wait_state_takes(job: Job, estimate: Estimate) -> None:
    found = next_step_of(job, NOON, Pace(estimate, 15), retry_later_s=1)
    assert 1 <= found.wait_seconds <= LONGEST_WAIT_S
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", found.not_before)


def test_a_job_waits_for_its_turn_to_the_millisecond_and_not_beyond_start_by() -> None:
    job = queued_job()
    soon, never = NOON + timedelta(milliseconds=250), job.start_by + timedelta(seconds=1)
    assert (waiting_for_admission(job, soon).kind, waiting_for_admission(job, soon).attempt) == (StepKind.WAIT_SLOT, 0)
    assert waiting_for_admission(job, soon).not_before == "2026-11-21T12:00:00.250000Z"
    assert waiting_for_admission(job, never).not_before == "2026-11-21T13:00:00Z"


def test_the_wait_for_a_running_task_is_bounded_and_the_wait_after_trouble_follows_its_settings() -> None:
    assert still_generating(claimed_attempt(), 3000).wait_seconds == LONGEST_WAIT_S
    assert asked_again(claimed_attempt(), 3000).wait_seconds == 3000


@pytest.mark.parametrize(
    ("elapsed_s", "wait_s"), [(0, 49), (40, 9), (49, 7), (80, 10), (180, 15), (181, 23), (3000, 300)]
)
def test_the_first_poll_of_a_task_depends_on_how_long_ago_it_was_ordered(elapsed_s: int, wait_s: int) -> None:
    assert verdict(generating_job(), elapsed_s).wait_seconds == wait_s


def test_the_machine_knows_every_word() -> None:
    machine = json.loads(MACHINE.read_text(encoding="utf-8"))
    decide = machine["States"]["DecideNext"]
    known = {choice["StringEquals"] for choice in decide["Choices"]}
    assert known == {word.value for word in StepKind}
