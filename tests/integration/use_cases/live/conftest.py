"""A cloud for streams that the provider holds."""

from collections.abc import Callable
from typing import Final

import pytest

from tests.integration.song import Cloud

PARAMETERS: Final = {
    "ReadGapSeconds": 120,
    "StartTimeoutSeconds": 180,
    "LiveGraceSeconds": 3600,
    "CorsAllowedOrigins": "https://app.example.com",
}


@pytest.fixture(scope="module")
def patient(start_cloud: Callable[..., Cloud]) -> Cloud:
    """A cloud that waits two minutes for a provider that pauses, and lets only one page call the API."""
    parameters = [part for name, value in PARAMETERS.items() for part in ("--param", f"{name}={value}")]
    return start_cloud("--provider-latency", "0.1", *parameters)
