"""A job as callers see it: exactly the fields of the public contract, from a record and freshly minted links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from fermata.domain.candidates import Candidate, highest_price
from fermata.domain.catalogue import Estimate
from fermata.domain.failures import Failure, FailureClass
from fermata.domain.jobs import Attempt, Job, JobStatus, Track

_WORTH_ANOTHER_ORDER: Final = frozenset(
    {
        FailureClass.TRANSIENT,
        FailureClass.RATE_LIMITED,
        FailureClass.INCOMPLETE,
        FailureClass.BAD_AUDIO,
        FailureClass.RESULT_EXPIRED,
        FailureClass.UNKNOWN_OUTCOME,
    }
)


@dataclass(frozen=True)
class Link:
    """A signed download link and when it stops working."""

    url: str
    expires_at: datetime


def rfc3339(moment: datetime | None) -> str | None:
    """A UTC moment with milliseconds, or None."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def job_view(job: Job, estimate: Estimate | None, links: Mapping[int, Link], api_url: str) -> dict[str, JsonValue]:
    """The body of a job; `links` holds one for every finished track's number, `api_url` without a trailing slash. A
    finished job needs no estimate.
    """
    address = f"{api_url}/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "object": "job",
        "status": job.status.value,
        "model": job.request.model,
        "fallbacks": [candidate.model for candidate in job.candidates[1:]],
        "title": job.request.title,
        "metadata": dict(job.request.metadata),
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
        "finished_at": rfc3339(job.finished_at),
        "finish_by": rfc3339(job.request.finish_by),
        "charged": job.charged.value,
        "price_credits": job.price_credits,
        "estimate": None if estimate is None or job.status.is_terminal else estimate_view(job, estimate),
        "recovered_from": job.recovered_from,
        "attempt_count": len(job.attempts),
        "tracks": [_track_view(track, links[track.number]) for track in finished_tracks(job)],
        "error": _error_view(job.failure),
        "urls": {
            "self": address,
            "cancel": f"{address}/cancel" if job.may_cancel else None,
            "audio": f"{address}/audio",
        },
    }


def finished_tracks(job: Job) -> tuple[Track, ...]:
    """The files a caller may have: those of a delivered job."""
    return job.tracks if job.status is JobStatus.SUCCEEDED else ()


def estimate_view(job: Job, estimate: Estimate) -> dict[str, JsonValue]:
    """When the song should be ready: half of the jobs by `ready_at`."""
    return expectation_view(estimate, job.last_attempt.started_at if job.last_attempt else job.updated_at)


def quote_view(chain: Sequence[Candidate], estimate: Estimate, now: datetime) -> dict[str, JsonValue]:
    """What an order would cost and take if it came now: the requested model's price, and what would be held for the
    dearest of the chain.
    """
    return {
        "object": "quote",
        "model": chain[0].model,
        "fallbacks": [candidate.model for candidate in chain[1:]],
        "price_credits": chain[0].price_credits,
        "hold_credits": highest_price(chain),
        "estimate": expectation_view(estimate, now),
    }


def expectation_view(estimate: Estimate, began: datetime) -> dict[str, JsonValue]:
    """How long songs take that began then, and when half of them are ready."""
    ready_at = began + timedelta(seconds=estimate.p50_s)
    return {"p50_s": estimate.p50_s, "p80_s": estimate.p80_s, "ready_at": rfc3339(ready_at)}


def attempt_view(attempt: Attempt) -> dict[str, JsonValue]:
    """One attempt: what was tried, with whom, and whether the provider charged."""
    failure = attempt.failure
    return {
        "number": attempt.number,
        "provider": attempt.provider,
        "model": attempt.model,
        "key_alias": attempt.key_alias,
        "started_at": rfc3339(attempt.started_at),
        "finished_at": rfc3339(attempt.finished_at),
        "provider_charged": attempt.provider_charged.value,
        "error_class": failure.failure_class.value if failure else None,
        "raw_code": failure.code if failure else None,
        "upstream_id": attempt.upstream_id,
    }


def _track_view(track: Track, link: Link) -> dict[str, JsonValue]:
    return {
        "number": track.number,
        "url": link.url,
        "url_expires_at": rfc3339(link.expires_at),
        "expires_at": rfc3339(track.expires_at),
        "content_type": track.content_type,
        "bytes": track.bytes,
        "sha256": track.sha256,
        "duration_ms": track.duration_ms,
        "sample_rate_hz": track.sample_rate_hz,
        "channels": track.channels,
        "bitrate_bps": track.bitrate_bps,
    }


def _error_view(failure: Failure | None) -> dict[str, JsonValue] | None:
    if failure is None:
        return None
    return {
        "class": failure.failure_class.value,
        "code": failure.code,
        "message": failure.message,
        "retryable": failure.failure_class in _WORTH_ANOTHER_ORDER,
        "provider_charged": failure.provider_charged.value,
    }
