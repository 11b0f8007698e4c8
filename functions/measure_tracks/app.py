"""The rule for delivered jobs: measures their songs after the end."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.generation.finish.measure_tracks import measure_tracks
from fermata.wiring.generation import measure_ports


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """The number of tracks that were measured, and of those that cannot be."""
    logger.append_keys(job_id=event["job_id"])
    sounds = measure_tracks(event["job_id"], measure_ports(context.get_remaining_time_in_millis))
    counts = {"measured": sum(sound.unmeasured is None for sound in sounds)}
    counts["not_measured"] = len(sounds) - counts["measured"]
    logger.info("tracks measured", extra=counts)
    return counts
