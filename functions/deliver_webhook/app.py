"""State DeliverWebhook: one try to deliver the webhook of a job's end."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.webhooks.delivery import Try
from fermata.log import logger
from fermata.use_cases.webhooks.deliver_webhook import deliver_webhook
from fermata.wiring.runtime import now
from fermata.wiring.webhooks import deliver_ports


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The next step after this try, with the number of the next try and the seconds until then."""
    logger.append_keys(job_id=event["job_id"])
    which = Try(event["replay"], event["number"])
    step = deliver_webhook(event["job_id"], which, deliver_ports(), now())
    logger.info("webhook tried", extra={"replay": which.replay, "number": which.number, "verdict": step.verdict})
    return {"verdict": step.verdict.value, "number": step.number, "wait_seconds": step.wait_s}
