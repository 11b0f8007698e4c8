"""`fermata mcp` as the process that hosts start, with the SDK's client and with fastmcp's."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from mcp import Client, StdioServerParameters

from tests.fakes.client.agent import Agent
from tests.fakes.client.fake_fermata import API_KEY
from tests.fakes.client.wired_fermata import WiredFermata
from tests.fakes.world import World
from tests.songs import LYRICS, PROMPT
from tests.support.loopback import Loopback, listening

ROOT = Path(__file__).resolve().parents[3]
ORDER: dict[str, object] = {"kind": "song", "model": "minimax/music-2.5", "prompt": PROMPT, "lyrics": LYRICS}
PRICE = 30


class Served:
    """A world's functions at an address. While `is_cut_off`, orders are carried out and never answered."""

    def __init__(self) -> None:
        self.fermata = WiredFermata(World())
        self.server = Loopback(0)
        self.is_cut_off = False
        self.carried_out = threading.Event()

    @contextmanager
    def listening(self) -> Iterator["Served"]:
        with listening(self._answer) as self.server:
            yield self

    @property
    def jobs(self) -> set[str]:
        return set(self.fermata.world.jobs.rows)

    def environment(self) -> dict[str, str]:
        """What the server's process finds."""
        return {**os.environ, "FERMATA_API_KEY": API_KEY, "FERMATA_BASE_URL": self.server.origin}

    def _answer(self, connection: socket.socket) -> None:
        head, _, body = self.server.requests[-1].partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        answer = self.fermata.serve(
            httpx.Request(method, f"{self.server.origin}{target}", headers=headers, content=body)
        )
        if (method, target) == ("POST", "/v1/jobs") and self.is_cut_off:
            self.carried_out.set()
            connection.recv(1)  # until the server's process is gone
            return
        shown = {**answer.headers, "content-length": str(len(answer.content)), "connection": "close"}
        text = "".join(f"{name}: {each}\r\n" for name, each in shown.items())
        connection.sendall(f"HTTP/1.1 {answer.status_code} OK\r\n{text}\r\n".encode() + answer.content)


@pytest.fixture
def served() -> Iterator[Served]:
    with Served().listening() as server:
        yield server


def _host(served: Served) -> AbstractAsyncContextManager[Client]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "fermata_client.cli", "mcp", "--max-credits", "100"],
        env=served.environment(),
        cwd=str(ROOT),
    )
    return Client(command, read_timeout_seconds=60)


def test_an_agent_whose_server_dies_before_it_answers_repeats_the_order_and_buys_once(served: Served) -> None:
    arguments: dict[str, Any] = {"order": ORDER, "confirm_credits": PRICE}

    async def dies() -> None:
        async with _host(served) as client, anyio.create_task_group() as group:
            arguments["quote_id"] = (await Agent(client).call("quote", order=ORDER))["quote_id"]
            served.is_cut_off = True
            group.start_soon(client.call_tool, "order_song", arguments)
            await anyio.to_thread.run_sync(served.carried_out.wait, 60)
            group.cancel_scope.cancel()

    async def repeats() -> str:
        served.is_cut_off = False
        async with _host(served) as client:
            agent = Agent(client)
            first = await agent.call("order_song", **arguments)
            assert await agent.call("order_song", **arguments) == first
            assert (await agent.call("get_job", job_id=first["job_id"], wait_s=0))["status"] == "queued"
            return str(first["job_id"])

    anyio.run(dies)
    assert len(served.jobs) == 1
    job_id = anyio.run(repeats)
    assert served.jobs == {job_id}


def test_an_agent_on_fastmcp_quotes_is_asked_and_buys_once(served: Served) -> None:
    script = str(ROOT / "tests" / "support" / "fastmcp_agent.py")
    ended = subprocess.run(
        [str(ROOT / ".tools" / "mcp" / "bin" / "python"), script, sys.executable, json.dumps(ORDER)],
        env={**served.environment(), "FASTMCP_CHECK_FOR_UPDATES": "off"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    saw = json.loads(ended.stdout)
    assert set(saw["tools"]) == {
        *("list_models", "quote", "order_song", "order_speech"),
        *("get_job", "cancel_job", "account"),
    }
    assert saw["asked"] == [f"Buy a song (minimax/music-2.5) for at most {PRICE} credits?: {PROMPT}"]
    assert saw["job_ids"] == [*served.jobs] * 2
    assert saw["status"] == "queued"
    assert saw["progress"] == ["queued, about 70 s left"]
    assert "or it was altered" in saw["refusal"]


def test_stdout_belongs_to_the_protocol_and_a_host_that_leaves_ends_the_server(served: Served) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fermata_client.cli", "mcp"],
        env=served.environment(),
        cwd=ROOT,
        input="no JSON\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 0
    assert [json.loads(line)["jsonrpc"] for line in ended.stdout.splitlines()] in ([], ["2.0"])
    assert API_KEY not in ended.stdout + ended.stderr
