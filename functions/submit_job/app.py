"""POST /v1/jobs."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.job_view import job_view
from fermata.http_api import answer, api_url, caller, create_api, raw_body, retry_after
from fermata.log import logger
from fermata.use_cases.resume_generation import estimate_of
from fermata.use_cases.submit_job import submit_job
from fermata.wiring import job_randomness, now, submit_ports

api = create_api(charged="no")


@api.post("/v1/jobs")
def post_job() -> Response[str]:
    """202 with the stored job."""
    event, ports, moment = api.current_event, submit_ports(), now()
    job = submit_job(raw_body(event), caller(event).tenant_id, ports, moment, job_randomness())
    estimate = estimate_of(job, ports.catalogue)
    view = job_view(job, estimate, {}, api_url(event))
    headers = {"Location": f"{api_url(event)}/v1/jobs/{job.id}", **retry_after(job, estimate.p50_s, moment)}
    return answer(202, view, headers)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point of Lambda."""
    return api.resolve(event, context)
