"""GET /v1/jobs/{id} and what hangs below it, GET /v1/models; health checks and unknown routes end here too."""

from aws_lambda_powertools.event_handler import Response

from fermata import http_api
from fermata.domain.job_view import Link
from fermata.use_cases.read_jobs import link_to_audio, list_models, read_attempts, read_job
from fermata.wiring import count_read, now, read_ports

api = http_api.create_api(http_api.Scope.JOBS_READ, count=count_read)
lambda_handler = http_api.entry_point(api)


@api.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """The job with links minted now, or 304 for a caller who has it like that."""
    event, moment = api.current_event, now()
    found = read_job(job_id, http_api.caller(event).tenant_id, http_api.api_url(event), read_ports(), moment)
    headers = http_api.retry_after(found.job, found.usual_time_s, moment)
    return http_api.answer_unless_known(event, found.view, found.entity_tag, headers)


@api.get("/v1/jobs/<job_id>/audio")
def get_audio(job_id: str) -> Response[str]:
    """302 to a fresh link, or 409 while there is no such track."""
    number = http_api.track_number(api.current_event)
    found = link_to_audio(job_id, http_api.caller(api.current_event).tenant_id, number, read_ports(), now())
    return http_api.redirect(found.url) if isinstance(found, Link) else http_api.without_track(api, found, number)


@api.get("/v1/jobs/<job_id>/attempts")
def get_attempts(job_id: str) -> Response[str]:
    """What was tried, with whom, and who charged."""
    return http_api.answer(200, read_attempts(job_id, http_api.caller(api.current_event).tenant_id, read_ports()))


@api.get("/v1/models")
def get_models() -> Response[str]:
    """Every model on offer with its limits, its price and what its songs take."""
    return http_api.answer(200, list_models(read_ports(), now()))
