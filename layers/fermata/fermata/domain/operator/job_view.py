"""A job as the operator sees it: real codes, trace ids and costs, and nothing of what the caller wrote."""

from pydantic import JsonValue

from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.shares import booked_at_claim
from fermata.domain.money.reports.usage_log import booked_for, costs_of
from fermata.domain.providers.failures import Failure
from fermata.domain.web.formats import rfc3339, usd


def operators_view(job: Job) -> dict[str, JsonValue]:
    """The record of a job, deleted or not. Costs are USD by the catalogue, after refunds."""
    cost, unknown = costs_of(job)
    return {
        "job_id": job.id,
        "tenant_id": job.tenant_id,
        "key_id": job.api_key_id,
        "status": job.status.value,
        "model": job.candidate.model,
        "models": [each.model for each in job.candidates],
        "created_at": rfc3339(job.created_at),
        "updated_at": rfc3339(job.updated_at),
        "finished_at": rfc3339(job.finished_at),
        "deleted_at": rfc3339(job.deleted_at),
        "start_by": rfc3339(job.start_by),
        "check_at": rfc3339(job.check_at),
        "publish_pending": job.publish_pending,
        "recovered_from": job.recovered_from,
        "charged": job.charged.value,
        "hold_credits": job.hold_credits,
        "price_credits": job.price_credits,
        "spent_credits": job.spent_credits,
        "unit": job.candidate.unit,
        "units": job.units,
        "booked_usd": usd(booked_for(job)),
        "cost_usd": usd(cost),
        "unknown_usd": usd(unknown),
        "error": _failure(job.failure or job.refusal),
        "songs": [track.number for track in job.tracks],
        "songs_missing": [each.number for each in job.missing],
        "attempts": [_attempt(attempt, job) for attempt in job.attempts],
    }


def _attempt(attempt: Attempt, job: Job) -> JsonValue:
    return {
        "number": attempt.number,
        "provider": attempt.provider,
        "model": attempt.model,
        "key_alias": attempt.key_alias,
        "state": attempt.state.value,
        "started_at": rfc3339(attempt.started_at),
        "claim_until": rfc3339(attempt.claim_until),
        "finished_at": rfc3339(attempt.finished_at),
        "provider_charged": attempt.provider_charged.value,
        "booked_usd": usd(booked_at_claim(attempt, job.candidates)),
        "cost_usd": usd(attempt.cost_micro_usd),
        "refunded_usd": usd(attempt.refunded_micro_usd),
        "reconciled_at": rfc3339(attempt.reconciled_at),
        "late": attempt.late,
        "upstream_id": attempt.upstream_id,
        "trace_id": attempt.support_id,
        "provider_units": None if attempt.provider_units is None else str(attempt.provider_units),
        "error": _failure(attempt.failure),
    }


def _failure(failure: Failure | None) -> JsonValue:
    """A failure as the provider reported it, without its message, which may quote the request."""
    if failure is None:
        return None
    return {"class": failure.failure_class.value, "code": failure.code, "http_status": failure.http_status}
