"""An agent: the SDK's own client in a session with the MCP server, as a host connects it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from mcp import Client, types
from mcp.client import ClientRequestContext

from fermata_client import AsyncFermata
from fermata_client.mcp.server import make_server

Mode = Literal["auto", "legacy"]
MODES: Final[tuple[Mode, Mode]] = ("auto", "legacy")
"""The protocol of 2026-07-28, in which questions are part of answers, and the one before."""


@dataclass
class User:
    """A person in front of a host that shows forms. `action` is what they do with each."""

    action: Literal["accept", "decline", "cancel"] = "accept"
    content: dict[str, Any] | None = field(default_factory=lambda: {"buy": True})
    asked: list[str] = field(default_factory=list)

    async def answer(self, context: ClientRequestContext, params: types.ElicitRequestParams) -> types.ElicitResult:
        """Fill in a form."""
        assert context.session
        self.asked.append(params.message)
        content: Any = self.content if self.action == "accept" else None
        return types.ElicitResult(action=self.action, content=content)


@dataclass
class Agent:
    """Calls tools, and returns what they answered or raises `AssertionError` with the words of their refusal."""

    client: Client
    progress: list[tuple[float, str | None]] = field(default_factory=list)

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """The answer of a tool that does what it is asked."""
        result = await self.client.call_tool(tool, arguments, progress_callback=self._note)
        assert not result.is_error, _text(result)
        assert result.structured_content is not None
        return dict(result.structured_content)

    async def refused(self, tool: str, **arguments: object) -> str:
        """The words of a tool that refuses."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        return _text(result)

    async def _note(self, progress: float, total: float | None, message: str | None) -> None:
        assert total == 1.0
        self.progress.append((progress, message))


@asynccontextmanager
async def session(
    connect: Callable[[], AsyncFermata], max_credits: int = 1_000, mode: Mode = "auto", user: User | None = None
) -> AsyncIterator[Agent]:
    """One run of the server with one agent. Without a user the host shows no forms."""
    server = make_server(connect, max_credits)
    async with Client(server, mode=mode, elicitation_callback=user.answer if user else None) as client:
        yield Agent(client)


def _text(result: types.CallToolResult) -> str:
    return " ".join(part.text for part in result.content if isinstance(part, types.TextContent))
