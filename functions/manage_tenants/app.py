"""The operator's function: invoked with IAM, never over HTTP."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from fermata.log import logger
from fermata.use_cases.operator.manage_tenants import manage_tenants
from fermata.wiring.operator import manage_ports
from fermata.wiring.runtime import key_randomness, now


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The command's result. The answer to `issue_key` is the only place where the key is shown."""
    return manage_tenants(event, manage_ports(), now(), key_randomness())
