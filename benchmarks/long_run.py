"""Check that descriptors, tasks, threads and memory do not grow over a long run.

    python benchmarks/long_run.py --way async

Generates images with a sandbox in another process, and prints the resources that this
process uses after 500 and after 5,000 of them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from langchain_fal_image import FalTextToImage, create_fal

SERVER = """
import sys
from langchain_fal_image.sandbox import Sandbox
with Sandbox(concurrency=64) as sandbox:
    print(sandbox.url, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class OpenResources:
    """The resources that a process uses.

    Attributes:
        generations: The number of generations so far.
        descriptors: The number of open files and sockets.
        tasks: The number of tasks in the event loop.
        threads: The number of threads.
        memory: The resident memory, in KiB.
    """

    generations: int
    descriptors: int
    tasks: int
    threads: int
    memory: int

    def compute_growth(self, earlier: OpenResources) -> dict[str, float]:
        """Return the ratio of each figure to an earlier one."""
        names = ("descriptors", "tasks", "threads", "memory")
        return {
            name: getattr(self, name) / max(1, getattr(earlier, name)) for name in names
        }


def measure(generations: int, tasks: int) -> OpenResources:
    """Measure this process."""
    gc.collect()
    status = Path("/proc/self/status").read_text("utf-8")
    [resident] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return OpenResources(
        generations=generations,
        descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - only counted
        tasks=tasks,
        threads=threading.active_count(),
        memory=int(resident.split()[1]),
    )


def long_run(
    *, early: int, late: int, concurrency: int, way: Literal["sync", "async"]
) -> tuple[OpenResources, OpenResources]:
    """Run generations and measure twice.

    Args:
        early: The number of generations before the first measurement.
        late: The number of generations before the second one.
        concurrency: The maximum number of generations at the same time.
        way: `"async"` uses `ainvoke` in tasks, `"sync"` uses `invoke` in threads.

    Returns:
        Both measurements.
    """
    with subprocess.Popen(  # noqa: S603 - the code above
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None  # noqa: S101 - for the type checker
        url = server.stdout.readline().strip()
        fal = create_fal("sandbox", base_url=f"{url}/queue")
        t2i = FalTextToImage(fal=fal, image_size={"width": 64, "height": 64})
        run = _sync if way == "sync" else _async
        try:
            return run(t2i, early, late, concurrency)
        finally:
            fal.close()
            server.terminate()


def _async(
    t2i: FalTextToImage, early: int, late: int, concurrency: int
) -> tuple[OpenResources, OpenResources]:
    async def generate(numbers: Iterator[int]) -> None:
        async def work() -> None:
            for number in numbers:
                await t2i.ainvoke({"prompt": f"hill {number}", "seed": 1})

        await asyncio.gather(*(work() for _ in range(concurrency)))

    async def run() -> tuple[OpenResources, OpenResources]:
        await generate(iter(range(early)))
        first = measure(early, len(asyncio.all_tasks()))
        await generate(iter(range(early, late)))
        return first, measure(late, len(asyncio.all_tasks()))

    return asyncio.run(run())


def _sync(
    t2i: FalTextToImage, early: int, late: int, concurrency: int
) -> tuple[OpenResources, OpenResources]:
    lock = threading.Lock()

    def work(numbers: Iterator[int]) -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            t2i.invoke({"prompt": f"hill {number}", "seed": 1})

    with ThreadPoolExecutor(concurrency) as pool:
        for begin, end in ((0, early), (early, late)):
            numbers = iter(range(begin, end))
            for done in [pool.submit(work, numbers) for _ in range(concurrency)]:
                done.result()
            if begin == 0:
                first = measure(early, 0)
        return first, measure(late, 0)


def main() -> int:
    """Print both measurements and the growth between them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--way", choices=["sync", "async"], default="async")
    parser.add_argument("--early", type=int, default=500)
    parser.add_argument("--late", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=16)
    early, late = long_run(**vars(parser.parse_args()))
    print(early)
    print(late)
    growth = late.compute_growth(early)
    print(", ".join(f"{name} x{ratio:.3f}" for name, ratio in growth.items()))
    return 0 if max(growth.values()) <= 1.05 else 1  # noqa: PLR2004 - within 5 %


if __name__ == "__main__":
    sys.exit(main())
