"""POST /v1/references."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.api.responses.reference import Reference
from fermata.use_cases.orders.create_reference import create_reference
from fermata.wiring import count_change, create_reference_ports, job_randomness, now

api = http_api.create_api(http_api.Scope.JOBS_WRITE, count=count_change)
lambda_handler = http_api.entry_point(api)


@api.post("/v1/references")
def post_reference() -> Response[str]:
    """201 with an id and the form to upload a recording with."""
    body, tenant_id = http_api.raw_body(api.current_event), http_api.caller(api.current_event).tenant_id
    offer = create_reference(body, tenant_id, create_reference_ports(), now(), job_randomness())
    http_api.tell_too(api, offer.allowance)
    return http_api.answer(201, Reference.of(offer))
