"""AWS clients for a cloud on this machine: of others, from its published description, and its own."""

import secrets
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

from local.deploy.deployment import REGION
from local.in_process import call_in_process

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

OWN_ACCESS_KEY: Final = "AKIALOCALRUNNER00000"
"""What the cloud signs its own calls with, which are not logged."""
_OWN_SECRET_KEY: Final = secrets.token_hex(20)

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


def own_clients(url: str, application: "WSGIApplication", access_key: str = OWN_ACCESS_KEY) -> Callable[[str], Any]:
    """Return the cloud's own boto3 client of a service, the same for each service: `application`, which listens at
    `url`, answers it in this process.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    session = boto3.session.Session(
        aws_access_key_id=access_key, aws_secret_access_key=_OWN_SECRET_KEY, region_name=REGION
    )

    @cache
    def client(service: str) -> Any:  # noqa: ANN401 (the name decides the type at run time)
        made: Any = session.client(service, endpoint_url=url, config=config)  # type: ignore[call-overload]
        call_in_process(made, application)
        return made

    return client
