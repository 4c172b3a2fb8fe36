"""Compare the cost of a generation between clients, without fal's own time.

    make bench

Each client runs in a new process against a fake queue in another process. The rounds of
the clients are interleaved. The columns:

- overhead: the time of a generation minus the time that the queue took for it, in ms;
- p95: the 95th percentile of the overhead after the initial burst, which is the first
  two generations of each concurrent worker;
- in hand: the time from the completion in the queue to the result in the client, in ms.

Medians are over all rounds. The client `floor` is plain httpx, which makes only the
three requests that are needed: submit, status stream and result.

The clients for Node.js run if node and npm are installed; their packages go into the
virtual environment. @ai-sdk/fal sends one POST that waits instead of using the queue,
and also downloads the image.
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
from pathlib import Path
from typing import Any

import httpx
from adapters import CLIENTS

HERE = Path(__file__).resolve().parent
SECONDS = 0.3


NODE_CLIENTS = ("@fal-ai/client", "@ai-sdk/fal")
NODE_PACKAGES = ("@fal-ai/client@1", "@ai-sdk/fal@2", "ai@6")
NODE = Path(sys.prefix) / "node"


# --- One client in its own process ---


async def measure(
    name: str, url: str, *, generations: int, at_once: int
) -> dict[str, Any]:
    """Run one client and measure it.

    Args:
        name: The client.
        url: URL of the fake queue.
        generations: How many generations to measure, after a few to warm up.
        at_once: How many generations are in flight at once.
    """
    generate, close = CLIENTS[name](url)
    await asyncio.gather(*(generate() for _ in range(min(at_once, 8))))
    async with httpx.AsyncClient() as client:
        before = (await client.get(f"{url}/times")).json()["requests"]
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
        after = (await client.get(f"{url}/times")).json()
    return figures(
        after["times"],
        spans,
        seconds=seconds,
        cpu=used,
        memory=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        requests=after["requests"] - before,
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
    """Return the figures of one run; times are in seconds.

    Args:
        times: When the queue accepted and completed each request.
        spans: When the client began and ended each request.
        at_once: How many generations were in flight.
        requests: The HTTP requests that the queue received.
        seconds: The duration of the run.
        cpu: The CPU time of the run.
        memory: The peak memory, in KiB.
    """
    overhead = [
        ended - began - (times[each][1] - times[each][0])
        for each, began, ended in sorted(spans, key=lambda span: span[1])
    ]
    return {
        "overhead": overhead,
        # A worker's second generation still competes with the initial burst.
        "after_burst": overhead[2 * at_once :] or overhead,
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
    """Run all clients, or one of them in this process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--one", nargs=4, metavar=("CLIENT", "URL", "N", "AT_ONCE"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 64, 256])
    arguments = parser.parse_args()
    if arguments.one:
        name, url, generations, at_once = arguments.one
        work = measure(name, url, generations=int(generations), at_once=int(at_once))
        print(json.dumps(asyncio.run(work)))
        return 0
    _install_node_clients()
    for at_once in arguments.at_once:
        _print_comparison(at_once, arguments.rounds)
    _print_growth(arguments.rounds)
    return 0


def _print_comparison(at_once: int, rounds: int) -> None:
    generations = 20 if at_once == 1 else at_once * 12
    names = [*CLIENTS, *(NODE_CLIENTS if _has_node() else ())]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            found[name].append(_run(name, generations, at_once))
    ceiling = at_once / SECONDS
    print(
        f"\n{at_once} in flight, {rounds} rounds of {generations} generations of "
        f"{SECONDS:g} s ±20 %; ceiling {ceiling:.0f} per second"
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
        ratios = ", ".join(
            f"{column} x{rows[each][column] / rows[other][column]:.2f}"
            for column in ("per second", "overhead", "in hand", "CPU ms")
        )
        print(f"{each} against {other}: {ratios}")
    layer = rows["ours"]["CPU ms"] - rows["our_wire"]["CPU ms"]
    print(f"LangChain and options on top of the wire layer: {layer:.2f} ms of CPU")


def _print_growth(rounds: int) -> None:
    """Print whether a generation costs more after many others."""
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
    *("per second", "of ceiling", "overhead", "p95", "in hand"),
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
        print("node and npm are not installed: the clients for Node.js are skipped")
        return
    NODE.mkdir(exist_ok=True)
    done = subprocess.run(  # noqa: S603 - npm, with names from this file
        [npm, "install", "--no-audit", "--no-fund", "--silent", *NODE_PACKAGES],
        cwd=NODE,
        check=False,
    )
    if done.returncode:
        print("npm failed to install the clients for Node.js: they are skipped")
        shutil.rmtree(NODE)


def _run(name: str, generations: int, at_once: int) -> dict[str, Any]:
    with subprocess.Popen(  # noqa: S603 - a file of this folder
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
        done = subprocess.run(  # noqa: S603 - files of this folder
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
