"""The clients that MiniMax publishes, as their users start them: two MCP servers and a command line."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

from local.settings import PROJECT_ROOT

ENVIRONMENT: Final = PROJECT_ROOT / ".tools/vendors"
"""Where `make setup` puts the published packages."""
_PATIENCE_S: Final = 60
_GREETING: Final = {
    "protocolVersion": "2025-03-26",
    "capabilities": {},
    "clientInfo": {"name": "fermata-tests", "version": "1"},
}


class Call(Protocol):
    """Calls a tool of an MCP server."""

    def __call__(self, tool: str, **arguments: object) -> str:
        """What the tool answers, as text."""


@dataclass(frozen=True)
class McpServer:
    """An MCP server that is asked over its standard streams."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]

    @contextmanager
    def running(self) -> Iterator[Call]:
        """Start the server; what is returned calls its tools."""
        server = subprocess.Popen(
            self.command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with server:
            _ask(server, {"id": 1, "method": "initialize", "params": _GREETING})
            _send(server, {"method": "notifications/initialized"})
            numbers = count(2)

            def call(tool: str, **arguments: object) -> str:
                params = {"name": tool, "arguments": arguments}
                answer = _ask(server, {"id": next(numbers), "method": "tools/call", "params": params})
                return str(answer["result"]["content"][0]["text"])

            try:
                yield call
            finally:
                server.terminate()


@dataclass(frozen=True)
class CommandLine:
    """`mmx`, the command line."""

    environment: Mapping[str, str]
    key: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """The finished command."""
        mmx = ENVIRONMENT / "node_modules/mmx-cli/dist/mmx.mjs"
        command: list[str | Path] = [ENVIRONMENT / "bin/node", mmx, *arguments, "--api-key", self.key]
        return subprocess.run(command, env=self.environment, capture_output=True, timeout=_PATIENCE_S, check=False)


def mcp_server_in_python(url: str, key: str, folder: Path, mode: str) -> McpServer:
    """`minimax-mcp`, which saves songs below `folder`, or names their links where `mode` is `url`."""
    own = {"MINIMAX_API_RESOURCE_MODE": mode, "MINIMAX_MCP_BASE_PATH": str(folder)}
    return McpServer([ENVIRONMENT / "bin/python", "-m", "minimax_mcp.server"], _environment(url, key, folder, own))


def mcp_server_in_javascript(url: str, key: str, folder: Path, mode: str) -> McpServer:
    """`minimax-mcp-js`, likewise."""
    own = {"MINIMAX_RESOURCE_MODE": mode, "MINIMAX_MCP_BASE_PATH": str(folder)}
    script = ENVIRONMENT / "node_modules/minimax-mcp-js/build/index.js"
    return McpServer([ENVIRONMENT / "bin/node", script], _environment(url, key, folder, own))


def command_line(url: str, key: str, folder: Path) -> CommandLine:
    """`mmx`, with its settings below `folder`."""
    # With a region the command line does not look for the nearest of MiniMax's own hosts.
    own = {"MINIMAX_BASE_URL": url, "MINIMAX_REGION": "global", "MMX_CONFIG_DIR": str(folder)}
    return CommandLine(_environment(url, key, folder, own), key)


def _environment(url: str, key: str, folder: Path, own: Mapping[str, str]) -> dict[str, str]:
    # CI keeps the command line from asking the network for a newer version of itself.
    common = {"PATH": os.environ["PATH"], "HOME": str(folder), "CI": "true"}
    return {**common, "MINIMAX_API_KEY": key, "MINIMAX_API_HOST": url, **own}


def _send(server: subprocess.Popen[str], message: Mapping[str, object]) -> None:
    assert server.stdin is not None
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    server.stdin.flush()


def _ask(server: subprocess.Popen[str], message: Mapping[str, object]) -> dict[str, Any]:
    _send(server, message)
    assert server.stdout is not None
    for line in server.stdout:
        answer: dict[str, Any] = json.loads(line)
        if answer.get("id") == message["id"]:
            return answer
    raise AssertionError(f"the server ended with {server.wait()} before it answered {message['method']}")
