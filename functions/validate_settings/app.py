"""The custom resource OperatorSettings; only CloudFormation invokes it, during a deployment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.operator.stack_events import StackEvent, refused
from fermata.log import logger
from fermata.use_cases.operator.validate_settings import validate_settings
from fermata.wiring.operator import settings_ports
from fermata.wiring.outward import stack_answers


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Send the answer to the event's own address. Every error gives an answer, so that CloudFormation does not wait."""
    asked = StackEvent.model_validate(event)
    try:
        answer = validate_settings(asked, settings_ports())
    except Exception as error:  # noqa: BLE001 - an edge: without an answer CloudFormation waits for its whole timeout
        logger.exception("the settings could not be checked")
        answer = refused(asked, f"the settings could not be checked ({type(error).__name__}); see the function's log")
    outcome = {"request_type": asked.request_type, "version": answer.physical_id, "refusal": answer.refusal}
    logger.info("settings", extra=outcome)
    stack_answers().send(asked, answer)
