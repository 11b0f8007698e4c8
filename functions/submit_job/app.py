"""POST /v1/jobs, and POST /v1/quote, which checks an order in the same way and makes none."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.domain.idempotency import FirstAnswer
from fermata.domain.job_view import job_view
from fermata.domain.jobs import Job
from fermata.use_cases.estimating import estimate_of
from fermata.use_cases.submit_job import Order, quote_job, submit_job
from fermata.wiring import job_randomness, now, submit_ports

api = http_api.create_api(http_api.Scope.JOBS_WRITE, charged="no")
lambda_handler = http_api.entry_point(api)


@api.post("/v1/jobs")
def post_job() -> Response[str]:
    """202 with the stored job, or once more what an order with the same idempotency key was told first."""
    event, ports, moment = api.current_event, submit_ports(), now()

    def told(job: Job) -> FirstAnswer:
        estimate, address = estimate_of(job, ports.catalogue, ports.estimates), http_api.api_url(event)
        headers = {"Location": f"{address}/v1/jobs/{job.id}", **http_api.retry_after(job, estimate.p50_s, moment)}
        return http_api.first_answer(job_view(job, estimate, {}, address), headers)

    tenant_id, key = http_api.caller(event).tenant_id, http_api.idempotency_key(event)
    submission = submit_job(Order(http_api.raw_body(event), tenant_id, key, told), ports, moment, job_randomness())
    return http_api.accepted(submission.answer, replayed=submission.replayed)


@api.post("/v1/quote")
def post_quote() -> Response[str]:
    """What an order with this body would cost and take."""
    event = api.current_event
    body, tenant_id = http_api.raw_body(event), http_api.caller(event).tenant_id
    return http_api.answer(200, quote_job(body, tenant_id, submit_ports(), now()))
