"""An MCP server for agents: `fermata mcp`. It needs the extra `fermata-client[mcp]`."""
