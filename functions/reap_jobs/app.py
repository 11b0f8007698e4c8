"""Every minute: the jobs that nobody seems to move."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.errors import FermataError
from fermata.log import logger
from fermata.use_cases.generation.finish.reap_jobs import reap_jobs
from fermata.wiring.generation import reap_ports
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """How many jobs were due, and what was done for them."""

    def lost(job_id: str, error: Exception) -> None:
        told = {"job_id": job_id, "error": type(error).__name__}
        if isinstance(error, FermataError):
            logger.warning("a job could not be looked after", extra={**told, "reason": str(error)})
        else:
            # What such an error says may quote the record.
            do = f"read the items of JOB#{job_id} in the table and mend or restore them; the others go on"
            logger.error("a job's record cannot be worked with; it is put off", extra={**told, "do": do})

    done = reap_jobs(reap_ports(lost), now())
    logger.info("reaped", extra=done)
    return done
