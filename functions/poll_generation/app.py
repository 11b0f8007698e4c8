"""State PollGeneration."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.jobs.next_step import read_instant
from fermata.log import logger
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.wiring.generation import poll_ports, poll_run


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object]:
    """The next step for the state machine after the polls of one run."""
    logger.append_keys(job_id=event["job_id"])
    not_yet_at = read_instant(event.get("not_yet_at"))
    run = poll_run(context.get_remaining_time_in_millis)
    step = poll_generation(event["job_id"], event["attempt"], poll_ports(), not_yet_at, run)
    logger.info("poll", extra={"verdict": step.kind, "attempt": step.attempt})
    return step.as_payload()
