"""State RescueAudio."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.finish.rescue_audio import rescue_audio
from fermata.wiring.generation import rescue_ports


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """The outcome of one try to fetch the songs that an ended job lacks."""
    logger.append_keys(job_id=event["job_id"])
    outcome = rescue_audio(event["job_id"], rescue_ports(context.get_remaining_time_in_millis))
    logger.info("rescue", extra={"outcome": outcome})
    return {"outcome": outcome.value}
