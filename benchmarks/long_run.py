"""Whether descriptors, tasks, threads or memory grow over a long run.

    python benchmarks/long_run.py --way async

Runs generations through the runnable against a sandbox in another process, and prints
what is open after the first 500 and after 5,000.
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
class Open:
    """What a process has open.

    Attributes:
        generations: After how many.
        descriptors: Open files and sockets.
        tasks: Of the running event loop.
        threads: All.
        memory: Resident, in KiB.
    """

    generations: int
    descriptors: int
    tasks: int
    threads: int
    memory: int

    def grown(self, earlier: Open) -> dict[str, float]:
        """Give each figure as a ratio to an earlier one."""
        names = ("descriptors", "tasks", "threads", "memory")
        return {
            name: getattr(self, name) / max(1, getattr(earlier, name)) for name in names
        }


def measured(generations: int, tasks: int) -> Open:
    """Measure this process."""
    gc.collect()
    status = Path("/proc/self/status").read_text("utf-8")
    [resident] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return Open(
        generations=generations,
        descriptors=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - counted, not used
        tasks=tasks,
        threads=threading.active_count(),
        memory=int(resident.split()[1]),
    )


def long_run(
    *, early: int, late: int, concurrency: int, way: Literal["sync", "async"]
) -> tuple[Open, Open]:
    """Run generations and measure twice.

    Args:
        early: After how many the first time.
        late: After how many the second time.
        concurrency: How many at once.
        way: Through `ainvoke` in tasks or `invoke` in threads.
    """
    with subprocess.Popen(  # noqa: S603 - our own code
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
) -> tuple[Open, Open]:
    async def some(numbers: Iterator[int]) -> None:
        async def work() -> None:
            for number in numbers:
                await t2i.ainvoke({"prompt": f"hill {number}", "seed": 1})

        await asyncio.gather(*(work() for _ in range(concurrency)))

    async def run() -> tuple[Open, Open]:
        await some(iter(range(early)))
        first = measured(early, len(asyncio.all_tasks()))
        await some(iter(range(early, late)))
        return first, measured(late, len(asyncio.all_tasks()))

    return asyncio.run(run())


def _sync(
    t2i: FalTextToImage, early: int, late: int, concurrency: int
) -> tuple[Open, Open]:
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
                first = measured(early, 0)
        return first, measured(late, 0)


def main() -> int:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--way", choices=["sync", "async"], default="async")
    parser.add_argument("--early", type=int, default=500)
    parser.add_argument("--late", type=int, default=5000)
    parser.add_argument("--concurrency", type=int, default=16)
    early, late = long_run(**vars(parser.parse_args()))
    print(early)
    print(late)
    grown = late.grown(early)
    print(", ".join(f"{name} x{ratio:.3f}" for name, ratio in grown.items()))
    return 0 if max(grown.values()) <= 1.05 else 1  # noqa: PLR2004 - within 5 %


if __name__ == "__main__":
    sys.exit(main())
