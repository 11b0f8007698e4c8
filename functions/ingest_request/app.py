"""Events of the dedicated bus, and notifications of new files in the inbox."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.triggers.ingest_event import ingest_event
from fermata.use_cases.triggers.ingest_file import ingest_file
from fermata.wiring.runtime import now
from fermata.wiring.triggers import event_ports, file_ports


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str | None]:
    """The id of an event's job, None if the event was refused. The result of a file is written beside it."""
    logger.append_keys(event_id=event.get("id"), sender=f"{event.get('account')}/{event.get('source')}")
    # No tenant can have an AWS source, and the bus of requests accepts none.
    if event.get("source") == "aws.s3":
        ingest_file(event, file_ports(), now())
        return {"job_id": None}
    submission = ingest_event(event, event_ports(), now())
    return {"job_id": submission.job_id if submission else None}
