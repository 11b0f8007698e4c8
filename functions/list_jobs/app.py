"""GET /v1/jobs."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.api.responses.job import JobList
from fermata.domain.jobs.page import parse_page_request
from fermata.use_cases.orders.list_jobs import list_jobs
from fermata.wiring import count_read, list_ports, now

api = http_api.create_api(http_api.Scope.JOBS_READ, count=count_read)
lambda_handler = http_api.entry_point(api)


@api.get("/v1/jobs")
def get_jobs() -> Response[str]:
    """One page of the tenant's jobs, newest first."""
    event = api.current_event
    page = parse_page_request(http_api.caller(event).tenant_id, event.query_string_parameters)
    return http_api.answer(200, JobList.of(list_jobs(page, list_ports(), now()), http_api.api_url(event)))
