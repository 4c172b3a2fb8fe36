"""What a generation costs beyond fal's own time, for several clients.

    make bench

All clients run against the same fake queue, in a process of its own; rounds are
interleaved, each client in a fresh process. Overhead is the time of a generation beyond
the time that the queue took for it; in hand is the time from its completion there to
the result here. Medians are of all rounds; p95 is that of the overhead after the
opening burst, the first two generations of each place in flight. The floor is what
plain httpx needs for the submit, the status stream and the result, on its default
limits.

The clients for Node.js are measured where node and npm are present; their packages are
installed beside the virtual environment. @ai-sdk/fal waits in one POST instead of the
queue, and downloads the image too.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).resolve().parent
MODEL = "fal-ai/qwen-image"
PAYLOAD = {"prompt": "a hill", "seed": 7}
SECONDS = 0.3
Generate = Callable[[], Awaitable[str]]
"""Makes one image and gives its request id."""


# --- The clients ---


def floor(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Plain httpx: submit, stream, result."""
    # httpx's default limits, but for the number of connections: each generation in
    # flight holds one for its stream.
    limits = httpx.Limits(max_connections=512, max_keepalive_connections=20)
    key = {"authorization": "Key x"}
    client = httpx.AsyncClient(timeout=60, limits=limits, headers=key)

    async def generate() -> str:
        response = await client.post(f"{url}/{MODEL}", json=PAYLOAD)
        told = response.json()
        where = f"{told['status_url']}/stream"
        async with client.stream("GET", where) as stream:
            async for line in stream.aiter_lines():
                if "COMPLETED" in line:
                    break
        (await client.get(told["response_url"])).json()
        return str(told["request_id"])

    return generate, client.aclose


