"""HTTP API authorizer (payload 2.0, simple response): identifies the owner of a key and decides nothing else."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.accounts.authorize_request import authorize_request
from fermata.wiring.runtime import now
from fermata.wiring.stores import tenant_store


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Allow a known key, and put its tenant, id, scopes and cap into the request's context."""
    caller = authorize_request(event.get("headers", {}).get("authorization", ""), tenant_store(), now())
    if caller is None:
        return {"isAuthorized": False}
    cap = caller.cap.model_dump() if caller.cap else {}
    known = {"tenant_id": caller.tenant_id, "key_id": caller.key_id, "scopes": " ".join(caller.scopes), **cap}
    return {"isAuthorized": True, "context": known}
