"""The custom resources OperatorSettings and TableInUse; only CloudFormation invokes it, during a deployment."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.operator.stack_events import StackEvent, refused
from fermata.log import logger
from fermata.use_cases.restore.answer_deployment import answer_deployment
from fermata.wiring.operator import settings_ports, table_ports
from fermata.wiring.outward import stack_answers
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Send the answer to the event's own address. Every error gives an answer, so that CloudFormation does not wait."""
    asked = StackEvent.model_validate(event)
    try:
        answer = answer_deployment(asked, settings_ports, table_ports, now())
    except Exception as error:  # noqa: BLE001 - an edge: without an answer CloudFormation waits for its whole timeout
        logger.exception("the deployment could not be answered")
        answer = refused(
            asked, f"the deployment could not be answered ({type(error).__name__}); see the function's log"
        )
    about = {"resource": asked.logical_resource_id, "request_type": asked.request_type}
    logger.info("answer", extra={**about, "version": answer.physical_id, "refusal": answer.refusal})
    stack_answers().send(asked, answer)
