"""The boto3 clients with which the cloud itself calls its AWS."""

import secrets
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config

from local.deploy.deployment import REGION

OWN_ACCESS_KEY: Final = "AKIALOCALRUNNER00000"
"""Tells the cloud's own calls from those of functions and callers."""
_SECRET_KEY: Final = secrets.token_hex(20)


def own_clients(url: str) -> Callable[[str], Any]:
    """Return a function that returns the client of a service at `url`; the name decides its type at run time."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=64,
        connect_timeout=5,
        read_timeout=60,
        s3={"addressing_style": "path"},
    )
    session = boto3.session.Session(
        aws_access_key_id=OWN_ACCESS_KEY, aws_secret_access_key=_SECRET_KEY, region_name=REGION
    )
    return cache(lambda service: session.client(service, endpoint_url=url, config=config))
