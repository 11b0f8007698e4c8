"""States StartGeneration (may_post true) and ResumeGeneration (may_post false)."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import resume_ports, start_ports
from fermata.wiring.runtime import claim_id, now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object]:
    """The next step for the state machine. Only an explicit `may_post: true` can lead to the paid request."""
    logger.append_keys(job_id=event["job_id"])
    if event["may_post"] is True:
        ports = start_ports(context.get_remaining_time_in_millis)
        step = start_generation(event["job_id"], ports, claim_id())
    else:
        step = resume_generation(event["job_id"], resume_ports(), now())
    answer = {"verdict": step.kind, "attempt": step.attempt, "not_before": step.not_before}
    logger.info("generation", extra=answer)
    return step.as_payload()
