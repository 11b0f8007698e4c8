"""POST /v1/jobs/{id}/cancel."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from fermata import http_api
from fermata.api.responses.job import Job
from fermata.domain.jobs.view import JobView
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring import job_store, now, refused_cancels


def count_refused(api: APIGatewayHttpResolver) -> None:
    """What is refused for its key or a parameter takes nothing back either."""
    http_api.limit_free_calls(api, refused_cancels())


api = http_api.create_api(http_api.Scope.JOBS_WRITE, door=count_refused)
lambda_handler = http_api.entry_point(api)


@api.post("/v1/jobs/<job_id>/cancel")
def post_cancel(job_id: str) -> Response[str]:
    """The canceled job, or 409 once its song is ordered or the job finished."""
    http_api.limit_free_calls(api, refused_cancels())
    event = api.current_event
    job = cancel_job(job_id, http_api.caller(event).tenant_id, job_store(), now())
    return http_api.answer(200, Job.of(JobView(job), http_api.api_url(event)))