def ours(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Our runnable, through `ainvoke`."""
    from langchain_fal_image import FalTextToImage, create_fal  # noqa: PLC0415

    fal = create_fal("x", base_url=url)
    t2i = FalTextToImage(fal=fal)

    async def generate() -> str:
        return str((await t2i.ainvoke(PAYLOAD)).request_id)

    return generate, fal.aclose


def ours_fast(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Our runnable, through `ainvoke`, with the `fast` extra."""
    from langchain_fal_image import FalTextToImage, create_fal  # noqa: PLC0415

    fal = create_fal("x", base_url=url, async_transport="aiohttp")
    t2i = FalTextToImage(fal=fal)

    async def generate() -> str:
        return str((await t2i.ainvoke(PAYLOAD)).request_id)

    return generate, fal.aclose


def our_wire(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Our wire alone, without LangChain and options."""
    from langchain_fal_image import create_fal  # noqa: PLC0415
    from langchain_fal_image.wire import flows  # noqa: PLC0415

    fal = create_fal("x", base_url=url)

    async def generate() -> str:
        output = await fal.arun(flows.generate(fal.context, MODEL, PAYLOAD))
        return str(output.request_id)

    return generate, fal.aclose


def ours_sync(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Our runnable, through `invoke` in threads."""
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


def fal_client(url: str) -> tuple[Generate, Callable[[], Awaitable[None]]]:
    """Fal's Python client, its URL formats replaced to point at loopback."""
    import fal_client as package  # noqa: PLC0415
    import fal_client.client as module  # noqa: PLC0415

    module.QUEUE_URL_FORMAT = f"{url}/"  # it insists on TLS
    client = package.AsyncClient(key="x")

    async def generate() -> str:
        handle = await client.submit(MODEL, PAYLOAD)
        await handle.get()
        return str(handle.request_id)

    async def close() -> None:
        """Leave it: it has no way to be closed."""

    return generate, close


ALL = (floor, our_wire, ours, ours_fast, ours_sync, fal_client)
CLIENTS = {each.__name__: each for each in ALL}
NODE_CLIENTS = ("@fal-ai/client", "@ai-sdk/fal")
NODE_PACKAGES = ("@fal-ai/client@1", "@ai-sdk/fal@2", "ai@6")
NODE = Path(sys.prefix) / "node"


# --- One client in a process of its own ---


async def measure(
    name: str, url: str, *, generations: int, at_once: int
) -> dict[str, Any]:
    """Run one client and measure it.

    Args:
        name: Which one.
        url: The fake queue's.
        generations: How many are counted, after a few that warm it up.
        at_once: How many are under way at once.
    """
    generate, close = CLIENTS[name](url)
    await asyncio.gather(*(generate() for _ in range(min(at_once, 8))))
    async with httpx.AsyncClient() as client:
        asked = (await client.get(f"{url}/times")).json()["requests"]
    spans: list[tuple[str, float, float]] = []
    left = iter(range(generations))

    async def work() -> None:
        for _ in left:
            began = time.time()
            request_id = await generate()
            spans.append((request_id, began, time.time()))

    used = _cpu()
    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    seconds, used = time.perf_counter() - began, _cpu() - used
    await close()
    async with httpx.AsyncClient() as client:
        told = (await client.get(f"{url}/times")).json()
    return figures(
        told["times"],
        spans,
        seconds=seconds,
        cpu=used,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        requests=told["requests"] - asked,
        at_once=at_once,
    )


def figures(
    times: dict[str, list[float]],
    spans: list[tuple[str, float, float]],
    *,
    at_once: int,
    requests: int,
    seconds: float,
    cpu: float,
    memory: int,
) -> dict[str, Any]:
    """Put one run into figures, times in seconds.

    Args:
        times: When the queue took and completed each request.
        spans: When the client began and ended each.
        at_once: So many are in flight.
        requests: Of HTTP, that the queue had.
        seconds: How long the run took.
        cpu: In all.
        memory: The peak, in KiB.
    """
    late = [
        ended - began - (times[each][1] - times[each][0])
        for each, began, ended in sorted(spans, key=lambda span: span[1])
    ]
    return {
        "overhead": late,
        # What begins in the second turn still meets the crowd of the first.
        "after_burst": late[2 * at_once :] or late,
        "in_hand": [ended - times[each][1] for each, _, ended in spans],
        "requests": requests / len(spans),
        "per_second": len(spans) / seconds,
        "cpu": cpu / len(spans),
        "memory": memory,
    }


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# --- All clients ---


def main() -> int:
    """Run all clients, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--one", nargs=4, metavar=("CLIENT", "URL", "N", "AT_ONCE"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 64, 256])
    given = parser.parse_args()
    if given.one:
        name, url, generations, at_once = given.one
        work = measure(name, url, generations=int(generations), at_once=int(at_once))
        print(json.dumps(asyncio.run(work)))
        return 0
    _install_node_clients()
    for at_once in given.at_once:
        _compare(at_once, given.rounds)
    _grow(given.rounds)
    return 0


def _compare(at_once: int, rounds: int) -> None:
    generations = 20 if at_once == 1 else at_once * 12
    names = [*CLIENTS, *(NODE_CLIENTS if _has_node() else ())]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(_run(name, generations, at_once))
    ceiling = at_once / SECONDS
    print(
        f"\n{at_once} in flight, {rounds} rounds of {generations} generations of "
        f"{SECONDS:g} s ±20 %; ceiling {ceiling:.0f} a second"
    )
    print(f"{'client':16}" + "".join(f"{each:>11}" for each in COLUMNS))
    rows = {name: _row(figures, ceiling) for name, figures in found.items()}
    for name, row in rows.items():
        print(f"{name:16}" + "".join(f"{each:11.2f}" for each in row.values()))
    for each, other in (
        ("ours", "floor"),
        ("ours", "fal_client"),
        ("ours_fast", "fal_client"),
    ):
        told = ", ".join(
            f"{column} x{rows[each][column] / rows[other][column]:.2f}"
            for column in ("a second", "overhead", "in hand", "CPU ms")
        )
        print(f"{each} against {other}: {told}")
    layer = rows["ours"]["CPU ms"] - rows["our_wire"]["CPU ms"]
    print(f"LangChain's layer and options, over our wire: {layer:.2f} ms of CPU")


def _grow(rounds: int) -> None:
    """Say whether a generation costs more after many others."""
    short, long = 500, 5000
    cpu: dict[int, list[float]] = {short: [], long: []}
    for _ in range(rounds):
        for generations, each in cpu.items():
            each.append(_run("ours", generations, 64)["cpu"])
    few, many = (1000 * statistics.median(each) for each in cpu.values())
    print(
        f"\nours, 64 in flight: {few:.2f} ms of CPU each at {short} generations, "
        f"{many:.2f} at {long}: x{many / few:.2f}"
    )


COLUMNS = (
    *("a second", "of ceiling", "overhead", "p95", "in hand"),
    *("requests", "CPU ms", "MiB"),
)


def _row(rounds: list[dict[str, Any]], ceiling: float) -> dict[str, float]:
    def median(name: str) -> float:
        return float(statistics.median(each[name] for each in rounds))

    def pooled(name: str) -> list[float]:
        return [1000 * each for figures in rounds for each in figures[name]]

    rate = median("per_second")
    values = (
        rate,
        rate / ceiling,
        statistics.median(pooled("overhead")),
        statistics.quantiles(pooled("after_burst"), n=20)[-1],
        statistics.median(pooled("in_hand")),
        median("requests"),
        1000 * median("cpu"),
        median("memory") / 1024,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _has_node() -> bool:
    return (NODE / "node_modules").is_dir()


def _install_node_clients() -> None:
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        print("no node and npm here: the clients for Node.js are left out")
        return
    NODE.mkdir(exist_ok=True)
    done = subprocess.run(  # noqa: S603 - npm, with names from this file
        [npm, "install", "--no-audit", "--no-fund", "--silent", *NODE_PACKAGES],
        cwd=NODE,
        check=False,
    )
    if done.returncode:
        print("npm could not install the clients for Node.js: they are left out")
        shutil.rmtree(NODE)


def _run(name: str, generations: int, at_once: int) -> dict[str, Any]:
    with subprocess.Popen(  # noqa: S603 - beside this file
        [sys.executable, str(HERE / "fake_queue.py"), str(SECONDS)],
        stdout=subprocess.PIPE,
        text=True,
    ) as queue:
        assert queue.stdout is not None  # noqa: S101 - for the type checker
        url = queue.stdout.readline().strip()
        command = [sys.executable, __file__, "--one"]
        if name in NODE_CLIENTS:
            script = str(shutil.copy(HERE / "clients.mjs", NODE))
            command = [str(shutil.which("node")), script]
        done = subprocess.run(  # noqa: S603 - these very files
            [*command, name, url, str(generations), str(at_once)],
            capture_output=True,
            text=True,
            check=False,
        )
        queue.terminate()
        if done.returncode:
            message = f"{name} failed at {at_once} in flight:\n{done.stderr[-2000:]}"
            raise SystemExit(message)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        if name in NODE_CLIENTS:
            found = figures(**found)
        return found


if __name__ == "__main__":
    sys.exit(main())
