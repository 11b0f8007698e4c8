"""Which tests a worker of pytest-xdist takes together, and which come first."""

import re
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling

INTEGRATION: Final = "tests/integration/"
_ROOT: Final = Path(__file__).parents[2]
_OF_A_MODULE: Final = re.compile(r"""scope="module"|\bstart_cloud\b""")


class WholeModules(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Hands out modules as a whole, in the order of collection, so that what a module starts for itself is started once
    and not once a worker: a cloud takes ten seconds of CPU time. Integration tests that start nothing for their module
    are handed out one by one, because a single one may take minutes.
    """

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)


def unit(nodeid: str) -> str:
    """The name that all tests share which one worker has to run."""
    module = nodeid.partition("::")[0]
    return nodeid if module.startswith(INTEGRATION) and not starts_something(module) else module


@cache
def starts_something(module: str) -> bool:
    """Whether fixtures live as long as this module: its own, or those of its folder and the ones above."""
    path = _ROOT / module
    above = [each / "conftest.py" for each in path.parents if each.is_relative_to(_ROOT / INTEGRATION)]
    texts = [file.read_text("utf-8") for file in (path, *above[:-1]) if file.is_file()]
    return any(_OF_A_MODULE.search(text) for text in texts)


def long_first(items: list[pytest.Item]) -> None:
    """Order the tests: modules with one that is marked `long`, then those that start a cloud, then all others. Whoever
    begins a long one last is waited for by all. A module's tests stay together.
    """
    modules = [item.nodeid.partition("::")[0] for item in items]
    long = {module for module, item in zip(modules, items, strict=True) if item.get_closest_marker("long")}
    rank = {
        module: 0 if module in long else 1 if module.startswith(INTEGRATION) and starts_something(module) else 2
        for module in modules
    }
    order = sorted(range(len(items)), key=lambda number: rank[modules[number]])
    items[:] = [items[number] for number in order]
