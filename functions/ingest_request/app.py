"""Events of the dedicated bus, and files that were put into the inbox."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.ingest_event import ingest_event
from fermata.wiring import event_ports, job_randomness, now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str | None]:
    """The id of the job that the event became, None where it was refused."""
    logger.append_keys(event_id=event.get("id"), sender=f"{event.get('account')}/{event.get('source')}")
    submission = ingest_event(event, event_ports(), now(), job_randomness())
    return {"job_id": submission.job_id if submission else None}
