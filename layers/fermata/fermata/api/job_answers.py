"""The answers about a job: to an order, which may be a replay and may wait; to a read of a job; and to a read of its
audio.
"""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from fermata.api.answers import answer, redirect
from fermata.api.problems import without_track
from fermata.api.rate_limit_headers import FreeCalls, Limit, limit, limit_free_calls, limit_headers
from fermata.api.requests import api_url, wants_request
from fermata.api.responses.job import Job
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.job import Job as StoredJob
from fermata.domain.jobs.view import JobView, Link
from fermata.domain.orders.idempotency import FirstAnswer
from fermata.domain.tenants.plan_limits import Allowance
from fermata.domain.web.entity_tag import entity_tag, is_known

LONGEST_RETRY_AFTER_S: Final = 30


def first_answers(
    estimate: Callable[[StoredJob], Estimate], address: str, now: datetime
) -> Callable[[StoredJob], FirstAnswer]:
    """A function that makes the answer to an order from its job, in a form that can be stored. `address` is this API's
    URL.
    """

    def first_answer(job: StoredJob) -> FirstAnswer:
        view = JobView(job, estimate(job))
        headers = {"Location": f"{address}/v1/jobs/{job.id}", **retry_after(view, now)}
        return FirstAnswer(headers=headers, body=Job.of(view, address).text())

    return first_answer


def accepted(
    first: FirstAnswer,
    address: str,
    allowance: Allowance | None = None,
    held_s: float | None = None,
    *,
    replayed: bool,
    ended: JobView | None = None,
) -> Response[str]:
    """202 for an order; 200 with the job if it `ended` while the request was held. A replay has the bytes of the first
    answer and a header that marks it as a replay. `held_s` is the granted wait in seconds, None for no wait.
    """
    mark = {"Idempotency-Replayed": "true"} if replayed else {}
    # After a wait, the allowance that was read before it is outdated.
    more = limit_headers(allowance) if held_s is None else {"Preference-Applied": f"wait={held_s:g}"}
    headers = {"Cache-Control": "no-store", **first.headers, **mark, **more}
    if ended is None:
        return Response(HTTPStatus.ACCEPTED, "application/json", first.body, headers)
    headers.pop("Retry-After", None)
    return Response(HTTPStatus.OK, "application/json", Job.of(ended, address).text(), headers)


def shown(event: APIGatewayProxyEventV2, view: JobView, now: datetime) -> Response[str]:
    """200 with a job, its request if asked for, and an entity tag of both; or 304 without a body if the caller's
    `If-None-Match` has that tag. Raises `InvalidRequestError` for a wrong `include`.
    """
    body = Job.of(view, api_url(event), with_request=wants_request(event))
    tag = entity_tag(body.as_json(), view.link_ttl_s, now)
    headers = {"ETag": tag, **retry_after(view, now)}
    if not is_known(event.headers.get("if-none-match", ""), tag):
        return answer(HTTPStatus.OK, body, headers)
    return Response(HTTPStatus.NOT_MODIFIED, "application/json", "", {"Cache-Control": "no-store", **headers})


def audio(api: APIGatewayHttpResolver, found: Link | JobView, number: int | None, now: datetime) -> Response[str]:
    """302 to a fresh link; else the problem that explains why the job has no such track, with `Retry-After` if it may
    still come.
    """
    if isinstance(found, Link):
        return redirect(found.url)
    return without_track(api, found.job, number, retry_after(found, now))


def retry_after(view: JobView, now: datetime) -> dict[str, str]:
    """The `Retry-After` header of an open job: the time to its expected end, from one second to half a minute."""
    if view.expected is None:
        return {}
    left = view.expected.p50_s - (now - view.job.created_at).total_seconds()
    return {"Retry-After": str(int(max(1, min(left, LONGEST_RETRY_AFTER_S))))}


def as_order(refused: Callable[[], FreeCalls], read: Limit) -> Callable[[APIGatewayHttpResolver], None]:
    """A function that counts an order that is refused before its route: a quote as a read, any other order as one that
    its route refuses.
    """

    def count(api: APIGatewayHttpResolver) -> None:
        if api.current_event.path == "/v1/quote":
            limit(api, read)
        else:
            limit_free_calls(api, refused())

    return count
