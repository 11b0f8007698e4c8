"""AWS clients for a cloud on this machine, from its published description."""

from collections.abc import Mapping
from typing import Any, Final

import boto3
from botocore.config import Config

ONE_TRY: Final = Config(retries={"total_max_attempts": 1}, read_timeout=310)
"""One attempt without retries, because an invocation whose answer was lost may have taken effect: a repeated grant is a
second grant. The read timeout exceeds every function's timeout.
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
