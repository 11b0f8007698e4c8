"""Starts and stops simulators."""

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from local.simulators.faults import FaultKind, FaultTable
from local.simulators.http.server import HttpServer
from local.simulators.memory import Memory, NoMemory
from local.simulators.providers.aimlapi import AimlapiDialect
from local.simulators.providers.apiinone import ApiinoneDialect
from local.simulators.providers.callbacks import Callbacks, Send, post_over_http
from local.simulators.providers.dialect import Backend, Dialect
from local.simulators.providers.links import Links
from local.simulators.providers.minimax.dialect import MinimaxDialect
from local.simulators.providers.references import fetch_from_this_machine
from local.simulators.providers.skillboss import SkillbossDialect
from local.simulators.recording import Recordings
from local.simulators.request_log import RequestLog
from local.simulators.simulator import Simulator
from local.simulators.waiting_faults import WaitingFaults

DIALECTS: Final[Mapping[str, type[Dialect]]] = {
    dialect.provider: dialect for dialect in (MinimaxDialect, SkillbossDialect, ApiinoneDialect, AimlapiDialect)
}
SIMULATED_PROVIDERS: Final = tuple(DIALECTS)


class UnknownSimulatorError(ValueError):
    """There is no simulator of that name."""


class RunningSimulator:
    """A simulated provider that answers at `url` until `stop`. It does not keep the process alive."""

    def __init__(self, simulator: Simulator, server: HttpServer) -> None:
        self.provider = simulator.provider
        self.url = server.url
        self._simulator, self._server = simulator, server

    def stop(self) -> None:
        """Close open connections and free the port; a second call has no effect."""
        self._simulator.stop()
        self._server.stop()


def start_simulator(
    provider: str,
    *,
    key: str,
    latency_s: float,
    log_path: Path | None = None,
    port: int = 0,
    memory: Memory | None = None,
) -> RunningSimulator:
    """Serve `provider` on 127.0.0.1 (port 0: any free one), accepting only `key`; a song takes `latency_s` seconds.
    With a `memory`, it goes on with what it remembers.

    Raises UnknownSimulatorError, ValueError for an impossible latency or no key, OSError for a taken port.
    """
    if provider not in DIALECTS:
        raise UnknownSimulatorError(f"expected one of {', '.join(DIALECTS)}, found {provider!r}")
    if not key or not math.isfinite(latency_s) or latency_s < 0:
        raise ValueError(f"expected a key and a finite latency of at least 0 s, found a latency of {latency_s}")
    server = HttpServer(port, log_path)
    simulator = build_simulator(
        provider, key=key, latency_s=latency_s, origin=server.url, log=server.log, memory=memory
    )
    server.start(simulator.respond)
    return RunningSimulator(simulator, server)


def build_simulator(
    provider: str,
    *,
    key: str,
    latency_s: float,
    origin: str,
    clock: Callable[[], float] = time.monotonic,
    fetch: Callable[[str], bytes] = fetch_from_this_machine,
    log: RequestLog | None = None,
    send: Send = post_over_http,
    memory: Memory | None = None,
) -> Simulator:
    """A simulator of `provider` without a server. Its file links begin with `origin`, `clock` returns monotonic
    seconds, `fetch` follows the links of recordings, `send` posts callbacks, and `log` records them.
    """
    dialect = DIALECTS[provider]
    table = FaultTable(dialect.fault_rows, _players())
    waiting = WaitingFaults(table)
    callbacks = Callbacks(lambda prompt: waiting.take("callback", prompt, frozenset()), log, send)
    backend = Backend(
        key, latency_s, Recordings(), Links(origin, memory), callbacks, clock, fetch, memory=memory or NoMemory()
    )
    return Simulator(dialect(backend), backend, table, waiting)


def _players() -> dict[FaultKind, tuple[str, ...]]:
    """The dialects that have each fault."""
    known = {name: {row.kind for row in dialect.fault_rows} for name, dialect in DIALECTS.items()}
    return {kind: tuple(name for name, kinds in known.items() if kind in kinds) for kind in FaultKind}
