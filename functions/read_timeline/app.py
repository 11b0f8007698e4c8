"""GET /v1/jobs/{id}/timeline."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import answer
from fermata.api.requests import caller
from fermata.api.resolver import Scope, create_api, entry_point
from fermata.api.responses.attempt import Timeline
from fermata.use_cases.orders.read_timeline import read_timeline
from fermata.wiring.accounts import count_read
from fermata.wiring.orders import timeline_ports

api = create_api(Scope.JOBS_READ, count=count_read)
lambda_handler = entry_point(api)


@api.get("/v1/jobs/<job_id>/timeline")
def get_timeline(job_id: str) -> Response[str]:
    """What happened to the job, and when."""
    return answer(200, Timeline.of(read_timeline(job_id, caller(api.current_event).tenant_id, timeline_ports())))
