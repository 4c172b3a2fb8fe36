"""The image tools as a server of the Model Context Protocol (MCP).

    pip install "langchain-fal-image" langchain-mcp-adapters
    python examples/mcp_server.py

The server uses MCP's stdio transport. All calls in one server process share their
handles: `img_1` means the same image in each call. If no fal key is set, the images
come from the sandbox.
"""

from __future__ import annotations

import sys

from langchain_mcp_adapters.tools import to_fastmcp
from mcp.server.fastmcp import FastMCP
from services import provider

from langchain_fal_image import Budget, FalImageToolkit


def main() -> int:
    """Serve until the client disconnects."""
    with provider() as (fal, served_by):
        budget = Budget(max_images=50)
        tools = FalImageToolkit(fal=fal, budget=budget).get_tools()
        server = FastMCP(
            "fal-images",
            instructions=f"Draw and edit images. They are made by {served_by}.",
            tools=[to_fastmcp(tool) for tool in tools],
        )
        server.run("stdio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
