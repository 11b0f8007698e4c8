"""DELETE /v1/jobs/{id}."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring import count_change, delete_ports, now

api = http_api.create_api(http_api.Scope.JOBS_WRITE, count=count_change)
lambda_handler = http_api.entry_point(api)


@api.delete("/v1/jobs/<job_id>")
def remove_job(job_id: str) -> Response[str]:
    """204 once words and files are gone, or 409 while the job is open."""
    delete_job(job_id, http_api.caller(api.current_event).tenant_id, delete_ports(), now())
    return http_api.accepted_silently()
