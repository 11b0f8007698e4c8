"""What holds for every test: no AWS account, no parent that is make, and no settings of an earlier test."""

import gc
import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from xdist.remote import Producer

from tests.fakes.world import leave_active_world
from tests.support.sharing import WholeModules, long_first

# How long an example takes says more about the machine, which other work shares, than about the code.
settings.register_profile("any machine", deadline=None)
# For whoever wants to know only whether a test fails: the smallest example that does takes minutes to find.
settings.register_profile("first failure", deadline=None, phases=(Phase.explicit, Phase.generate))
settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    long_first(items)
    # What was collected stays to the end, and is not looked through for garbage again and again.
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> WholeModules:
    """Hand out the tests in this order and by module, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return WholeModules(config, log)


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
        # Every function has it, and whatever reads a broken record counts it for the stack.
        patch.setenv("STACK_NAME", "fermata")
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
