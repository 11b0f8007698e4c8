"""AWS clients of a cloud that runs on this machine, from what it published of itself."""

from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config

ONE_TRY: Final = Config(retries={"total_max_attempts": 1}, read_timeout=310)
"""Nobody repeats an invocation whose answer was lost: a repeated grant, for one, is a second grant. An answer may take
as long as the function may run.
"""


def client_of(cloud: Mapping[str, Any], service: str) -> Any:  # noqa: ANN401 (the name decides the type at run time)
    """Return the boto3 client of a service."""
    return boto3.client(  # type: ignore[call-overload] # the stubs know services by literal only
        service,
        endpoint_url=cloud["aws_endpoint_url"],
        region_name=cloud["region"],
        aws_access_key_id=cloud["access_key_id"],
        aws_secret_access_key=cloud["secret_access_key"],
        config=ONE_TRY,
    )
