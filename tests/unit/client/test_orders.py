"""An order is bought once, and its handle says what becomes of it."""

import json
from datetime import UTC, datetime

import pytest

from fermata_client import errors
from tests.fakes.client.fake_fermata import (
    API_KEY,
    JOB_ID,
    FakeFermata,
    few_retries,
    lose,
    problem,
    say,
    unreachable,
)

FAILED = {"code": "1026", "message": "the words \x1b[31mare red", "retryable": False, "provider_charged": "no"}


def test_a_run_orders_waits_and_has_the_tracks() -> None:
    fermata = FakeFermata()

    handle = fermata.sync().run("minimax/music-2.5", prompt="indie folk", lyrics="la")

    assert handle.id == JOB_ID
    assert [track.info.number for track in handle.tracks] == [1]
    assert json.loads(fermata.requests[0].content) == {
        "model": "minimax/music-2.5",
        "prompt": "indie folk",
        "lyrics": "la",
    }
    assert fermata.requests[0].headers["Authorization"] == f"Bearer {API_KEY}"
    assert len(fermata.bought) == 1


def test_every_order_carries_a_key_of_its_own() -> None:
    fermata = FakeFermata()
    client = fermata.sync()

    first, second = client.submit("auto", prompt="a"), client.submit("auto", prompt="a")

    assert first.idempotency_key != second.idempotency_key
    assert set(fermata.bought) == {first.idempotency_key, second.idempotency_key}


@pytest.mark.parametrize("times", [1, 2])
def test_an_order_whose_answer_is_lost_is_asked_again_and_bought_once(times: int) -> None:
    fermata = FakeFermata()
    fermata.cues.extend([lose] * times)

    handle = fermata.sync(retries=few_retries()).submit("auto", prompt="a")

    assert list(fermata.bought) == [handle.idempotency_key]
    assert fermata.paths() == ["POST /v1/jobs"] * (times + 1)


def test_an_order_that_nobody_answers_names_the_key_with_which_it_is_bought_once() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([lose] * 3)
    client = fermata.sync(retries=few_retries())

    with pytest.raises(errors.NetworkError) as lost:
        client.submit("auto", prompt="a")
    client.submit("auto", prompt="a", idempotency_key=lost.value.idempotency_key)

    assert list(fermata.bought) == [lost.value.idempotency_key]


def test_an_order_of_a_text_for_auto_is_a_speech() -> None:
    fermata = FakeFermata()

    fermata.sync().submit("auto", text="Good evening.")
    fermata.sync().submit("auto", prompt="a", lyrics=None)

    assert json.loads(fermata.requests[0].content)["kind"] == "speech"
    assert json.loads(fermata.requests[1].content) == {"model": "auto", "prompt": "a"}


def test_a_moment_is_sent_in_utc_and_needs_a_time_zone() -> None:
    fermata = FakeFermata()

    fermata.sync().submit("auto", prompt="a", finish_by=datetime(2026, 11, 21, 18, 30, tzinfo=UTC))

    assert json.loads(fermata.requests[0].content)["finish_by"] == "2026-11-21T18:30:00Z"
    with pytest.raises(ValueError, match="time zone"):
        fermata.sync().submit("auto", prompt="a", finish_by=datetime(2026, 11, 21))  # noqa: DTZ001 - what is refused
    assert len(fermata.requests) == 1


def test_events_say_states_estimate_and_progress_by_fermatas_clock() -> None:
    fermata = FakeFermata(states=["queued", "queued", "generating", "succeeded"], clock_off_s=-7_200)

    updates = list(fermata.sync().submit("auto", prompt="a").events())

    assert [(each.status, each.changed) for each in updates] == [
        ("queued", True),
        ("queued", False),
        ("generating", True),
        ("succeeded", True),
    ]
    assert [each.remaining_s for each in updates] == [8, 6, 4, 0]
    assert [each.progress for each in updates] == [0, 0.25, 0.5, 1]
    assert [each.elapsed_s for each in updates] == [0, 2, 4, 8]


def test_pauses_between_looks_are_those_that_fermata_asks_for() -> None:
    fermata = FakeFermata()

    fermata.sync().submit("auto", prompt="a").wait()

    assert fermata.pauses == [2, 2]


def test_a_wait_that_is_over_has_the_id_of_the_job_which_goes_on() -> None:
    fermata = FakeFermata(states=["generating"])

    with pytest.raises(errors.WaitTimeoutError, match=JOB_ID) as over:
        fermata.sync().run("auto", prompt="a", timeout_s=5)

    assert over.value.job_id == JOB_ID
    assert isinstance(over.value, TimeoutError)
    assert fermata.slept_s == 5
    assert len(fermata.bought) == 1


def test_a_wait_outlasts_some_minutes_without_fermata_and_then_names_the_job() -> None:
    fermata = FakeFermata()
    handle = fermata.sync().submit("auto", prompt="a")
    fermata.cues.extend([unreachable, say(503, {"message": "Service Unavailable"}), lose] * 4)

    assert handle.wait().status == "succeeded"
    fermata.cues.extend([unreachable] * 100)
    with pytest.raises(errors.NetworkError) as lost:
        handle.wait()
    assert lost.value.job_id == JOB_ID
    assert 120 < fermata.slept_s < 1_200


