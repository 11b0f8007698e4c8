"""State PrepareReference."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.purchase.prepare_reference import prepare_reference
from fermata.wiring.generation import prepare_ports
from fermata.wiring.runtime import claim_id


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object]:
    """The next step for the state machine after one preparation step."""
    logger.append_keys(job_id=event["job_id"])
    step = prepare_reference(event["job_id"], event["attempt"], prepare_ports(), claim_id())
    logger.info("reference", extra={"verdict": step.kind, "attempt": step.attempt})
    return step.as_payload()
