"""States StoreAudio (may_store true) and ResumeStorage (may_store false)."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.finish.settle_stored import resume_storage, settle_stored
from fermata.wiring.generation import settle_ports, store_ports
from fermata.wiring.runtime import now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, object]:
    """The job's terminal status, or the state machine's next step. Only `may_store: true` stores songs and settles."""
    logger.append_keys(job_id=event["job_id"])
    store = store_ports(context.get_remaining_time_in_millis)
    if event["may_store"] is True:
        status = settle_stored(event["job_id"], event["attempt"], store, settle_ports())
        logger.info("settled", extra={"status": status, "attempt": event["attempt"]})
        return {"status": status.value}
    step = resume_storage(event["job_id"], event["attempt"], store.jobs, now())
    logger.info("storage", extra={"verdict": step.kind, "attempt": step.attempt})
    return step.as_payload()
