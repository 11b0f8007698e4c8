"""GET /v1/jobs/{id} and the routes below it, GET /v1/models, health checks and unknown routes."""

from aws_lambda_powertools.event_handler import Response

from fermata.api import answers, job_answers, requests, resolver
from fermata.api.responses import attempt, model
from fermata.use_cases.orders.read_jobs import find_job, link_to_audio, list_models, read_job
from fermata.wiring.accounts import count_read
from fermata.wiring.orders import original_ports, read_ports
from fermata.wiring.runtime import now

api = resolver.create_api(resolver.Scope.JOBS_READ, count=count_read)
lambda_handler = resolver.entry_point(api)


@api.get("/v1/jobs/<job_id>")
def get_job(job_id: str) -> Response[str]:
    """The job with fresh links, and its request if asked for; or 304 for a caller that has this version."""
    event, moment = api.current_event, now()
    return job_answers.shown(event, read_job(job_id, requests.caller(event).tenant_id, read_ports(), moment), moment)


@api.get("/v1/jobs/<job_id>/audio")
def get_audio(job_id: str) -> Response[str]:
    """302 to a fresh link, 404 for a track that is permanently missing, or 409 if there is no such track (yet)."""
    wanted, moment = requests.wanted_audio(api.current_event), now()
    return job_answers.audio(api, link_to_audio(job_id, wanted, original_ports(), moment), wanted.number, moment)


@api.get("/v1/jobs/<job_id>/attempts")
def get_attempts(job_id: str) -> Response[str]:
    """The job's attempts, their providers and whether those charged."""
    job = find_job(job_id, requests.caller(api.current_event).tenant_id, read_ports().jobs)
    return answers.answer(200, attempt.AttemptList.of(job))


@api.get("/v1/models")
def get_models() -> Response[str]:
    """The models on offer with their limits, prices and estimates; of one `kind`, and sorted, if the caller asks."""
    return answers.answer(200, model.ModelList.of(list_models(read_ports(), now(), requests.models(api.current_event))))
