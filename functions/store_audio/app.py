"""State StoreAudio."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.finish.store_audio import store_audio
from fermata.wiring.generation import store_ports


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object]:
    """The state machine's next step: settle the job, request a new link, or try again after a pause."""
    logger.append_keys(job_id=event["job_id"])
    step = store_audio(event["job_id"], event["attempt"], store_ports(context.get_remaining_time_in_millis))
    logger.info("audio", extra={"outcome": step.outcome, "attempt": event["attempt"]})
    return step.as_payload()
