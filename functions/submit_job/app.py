"""POST /v1/jobs."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.domain.job_view import job_view
from fermata.use_cases.estimating import estimate_of
from fermata.use_cases.submit_job import submit_job
from fermata.wiring import job_randomness, now, submit_ports

api = http_api.create_api(charged="no")
lambda_handler = http_api.entry_point(api)


@api.post("/v1/jobs")
def post_job() -> Response[str]:
    """202 with the stored job."""
    event, ports, moment = api.current_event, submit_ports(), now()
    job = submit_job(http_api.raw_body(event), http_api.caller(event).tenant_id, ports, moment, job_randomness())
    estimate, address = estimate_of(job, ports.catalogue, ports.estimates), http_api.api_url(event)
    headers = {"Location": f"{address}/v1/jobs/{job.id}", **http_api.retry_after(job, estimate.p50_s, moment)}
    return http_api.answer(202, job_view(job, estimate, {}, address), headers)
