"""POST /v1/jobs/{id}/cancel."""

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from fermata.api.answers import answer
from fermata.api.rate_limit_headers import limit_free_calls
from fermata.api.requests import api_url, caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.job import Job
from fermata.domain.jobs.view import JobView
from fermata.use_cases.orders.cancel_job import cancel_job
from fermata.wiring.accounts import refused_cancels
from fermata.wiring.runtime import now
from fermata.wiring.stores import job_store


def count_refused(api: APIGatewayHttpResolver) -> None:
    """Count a request that is refused for its scope or a parameter: it cancels nothing either."""
    limit_free_calls(api, refused_cancels())


api = create_api(Scope.JOBS_WRITE, door=count_refused)
lambda_handler = entry_point(api)


@api.post("/v1/jobs/<job_id>/cancel")
def post_cancel(job_id: str) -> Response[str]:
    """The canceled job, or 409 once its song is ordered or the job finished."""
    limit_free_calls(api, refused_cancels())
    event = api.current_event
    job = cancel_job(job_id, caller(event).tenant_id, job_store(), now())
    return answer(200, Job.of(JobView(job), api_url(event)))
