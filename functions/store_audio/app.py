"""State StoreAudio."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.store_audio import store_audio
from fermata.wiring import store_ports


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Whether the song is stored or its link has to be renewed."""
    logger.append_keys(job_id=event["job_id"])
    outcome = store_audio(event["job_id"], event["attempt"], store_ports())
    logger.info("audio", extra={"outcome": outcome, "attempt": event["attempt"]})
    return {"outcome": outcome.value}
