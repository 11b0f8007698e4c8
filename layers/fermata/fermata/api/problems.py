"""Problem documents (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, TypedDict

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from fermata.api.rate_limit_headers import reported_limits
from fermata.api.responses.problem import Charge, Problem, WrongField
from fermata.domain.web.problem import is_retryable, problem_type
from fermata.errors import (
    FermataError,
    FieldError,
    InsufficientScopeError,
    OutOfCreditError,
)

if TYPE_CHECKING:
    from fermata.domain.jobs.job import Job


class Facts(TypedDict, total=False):
    """Members that only some problems have."""

    required_scope: str
    balance_credits: int
    available_credits: int
    price_credits: int


def problem(
    api: APIGatewayHttpResolver,
    status: int,
    slug: str,
    title: str,
    detail: str,
    charged: Charge = None,
    fields: Sequence[FieldError] = (),
    facts: Facts | None = None,
    headers: dict[str, str] | None = None,
    *,
    retryable: bool = False,
) -> Response[str]:
    """A problem document with `facts` as additional members. It is retryable if its status is 429 or 503, or if
    `retryable` is set.
    """
    body = Problem.model_construct(
        type=problem_type(slug),
        title=title,
        status=status,
        detail=detail,
        errors=[WrongField.of(field) for field in fields],
        retryable=retryable or is_retryable(status),
        charged=charged,
        request_id=api.current_event.request_context.request_id,
        **(facts or {}),
    )
    again = {"Retry-After": "2"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(
        status, "application/problem+json", body.text(), {**reported_limits(api), **again, **(headers or {})}
    )


def facts_of(error: FermataError) -> Facts:
    """The members that an error adds to its problem document."""
    if isinstance(error, InsufficientScopeError):
        return {"required_scope": error.scope}
    if not isinstance(error, OutOfCreditError):
        return {}
    return {
        "balance_credits": error.balance,
        "available_credits": error.available,
        "price_credits": error.price,
    }


def without_track(
    api: APIGatewayHttpResolver, job: "Job", number: int | None, later: dict[str, str] | None = None
) -> Response[str]:
    """404 for a track that a delivered job permanently lacks, else 409. While the job is open, the 409 is retryable and
    `later` is its `Retry-After` header.
    """
    from fermata.domain.jobs.view import finished_tracks, missing_tracks, why_missing

    missing = next((each for each in missing_tracks(job) if each.number == number), None)
    if missing is not None:
        there = ", ".join(str(track.number) for track in finished_tracks(job))
        detail = f"track {number} is missing: {why_missing(missing)}; tracks of this job: {there}"
        return problem(api, HTTPStatus.NOT_FOUND, "not_found", "The resource does not exist", detail)
    wanted = "track yet" if number is None else f"track {number}"
    is_open = not job.status.is_terminal
    hint = "; look again when its status is succeeded" if is_open else ""
    detail = f"the job is {job.status} and has no {wanted}{hint}"
    title = "There is no such track"
    return problem(api, HTTPStatus.CONFLICT, "no_such_track", title, detail, headers=later, retryable=is_open)
