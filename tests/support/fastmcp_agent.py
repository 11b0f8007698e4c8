"""An agent on fastmcp's client, run by the Python of `.tools/mcp`: it quotes, buys twice with one quote, and looks.

`fastmcp_agent.py PYTHON ORDER`: the server is `PYTHON -m fermata_client.cli mcp` with this environment. It prints what
it saw as one JSON object.
"""

import asyncio
import json
import os
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.transports import StdioTransport


async def _order(python: str, order: dict[str, Any]) -> dict[str, Any]:
    asked: list[str] = []
    progress: list[str | None] = []

    async def agree(message: str, response_type: Any, _params: Any, _context: Any) -> Any:  # noqa: ANN401 - fastmcp's own
        asked.append(message)
        return response_type(buy=True)

    async def note(_progress: float, _total: float | None, message: str | None) -> None:
        progress.append(message)

    server = StdioTransport(python, ["-m", "fermata_client.cli", "mcp", "--max-credits", "100"], env=dict(os.environ))
    async with Client(server, elicitation_handler=agree, progress_handler=note) as client:
        tools = [tool.name for tool in await client.list_tools()]
        quote = (await client.call_tool("quote", {"order": order})).structured_content
        bought = [
            (await client.call_tool("order_song", {"order": order, "quote_id": quote["quote_id"]})).structured_content
            for _ in range(2)
        ]
        look = await client.call_tool("get_job", {"job_id": bought[0]["job_id"], "wait_s": 0})
        altered = await client.call_tool(
            "order_song", {"order": order, "quote_id": f"{quote['quote_id']}x"}, raise_on_error=False
        )
    return {
        "tools": tools,
        "asked": asked,
        "progress": progress,
        "job_ids": [each["job_id"] for each in bought],
        "status": look.structured_content["status"],
        "refusal": altered.content[0].text if altered.is_error else None,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_order(sys.argv[1], json.loads(sys.argv[2])))))
