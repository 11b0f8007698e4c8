"""A job as callers see it: exactly the public fields, and nothing of the inside."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from fermata.api.responses.attempt import Attempt
from fermata.api.responses.job import Job as JobBody
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import MissingTrack
from fermata.domain.jobs.view import JobView, Link, finished_tracks
from fermata.domain.providers.failures import Failure, FailureClass, ProviderCharged
from fermata.domain.web.formats import rfc3339
from tests.fakes.clock import NOON
from tests.songs import (
    JOB_ID,
    LYRICS,
    PROMPT,
    claimed_attempt,
    delivered_job,
    failed_job,
    generating_job,
    missing_track,
    queued_job,
    rate_limited,
    ready_job,
    stored_track,
    suno_job,
)

API = "https://api.example.com"
ESTIMATE = Estimate(p50_s=70, p80_s=120)
LINK = Link("https://audio.example.com/1.mp3", NOON + timedelta(seconds=900))
FIELDS = {
    "id",
    "object",
    "status",
    "kind",
    "model",
    "fallbacks",
    "delivered_model",
    "title",
    "metadata",
    "created_at",
    "updated_at",
    "finished_at",
    "finish_by",
    "charged",
    "price_credits",
    "spent_credits",
    "units",
    "unit",
    "estimate",
    "attempt_count",
    "recovered_from",
    "api_key_id",
    "tracks",
    "missing_tracks",
    "error",
    "reference",
    "urls",
}


def view(job: Job) -> dict[str, object]:
    links = {track.number: LINK for track in finished_tracks(job)}
    return dict(JobBody.of(JobView(job, ESTIMATE, links), API).as_json())


@pytest.mark.parametrize("job", [queued_job(), generating_job(), delivered_job(), failed_job(rate_limited())])
def test_a_job_has_the_same_fields_in_every_state(job: Job) -> None:
    assert set(view(job)) == FIELDS


def test_a_queued_job() -> None:
    found = view(queued_job())
    assert (found["id"], found["object"], found["status"], found["model"]) == (
        JOB_ID,
        "job",
        "queued",
        "minimax/music-2.5",
    )
    assert (found["charged"], found["price_credits"], found["attempt_count"]) == ("held", 30, 0)
    assert (found["tracks"], found["error"], found["finished_at"]) == ([], None, None)
    assert found["created_at"] == "2026-11-21T12:00:00.000Z"
    assert found["estimate"] == {"p50_s": 70, "p80_s": 120, "ready_at": "2026-11-21T12:01:10.000Z"}
    assert found["urls"] == {
        "self": f"{API}/v1/jobs/{JOB_ID}",
        "cancel": f"{API}/v1/jobs/{JOB_ID}/cancel",
        "audio": f"{API}/v1/jobs/{JOB_ID}/audio",
        "live": None,
    }


def test_the_estimate_counts_from_the_order_once_there_is_one() -> None:
    job = queued_job().claimed(claimed_attempt(started_at=NOON + timedelta(minutes=10)), NOON)
    assert view(job)["estimate"] == {"p50_s": 70, "p80_s": 120, "ready_at": "2026-11-21T12:11:10.000Z"}


def test_a_delivered_job_shows_what_was_measured_and_a_link() -> None:
    found = view(delivered_job())
    assert (found["status"], found["estimate"], found["error"]) == ("succeeded", None, None)
    assert found["tracks"] == [
        {
            "number": 1,
            "url": LINK.url,
            "url_expires_at": "2026-11-21T12:15:00.000Z",
            "expires_at": "2027-11-21T12:00:00.000Z",
            "content_type": "audio/mpeg",
            "bytes": 813_651,
            "sha256": "ab" * 32,
            "source_sha256": "ab" * 32,
            "marks": [],
            "duration_ms": 25_364,
            "sample_rate_hz": 44_100,
            "channels": 2,
            "bitrate_bps": 256_000,
            "subtitles_url": None,
            "subtitles_vtt_url": None,
        }
    ]


def test_a_song_is_shown_only_once_its_job_succeeded() -> None:
    assert view(ready_job().with_tracks((stored_track(),), NOON))["tracks"] == []


def test_a_job_says_what_was_paid_and_which_songs_are_missing() -> None:
    stored = suno_job(2, made=3)
    found = view(stored.with_tracks(stored.tracks, NOON, (missing_track(1),)).settled(None, NOON))
    assert (found["price_credits"], found["spent_credits"], found["charged"]) == (20, 10, "yes")
    assert found["missing_tracks"] == [
        {"number": 1, "reason": "no audio was found behind the link"},
        {"number": 3, "reason": "the audio was made but could not be stored"},
    ]


def test_only_a_delivered_job_has_missing_songs() -> None:
    open_still = suno_job().with_tracks((stored_track(2),), NOON, (missing_track(1),))
    for job in (open_still, suno_job().with_tracks((), NOON, (missing_track(1),)).settled(rate_limited(), NOON)):
        assert (view(job)["missing_tracks"], view(job)["spent_credits"]) == ([], 0)


@pytest.mark.parametrize("failure_class", ["auth", "out_of_credit", "not_entitled", "rate_limited"])
def test_a_reason_reveals_nothing_of_the_operators_account(failure_class: str) -> None:
    failure = rate_limited().model_copy(
        update={
            "failure_class": FailureClass(failure_class),
            "message": "account 4711: canary",
            "provider_charged": ProviderCharged.YES,
        }
    )
    job = suno_job().with_tracks((stored_track(1),), NOON, (MissingTrack(number=2, reason=failure),))
    assert view(job.settled(None, NOON))["missing_tracks"] == [
        {"number": 2, "reason": "the provider was not available while the audio was to be fetched"}
    ]


def test_a_failed_job_says_why_and_who_was_charged() -> None:
    failure = rate_limited()
    found = view(failed_job(failure).settled(failure, NOON))
    assert found["error"] == {
        "class": "rate_limited",
        "code": "1002",
        "message": "too many requests",
        "retryable": True,
        "provider_charged": "no",
    }


@pytest.mark.parametrize("failure_class", FailureClass)
def test_an_error_says_whether_another_order_makes_sense(failure_class: FailureClass) -> None:
    failure = Failure(failure_class=failure_class, provider_charged=ProviderCharged.NO, message="no")
    error = view(failed_job(failure).settled(failure, NOON))["error"]
    hopeless = {"auth", "out_of_credit", "content_refused", "invalid_request", "not_entitled", "not_found"}
    assert isinstance(error, dict)
    assert error["retryable"] is (failure_class.value not in {*hopeless, "provider_error"})


def test_no_view_shows_the_request_or_internals() -> None:
    job = ready_job("https://cdn.example.com/a?Signature=canary").with_tracks((stored_track(),), NOON)
    text = json.dumps([view(job.settled(None, NOON)), Attempt.of(job.attempts[0]).as_json()])
    for inside in (PROMPT, LYRICS, "canary", "run-1", "object_key", "tenant", "acme", "version"):
        assert inside not in text


def test_an_attempt_has_exactly_the_public_fields() -> None:
    attempt = failed_job(rate_limited()).attempts[0]
    assert Attempt.of(attempt).as_json() == {
        "number": 1,
        "provider": "minimax",
        "model": "music-2.5",
        "key_alias": "default",
        "started_at": "2026-11-21T12:00:00.000Z",
        "finished_at": "2026-11-21T12:00:00.000Z",
        "provider_charged": "no",
        "error_class": "rate_limited",
        "raw_code": "1002",
        "upstream_id": None,
        "provider_units": None,
        "trace_id": None,
    }


def test_an_attempt_without_a_failure_has_no_error() -> None:
    shown = Attempt.of(generating_job().attempts[0]).as_json()
    assert (shown["error_class"], shown["raw_code"], shown["upstream_id"]) == (None, None, "uuid:minimax/music-2.0")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 7_999, tzinfo=UTC), "2026-01-02T03:04:05.007Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(moment: datetime | None, text: str | None) -> None:
    assert rfc3339(moment) == text
