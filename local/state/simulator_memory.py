"""The memory of a simulated provider in a kept state."""

import json
from collections.abc import Mapping
from typing import Any, Final

from local.state.store import Change, Store

_PREFIX: Final = "simulated "


class SimulatorMemory:
    """A provider's part of a store."""

    def __init__(self, store: Store, provider: str) -> None:
        self._store, self._provider = store, provider

    def save(self, kind: str, key: str, value: Mapping[str, Any]) -> None:
        """Keep a value; raises `StateWriteError`."""
        self._store.write([Change(_PREFIX + kind, self._provider, key, json.dumps(value))])

    def saved(self, kind: str) -> dict[str, Any]:
        """Return the kept values of a kind by key, in the order of their keys."""
        return {key: json.loads(text) for key, text in self._store.read(_PREFIX + kind, self._provider)}

    def drop(self, kind: str) -> None:
        """Forget the values of a kind; raises `StateWriteError`."""
        self._store.write([Change(_PREFIX + kind, self._provider, key, None) for key in self.saved(kind)])
