"""What holds for every test: no AWS account, no parent that is make, and no settings of an earlier test."""

import os
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import Phase, settings

from tests.fakes.world import leave_active_world

# How long an example takes says more about the machine, which other work shares, than about the code.
settings.register_profile("any machine", deadline=None)
# For whoever wants to know only whether a test fails: the smallest example that does takes minutes to find.
settings.register_profile("first failure", deadline=None, phases=(Phase.explicit, Phase.generate))
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let every worker begin with its share of the long tests, because who begins one last is waited for by all."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    others = iter([item for item in items if not item.get_closest_marker("long")])
    ordered: list[pytest.Item] = []
    for worker in range(workers):
        # As xdist does it, each worker is given as many as those after it, one after the other.
        share, own = (len(items) - len(ordered)) // (workers - worker), long[worker::workers]
        ordered += [*own, *islice(others, max(0, share - len(own)))]
    items[:] = [*ordered, *others]


@pytest.fixture(autouse=True, scope="session")
def _no_account() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        # With the variables of `make test`, a make that a test starts would print what it prints for its parent.
        for name in [name for name in os.environ if name.startswith(("AWS_", "MAKE")) or name == "MFLAGS"]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield


@pytest.fixture(autouse=True)
def _same_environment_for_every_test(_no_account: None) -> Iterator[None]:
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(autouse=True)
def _no_world_outlives_its_test(_same_environment_for_every_test: None) -> Iterator[None]:
    yield
    leave_active_world()
