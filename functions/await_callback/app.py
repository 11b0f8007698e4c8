"""State WaitForCallback: stores its task token for the provider's next callback."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.follow.await_callback import await_callback
from fermata.wiring.generation import callback_ports


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Returns nothing: the state ends with the callback or by its timeout."""
    logger.append_keys(job_id=event["job_id"])
    wait = await_callback(event["job_id"], event["attempt"], event["task_token"], callback_ports())
    logger.info("callback awaited", extra={"wait": wait, "attempt": event["attempt"]})
