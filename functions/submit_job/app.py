"""POST /v1/jobs, and POST /v1/quote, which checks an order in the same way and stores none."""

from aws_lambda_powertools.event_handler import Response

from fermata.api import answers, rate_limit_headers, requests, resolver
from fermata.api.job_answers import accepted, as_order, first_answers
from fermata.api.waiting import wished_wait_s
from fermata.use_cases.orders.estimates import estimator
from fermata.use_cases.orders.submit_job import Order, quote_job, submit_job
from fermata.use_cases.orders.wait_for_end import NOT_HELD, wait_for_end
from fermata.wiring.accounts import count_read, refused_orders, submits_left
from fermata.wiring.orders import submit_ports, wait_ports
from fermata.wiring.runtime import job_randomness, now

api = resolver.create_api(resolver.Scope.JOBS_WRITE, "no", look=submits_left, door=as_order(refused_orders, count_read))
lambda_handler = resolver.entry_point(api)


@api.post("/v1/jobs")
def post_job() -> Response[str]:
    """202 with the stored job, or with the answer to an earlier order with the key; 200 if the job ends in a wait."""
    rate_limit_headers.limit_free_calls(api, refused_orders())
    event, ports, moment = api.current_event, submit_ports(), now()
    who, address, key = requests.caller(event), requests.api_url(event), requests.idempotency_key(event)
    first_answer = first_answers(estimator(ports.catalogue, ports.estimates), address, moment)
    order = Order(requests.raw_body(event), who.tenant_id, key, first_answer, who)
    made = submit_job(order, ports, moment, job_randomness())
    wait_s = wished_wait_s(api, who, count_read if made.replayed else None)
    wait = NOT_HELD if wait_s is None else wait_for_end(made.job_id, who.tenant_id, wait_ports(), moment, wait_s)
    return accepted(made.answer, address, made.allowance, wait.held_s, replayed=made.replayed, ended=wait.ended)


@api.post("/v1/quote")
def post_quote() -> Response[str]:
    """The price and the estimate of an order with this body."""
    from fermata.api.responses.quote import Quote

    rate_limit_headers.limit(api, count_read)
    body, who, at = requests.raw_body(api.current_event), requests.caller(api.current_event), now()
    return answers.answer(200, Quote.of(quote_job(body, who.tenant_id, submit_ports(), at, who.cap), at))
