"""POST /v1/callbacks/{token}: public. The answer does not depend on the token's callback; the body is never read."""

from aws_lambda_powertools.event_handler import Response

from fermata.api.answers import accepted_silently
from fermata.api.resolver import create_api, entry_point
from fermata.log import logger
from fermata.use_cases.generation.follow.receive_callback import receive_callback
from fermata.wiring.generation import callback_ports

api = create_api(None)
lambda_handler = entry_point(api)


@api.post("/v1/callbacks/<token>")
def post_callback(token: str) -> Response[str]:
    """204; the effect is logged without the token."""
    receipt = receive_callback(token, callback_ports())
    logger.info("callback received", extra={"effect": receipt.effect, "job_id": receipt.job_id})
    return accepted_silently()
