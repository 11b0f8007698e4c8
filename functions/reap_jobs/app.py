"""Reaper of due jobs, run every minute."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.errors import FermataError
from fermata.log import logger
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.wiring.generation import reap_ports
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The number of due jobs, in total and by action."""

    def lost(job_id: str, error: Exception) -> None:
        failed = {"job_id": job_id, "error": type(error).__name__}
        if isinstance(error, FermataError):
            logger.warning("a job could not be looked after", extra={**failed, "reason": str(error)})
        else:
            # The message of such an error may quote the record, so it is not logged.
            do = f"read the items of JOB#{job_id} in the table and mend or restore them; the others go on"
            logger.error("a job's record cannot be used; it is postponed", extra={**failed, "do": do})

    done = reap_jobs(reap_ports(lost), now())
    logger.info("reaped", extra=done)
    return done
