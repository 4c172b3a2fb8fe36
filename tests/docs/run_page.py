"""Run the Python blocks of one page of the docs against a sandbox.

    python run_page.py docs/tutorial.md

The blocks of a page share one namespace, as in one Python session. pytest runs a block
whose title is the name of a test file. A scripted model of the examples replaces each
chat model that a block names; nothing else is replaced.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(
    r'^```python(?: title="(?P<title>[^"]+)")?\n(?P<code>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)


def blocks(text: str) -> Iterator[tuple[int, str | None, str]]:
    """Yield the line, the title and the code of each Python block.

    Args:
        text: The text of the page.
    """
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        yield line, found["title"], found["code"]


async def run(page: str, text: str) -> int:
    """Run a page's blocks; return their number."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for line, title, code in blocks(text):
        count += 1
        if title and title.startswith("test_"):
            await asyncio.to_thread(run_tests, title, code)
            continue
        padded = "\n" * (line - 1) + code
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        compiled = compile(padded, page, "exec", flags=flags)
        if compiled.co_flags & inspect.CO_COROUTINE:
            await eval(compiled, namespace)  # noqa: S307 - the docs' own code
        else:
            await asyncio.to_thread(exec, compiled, namespace)
    return count


def run_tests(title: str, code: str) -> None:
    """Run a block that is a test file."""
    Path(title).write_text(code, "utf-8")
    subprocess.run([sys.executable, "-m", "pytest", "-q", title], check=True)


def main() -> int:
    """Run the page that the command line names."""
    from langchain_fal_image.sandbox import Sandbox  # noqa: PLC0415

    page = ROOT / sys.argv[1]
    sys.path.insert(0, str(ROOT / "examples"))
    with Sandbox(prices={"fal-ai/qwen-image": 0.02}) as sandbox:
        os.environ["FAL_SANDBOX_URL"] = sandbox.url
        os.environ["FAL_CATALOG_DIR"] = str(Path.cwd() / "catalog")
        import langchain.agents.factory as agents  # noqa: PLC0415
        import langchain.chat_models as chat  # noqa: PLC0415
        from scripted import ScriptedChatModel  # noqa: PLC0415

        for module in (agents, chat):
            vars(module)["init_chat_model"] = lambda *_, **__: ScriptedChatModel()
        count = asyncio.run(run(sys.argv[1], page.read_text("utf-8")))
        print(f"{count} blocks, {sandbox.submits} images submitted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
