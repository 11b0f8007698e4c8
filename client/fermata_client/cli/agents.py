"""`fermata mcp`: the server that hosts of agents start."""

from typing import Annotated

import typer

from fermata_client.cli.surroundings import here, reported
from fermata_client.core.context import checked_key, checked_url
from fermata_client.errors import SettingsError

SessionLimit = Annotated[
    int, typer.Option("--max-credits", min=0, help="The most that the agent may order for; 0 lets it buy nothing.")
]


@reported
def mcp(context: typer.Context, max_credits: SessionLimit = 0) -> None:
    """Serve an agent (MCP) on stdin and stdout, until its host leaves."""
    credentials = here(context).credentials
    base_url = checked_url(credentials.base_url())
    api_key = checked_key(credentials.api_key(base_url))
    try:
        from fermata_client.mcp.server import serve
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "mcp":
            raise
        raise SettingsError("serving agents needs the package mcp: pip install 'fermata-client[mcp]'") from missing
    serve(max_credits, api_key, base_url)
