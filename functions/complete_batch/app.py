"""State CompleteBatch, and the rule for batches that were stopped, failed or timed out."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.domain.triggers.batch import read_end
from fermata.log import logger
from fermata.use_cases.triggers.complete_batch import complete_batch
from fermata.wiring.runtime import now
from fermata.wiring.stores import inbox_store, open_batches


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The number of lines that became jobs, were refused and failed."""
    batch, stopped_by = read_end(event)
    completed = complete_batch(batch, stopped_by, inbox_store(), open_batches(), now())
    counts = {name: completed[name] for name in ("lines", "accepted", "refused", "bad", "failed", "stopped_by")}
    logger.info("batch completed", extra={"run": batch.file.run, **counts})
    return counts
