"""A running cloud for all tests of whole jobs, and a way to start others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.integration.cloud_process import running_cloud
from tests.integration.song import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud that most tests share: fast parameters, simulators that take a tenth of a second."""
    with running_cloud(["--provider-latency", "0.1"], tmp_path_factory.mktemp("cloud")) as line:
        yield Cloud(line)


@pytest.fixture(scope="module")
def start_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cloud]]:
    """Start another cloud with the fast parameters and the given arguments; it runs until the module's tests end."""
    with ExitStack() as exits:

        def start(*arguments: str) -> Cloud:
            return Cloud(exits.enter_context(running_cloud(arguments, tmp_path_factory.mktemp("cloud"))))

        yield start


@pytest.fixture(autouse=True)
def _no_provider_stays_shut_out(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that has a provider close the account does so for itself, not for those after it."""
    yield
    # Some tests have a cloud of another kind under this name, without providers.
    cloud = request.getfixturevalue("cloud") if "cloud" in request.fixturenames else None
    if isinstance(cloud, Cloud):
        for provider in sorted(cloud.shut_out):
            cloud.enable(provider)
