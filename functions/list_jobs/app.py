"""GET /v1/jobs."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.requests import api_url, caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.job import JobList
from fermata.domain.lists.page import parse_page_request
from fermata.use_cases.orders.list_jobs import list_jobs
from fermata.wiring.accounts import count_read
from fermata.wiring.orders import list_ports
from fermata.wiring.runtime import now

api = create_api(Scope.JOBS_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/jobs")
def get_jobs() -> Response[str]:
    """One page of the tenant's jobs, newest first."""
    event = api.current_event
    page = parse_page_request(caller(event).tenant_id, event.query_string_parameters)
    return answer(200, JobList.of(list_jobs(page, list_ports(), now()), api_url(event)))
