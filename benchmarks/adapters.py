"""The Python clients that clients.py compares.

Each function here takes the URL of the fake queue and returns two async functions: one
generates an image and returns the request id, the other closes the client.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx

__all__ = ["CLIENTS", "Client", "Generate"]

MODEL = "fal-ai/qwen-image"
PAYLOAD = {"prompt": "a hill", "seed": 7}
Generate = Callable[[], Awaitable[str]]
Client = tuple[Generate, Callable[[], Awaitable[None]]]


def floor(url: str) -> Client:
    """Plain httpx: submit, stream, result."""
    # httpx's default limits, except for more connections: each generation in flight
    # uses one for its stream.
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=20)
    key = {"authorization": "Key x"}
    client = httpx.AsyncClient(timeout=60, limits=limits, headers=key)

    async def generate() -> str:
        response = await client.post(f"{url}/{MODEL}", json=PAYLOAD)
        submitted = response.json()
        status_url = submitted["status_url"]
        async with client.stream("GET", f"{status_url}/stream") as stream:
            async for line in stream.aiter_lines():
                if "COMPLETED" in line:
                    break
        (await client.get(submitted["response_url"])).json()
        return str(submitted["request_id"])

    return generate, client.aclose


def ours(url: str) -> Client:
    """This package's runnable, with `ainvoke`."""
    from langchain_fal_image import FalTextToImage, create_fal  # noqa: PLC0415

    fal = create_fal("x", base_url=url)
    t2i = FalTextToImage(fal=fal)

    async def generate() -> str:
        return str((await t2i.ainvoke(PAYLOAD)).request_id)

    return generate, fal.aclose


def ours_fast(url: str) -> Client:
    """This package's runnable, with `ainvoke` and the `fast` extra."""
    from langchain_fal_image import FalTextToImage, create_fal  # noqa: PLC0415

    fal = create_fal("x", base_url=url, async_transport="aiohttp")
    t2i = FalTextToImage(fal=fal)

    async def generate() -> str:
        return str((await t2i.ainvoke(PAYLOAD)).request_id)

    return generate, fal.aclose


def our_wire(url: str) -> Client:
    """This package's wire layer alone, without LangChain and options."""
    from langchain_fal_image import create_fal  # noqa: PLC0415
    from langchain_fal_image.wire import flows  # noqa: PLC0415

    fal = create_fal("x", base_url=url)

    async def generate() -> str:
        output = await fal.arun(flows.generate(fal.context, MODEL, PAYLOAD))
        return str(output.request_id)

    return generate, fal.aclose


def ours_sync(url: str) -> Client:
    """This package's runnable, with `invoke` in threads."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    from langchain_fal_image import FalTextToImage, create_fal  # noqa: PLC0415

    fal = create_fal("x", base_url=url)
    t2i = FalTextToImage(fal=fal)
    pool = ThreadPoolExecutor(256)

    async def generate() -> str:
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(pool, t2i.invoke, PAYLOAD)
        return str(result.request_id)

    async def close() -> None:
        pool.shutdown()
        fal.close()

    return generate, close


def fal_client(url: str) -> Client:
    """Fal's Python client, with its URL format replaced by the fake queue's URL."""
    import fal_client as package  # noqa: PLC0415
    import fal_client.client as module  # noqa: PLC0415

    module.QUEUE_URL_FORMAT = f"{url}/"  # its own format begins with https
    client = package.AsyncClient(key="x")

    async def generate() -> str:
        handle = await client.submit(MODEL, PAYLOAD)
        await handle.get()
        return str(handle.request_id)

    async def close() -> None:
        """Do nothing: the client cannot be closed."""

    return generate, close


ALL = (floor, our_wire, ours, ours_fast, ours_sync, fal_client)
CLIENTS = {each.__name__: each for each in ALL}
