"""The one-machine cloud's view of its kept state: the ports, keys and credits that stay the same."""

import json
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from local.settings import CloudSettings
from local.simulators import SIMULATED_PROVIDERS
from local.state.identity import Identity, credits_to_grant
from local.state.kept_state import KeptState
from local.state.ports import check_free, free_port
from local.state.simulator_memory import SimulatorMemory


class KeptCloud:
    """The state of one cloud, and what its former start was."""

    def __init__(self, folder: Path, settings: CloudSettings) -> None:
        """Open the state. Raises `StateRefusedError`, `UsageError` for arguments that do not fit it, and
        `PortInUseError`; each leaves the state as it was.
        """
        self.state: Final = KeptState(folder, fresh=settings.fresh)
        self.before: Final = self.state.before
        try:
            self.credits: Final = credits_to_grant(settings.credits, self.before)
            before = self.before
            self.aws_port: Final = before.aws_port if before else free_port()
            self.secret_access_key: Final = before.secret_access_key if before else secrets.token_hex(20)
            ports = before.simulator_ports if before else {}
            self._simulator_ports = {name: ports.get(name) or free_port() for name in SIMULATED_PROVIDERS}
            if before:
                check_free(before.aws_port, "AWS endpoint")
        except Exception:
            self.state.close()
            raise
        self._simulator_keys = dict(before.simulator_keys) if before else {}
        self._stored_keys: Mapping[str, str] = before.provider_keys if before else {}

    def api_port(self, settings: CloudSettings) -> int:
        """Return the port of the API: the one asked for, else the former one."""
        if self.before is None or (settings.port and not settings.keep_port):
            return settings.port
        return self.before.api_port

    def simulator_keys(self, names: Iterable[str]) -> dict[str, str]:
        """Return the keys that simulators accept, which stay the same."""
        for name in names:
            self._simulator_keys.setdefault(name, secrets.token_urlsafe(24))
        return {name: self._simulator_keys[name] for name in names}

    def of_simulator(self, name: str) -> dict[str, Any]:
        """Return what a simulator of a kept cloud is started with beyond the usual."""
        return {"port": self._simulator_ports[name], "memory": SimulatorMemory(self.state.store, name)}

    def merged_keys(self, keys: Mapping[str, str], stored: str) -> dict[str, Any]:
        """Return the contents of the providers' secret: as it is, with the keys that differ from the last start's."""
        try:
            now = json.loads(stored)
        except ValueError:
            now = {}
        new = {name: key for name, key in keys.items() if name not in now or self._stored_keys.get(name) != key}
        return {**now, **new}

    def ready(self, api_port: int, api_key: str | None, keys: Mapping[str, str]) -> None:
        """Keep what the cloud is now that it is ready."""
        granted = self.credits + (self.before.credits if self.before else 0)
        ports, simulator_keys = self._simulator_ports, self._simulator_keys
        self.state.become(
            Identity(
                api_port, self.aws_port, self.secret_access_key, ports, simulator_keys, dict(keys), api_key, granted
            )
        )

    def close(self) -> None:
        """Keep nothing more."""
        self.state.close()
