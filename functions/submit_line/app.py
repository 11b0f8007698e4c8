"""State SubmitLine of the batch: one line of a file."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.triggers.inbox import LineOfFile
from fermata.log import logger
from fermata.use_cases.triggers.submit_line import submit_line
from fermata.wiring.runtime import now
from fermata.wiring.triggers import line_ports


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """The outcome of the line."""
    line = LineOfFile.model_validate(event)
    logger.append_keys(tenant_id=line.file.tenant_id, run=line.file.run, line=line.line)
    return {"outcome": submit_line(line, line_ports(), now())}
