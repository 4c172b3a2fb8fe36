"""The MCP server answers an MCP client in another process."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.examples
ROOT = Path(__file__).resolve().parents[2]


async def test_an_mcp_client_draws_and_edits() -> None:
    adapters = pytest.importorskip("langchain_mcp_adapters.client")
    environment = {
        name: value for name, value in os.environ.items() if "KEY" not in name
    }
    client = adapters.MultiServerMCPClient(
        {
            "fal": {
                "transport": "stdio",
                "command": sys.executable,
                "args": [str(ROOT / "examples" / "mcp_server.py")],
                "env": environment,
            }
        }
    )
    async with client.session("fal") as session:
        offered = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(offered) == {"fal_text_to_image", "fal_image_edit"}
        assert "aspect_ratio" in offered["fal_text_to_image"].inputSchema["properties"]
        drawn = await session.call_tool("fal_text_to_image", {"prompt": "a red kite"})
        assert "img_1: 1024x768" in text(drawn)
        edit = {"prompt": "make it night", "images": ["img_1"]}
        edited = await session.call_tool("fal_image_edit", edit)
        assert "img_2: " in text(edited)
        wrong = await session.call_tool("fal_image_edit", {**edit, "images": ["img_9"]})
        assert "img_1, img_2" in text(wrong)


def text(answer: Any) -> str:
    return str(answer.content[0].text)
