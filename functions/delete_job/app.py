"""DELETE /v1/jobs/{id}."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import accepted_silently
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.use_cases.orders.delete_job import delete_job
from fermata.wiring.accounts import count_change
from fermata.wiring.orders import delete_ports
from fermata.wiring.runtime import now

api = create_api(Scope.JOBS_WRITE, count=count_change)
lambda_handler = entry_point(api)


@api.delete("/v1/jobs/<job_id>")
def remove_job(job_id: str) -> Response[str]:
    """204 once the job's texts and files are deleted, or 409 while the job is open."""
    delete_job(job_id, caller(api.current_event).tenant_id, delete_ports(), now())
    return accepted_silently()
