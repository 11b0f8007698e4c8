"""POST /v1/references."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.rate_limit_headers import report_limit
from fermata.api.requests import caller, raw_body
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.reference import Reference
from fermata.use_cases.orders.create_reference import create_reference
from fermata.wiring.accounts import admit, count_change
from fermata.wiring.orders import create_reference_ports
from fermata.wiring.runtime import job_randomness, now

api = create_api(Scope.JOBS_WRITE, count=count_change, admit=admit)
lambda_handler = entry_point(api)


@api.post("/v1/references")
def post_reference() -> Response[str]:
    """201 with an id and the form to upload a recording with."""
    body, tenant_id = raw_body(api.current_event), caller(api.current_event).tenant_id
    offer = create_reference(body, tenant_id, create_reference_ports(), now(), job_randomness())
    report_limit(api, offer.allowance)
    return answer(201, Reference.of(offer))
