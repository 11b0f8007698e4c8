"""GET /v1/jobs/{id} and what hangs below it, and GET /v1/models; every unknown route ends here too."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.job_view import Link
from fermata.domain.model_view import models_view
from fermata.http_api import answer, api_url, caller, create_api, redirect, retry_after, track_number, without_track
from fermata.log import logger
from fermata.use_cases.read_jobs import find_job, link_to_audio, read_attempts, show_job
from fermata.use_cases.resume_generation import estimate_of
from fermata.wiring import now, read_ports

api = create_api()


@api.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """The job with links minted now."""
    ports, moment = read_ports(), now()
    job = find_job(job_id, caller(api.current_event).tenant_id, ports.jobs)
    view = show_job(job, api_url(api.current_event), ports, moment)
    return answer(200, view, retry_after(job, estimate_of(job, ports.catalogue).p50_s, moment))


@api.get("/v1/jobs/<job_id>/audio")
def get_audio(job_id: str) -> Response[str]:
    """302 to a fresh link, or 409 while there is no such track."""
    number = track_number(api.current_event)
    found = link_to_audio(job_id, caller(api.current_event).tenant_id, number, read_ports(), now())
    return redirect(found.url) if isinstance(found, Link) else without_track(api, found, number)


@api.get("/v1/jobs/<job_id>/attempts")
def get_attempts(job_id: str) -> Response[str]:
    """What was tried, with whom, and who charged."""
    return answer(200, read_attempts(job_id, caller(api.current_event).tenant_id, read_ports()))


@api.get("/v1/models")
def get_models() -> Response[str]:
    """Every model on offer with its limits and its price."""
    return answer(200, models_view(read_ports().catalogue))


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Entry point of Lambda."""
    return api.resolve(event, context)
