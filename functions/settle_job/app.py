"""State SettleJob, and the rule for executions that were stopped, failed or timed out."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.orders.job_id import job_of_execution
from fermata.log import logger
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.wiring.generation import settle_ports
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """The job's terminal status."""
    # The status rule knows the execution's name only.
    job_id = job_of_execution(event["job_id"])
    logger.append_keys(job_id=job_id)
    stopped_by = event.get("failure", {}).get("Error")
    status = settle_job(job_id, stopped_by, settle_ports(), now())
    logger.info("settled", extra={"status": status, "stopped_by": stopped_by})
    return {"status": status.value}
