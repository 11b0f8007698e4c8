"""POST /v1/jobs, and POST /v1/quote, which checks an order in the same way and makes none."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.api.job_answers import accepted, as_order, first_answer
from fermata.api.responses.quote import Quote
from fermata.domain.jobs.job import Job
from fermata.domain.orders.idempotency import FirstAnswer
from fermata.use_cases.orders.estimates import estimate_of
from fermata.use_cases.orders.submit_job import Order, quote_job, submit_job
from fermata.use_cases.orders.wait_for_end import NOT_HELD, await_end
from fermata.wiring import count_read, job_randomness, now, refused_orders, submit_ports, submits_left, wait_ports

api = http_api.create_api(http_api.Scope.JOBS_WRITE, "no", look=submits_left, door=as_order(refused_orders, count_read))
lambda_handler = http_api.entry_point(api)


@api.post("/v1/jobs")
def post_job() -> Response[str]:
    """202 with the stored job, or what an earlier order with the key was told; 200 where it ends while one waits."""
    http_api.limit_free_calls(api, refused_orders())
    event, ports, moment = api.current_event, submit_ports(), now()
    who, address, key = http_api.caller(event), http_api.api_url(event), http_api.idempotency_key(event)

    def told(job: Job) -> FirstAnswer:
        return first_answer(job, estimate_of(job, ports.catalogue, ports.estimates), address, moment)

    made = submit_job(Order(http_api.raw_body(event), who.tenant_id, key, told), ports, moment, job_randomness())
    wait_s = http_api.wait_s(api, who, count_read if made.replayed else None)
    wait = NOT_HELD if wait_s is None else await_end(made.job_id, who.tenant_id, wait_ports(), moment, wait_s)
    return accepted(made.answer, address, made.allowance, wait.held_s, replayed=made.replayed, ended=wait.ended)


@api.post("/v1/quote")
def post_quote() -> Response[str]:
    """What an order with this body would cost and take."""
    http_api.limit(api, count_read)
    body, who, moment = http_api.raw_body(api.current_event), http_api.caller(api.current_event), now()
    return http_api.answer(200, Quote.of(quote_job(body, who.tenant_id, submit_ports(), moment), moment))