def test_no_pause_of_a_wait_ends_after_its_time() -> None:
    fermata = FakeFermata()
    handle = fermata.sync().submit("auto", prompt="a")
    fermata.cues.extend([unreachable] * 100)

    with pytest.raises(errors.WaitTimeoutError, match="queued after 10 s") as over:
        handle.wait(timeout_s=10)
    with pytest.raises(errors.NetworkError) as lost:
        fermata.sync().job(JOB_ID).wait(timeout_s=10)

    assert (over.value.job_id, lost.value.job_id) == (JOB_ID, JOB_ID)
    assert isinstance(over.value.__cause__, errors.NetworkError)
    assert fermata.slept_s == 20
    assert [request.extensions["timeout"]["read"] for request in fermata.requests[1:3]] == [10, 9.5]


def test_a_single_look_is_less_patient_than_a_wait() -> None:
    fermata = FakeFermata()
    fermata.cues.extend([unreachable] * 100)

    with pytest.raises(errors.NetworkError):
        fermata.sync().job(JOB_ID).status()

    assert len(fermata.requests) == 6
    assert fermata.requests[0].extensions["timeout"] == {"connect": 10, "read": 60, "write": 60, "pool": 60}


@pytest.mark.parametrize("key", ["", "é", "a b", "a\n", "x" * 256])
def test_a_key_of_an_order_that_is_none_is_refused_before_anything_is_sent(key: str) -> None:
    fermata = FakeFermata()

    with pytest.raises(errors.SettingsError, match="idempotency key"):
        fermata.sync().submit("auto", prompt="a", idempotency_key=key)

    assert fermata.requests == []


def test_a_number_that_is_none_is_refused_before_anything_is_sent() -> None:
    fermata = FakeFermata()

    with pytest.raises(errors.SettingsError, match="no JSON"):
        fermata.sync().submit("auto", text="a", speed=float("nan"))

    assert fermata.requests == []


@pytest.mark.parametrize(
    ("state", "failure_class", "kind"),
    [
        ("failed", "content_refused", errors.ContentRefusedError),
        ("failed", "invalid_request", errors.JobRefusedError),
        ("failed", "transient", errors.ProviderError),
        ("failed", "a_class_of_next_year", errors.ProviderError),
        ("canceled", None, errors.JobCanceledError),
        ("expired", None, errors.JobExpiredError),
    ],
)
def test_a_job_without_audio_is_an_error_by_what_the_caller_can_do(
    state: str, failure_class: str | None, kind: type[errors.JobFailedError]
) -> None:
    fermata = FakeFermata(states=[state], error={"class": failure_class, **FAILED})

    with pytest.raises(kind) as failed:
        fermata.sync().run("auto", prompt="a")

    assert failed.value.job_id == JOB_ID
    assert failed.value.job.charged == "refunded"
    assert not failed.value.retryable
    assert "\x1b" not in str(failed.value)


def test_looking_at_a_job_that_failed_is_no_error() -> None:
    fermata = FakeFermata(states=["failed"], error={"class": "transient", **FAILED})
    handle = fermata.sync().job(JOB_ID)

    assert handle.status().status == "failed"
    assert [update.status for update in handle.events()] == ["failed"]
    assert handle.tracks == []
    with pytest.raises(errors.ProviderError):
        handle.result()


def test_a_handle_asks_nothing_by_itself() -> None:
    fermata = FakeFermata()
    handle = fermata.sync().job(JOB_ID)

    assert (handle.job, handle.idempotency_key, handle.tracks) == (None, None, [])
    with pytest.raises(LookupError, match="wait for it"):
        handle.result()
    assert fermata.requests == []


@pytest.mark.parametrize("lost", [False, True])
def test_a_cancel_whose_answer_was_lost_is_a_cancel_all_the_same(lost: bool) -> None:
    fermata = FakeFermata()
    handle = fermata.sync().submit("auto", prompt="a")
    fermata.cues.extend([lose] if lost else [])

    assert handle.cancel().status == "canceled"


def test_a_cancel_that_comes_too_late_is_a_conflict_with_the_jobs_id() -> None:
    fermata = FakeFermata(states=["generating"])
    handle = fermata.sync().submit("auto", prompt="a")
    fermata.cues.append(problem(409, "already_ordered"))

    with pytest.raises(errors.ConflictError) as late:
        handle.cancel()

    assert (late.value.code, late.value.job_id) == ("already_ordered", JOB_ID)


def test_subscribe_calls_back_at_each_look() -> None:
    fermata = FakeFermata()
    seen: list[str] = []

    handle = fermata.sync().subscribe("auto", lambda update: seen.append(update.status), prompt="a")

    assert seen == ["queued", "generating", "succeeded"]
    assert handle.result().status == "succeeded"


def test_an_id_of_a_job_cannot_reach_another_route() -> None:
    fermata = FakeFermata()

    with pytest.raises(errors.NotFoundError):
        fermata.sync().job("../account?x=1").status()

    assert fermata.requests[0].url.raw_path == b"/v1/jobs/..%2Faccount%3Fx%3D1"
