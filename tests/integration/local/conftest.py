"""An emulator of AWS that is empty when the tests of a file begin."""

from collections.abc import Iterator
from functools import cache, partial
from urllib.request import Request, urlopen

import boto3
import pytest

from local.deploy.deployment import REGION
from local.deploy.resources.resource_type import Clients
from tests.integration.local.deployer import Deployer
from tests.support.moto_server import moto_server


@pytest.fixture(scope="session")
def _emulator_url() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture(scope="module")
def clients(_emulator_url: str) -> Clients:
    """Return a function from a service's name to its client at an emulator that held nothing before this file."""
    with urlopen(Request(f"{_emulator_url}/moto-api/reset", method="POST"), timeout=10) as answer:  # noqa: S310 - our own server on loopback
        assert answer.status == 200

    client = partial(
        boto3.client,
        endpoint_url=_emulator_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )
    return cache(client)


@pytest.fixture(scope="module")
def deployer(clients: Clients, tmp_path_factory: pytest.TempPathFactory) -> Deployer:
    return Deployer(clients, tmp_path_factory.mktemp("logs"))
