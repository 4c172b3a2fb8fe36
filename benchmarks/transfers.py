"""Measure the memory that downloads and uploads take, for small and large files.

    python benchmarks/transfers.py

Each case runs in a new process against the fake queue and reports its peak memory. The
peak for small files is that of Python and the packages; the difference for large files
is the memory that the files take.
"""

from __future__ import annotations

import asyncio
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOWNLOADS = 8
KIB_PER_MIB = 1024


def main() -> int:
    """Run all cases, or one of them in this process."""
    if len(sys.argv) > 1:
        kind, url, size = sys.argv[1:]
        began = time.perf_counter()
        {"download": download, "adownload": adownload, "upload": upload}[kind](
            url, int(size)
        )
        seconds = time.perf_counter() - began
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, seconds)
        return 0
    print(f"{'':44}{'small MiB':>10}{'large MiB':>10}{'more':>7}{'MB/s':>7}")
    for kind, name, small, large, count in (
        ("download", "8 images of 25 MB saved at once", 25_000, 25_000_000, 8),
        ("adownload", "the same, async", 25_000, 25_000_000, 8),
        ("upload", "an input image of 100 MB, from a file", 25_000, 100_000_000, 1),
    ):
        before, _ = _run(kind, small)
        after, seconds = _run(kind, large)
        rate = count * large / seconds / 1e6
        print(
            f"{name:44}{before / KIB_PER_MIB:10.0f}{after / KIB_PER_MIB:10.0f}"
            f"{(after - before) / KIB_PER_MIB:7.1f}{rate:7.0f}"
        )
    return 0


def _run(kind: str, size: int) -> tuple[int, float]:
    with subprocess.Popen(  # noqa: S603 - a file of this folder
        [sys.executable, str(HERE / "fake_queue.py"), "0.01"],
        stdout=subprocess.PIPE,
        text=True,
    ) as queue:
        assert queue.stdout is not None  # noqa: S101 - for the type checker
        url = queue.stdout.readline().strip()
        done = subprocess.run(  # noqa: S603 - this file
            [sys.executable, __file__, kind, url, str(size)],
            capture_output=True,
            text=True,
            check=False,
        )
        queue.terminate()
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    memory, seconds = done.stdout.split()
    return int(memory), float(seconds)


def _result(url: str, size: int) -> Any:
    from langchain_fal_image import ImageResult, create_fal  # noqa: PLC0415

    images = [{"url": f"{url}/files/{size}"} for _ in range(DOWNLOADS)]
    result = ImageResult.from_output({"images": images}, model="fal-ai/qwen-image")
    return result.using(create_fal("x", base_url=url))


def download(url: str, size: int) -> None:
    """Save the images of one result."""
    with tempfile.TemporaryDirectory() as folder:
        _check(_result(url, size).save(folder), size)


def adownload(url: str, size: int) -> None:
    """Save the images of one result with `asave`."""
    with tempfile.TemporaryDirectory() as folder:
        _check(asyncio.run(_result(url, size).asave(folder)), size)


def _check(paths: tuple[Path, ...], size: int) -> None:
    sizes = [path.stat().st_size for path in paths]
    if sizes != [size] * DOWNLOADS:
        message = f"Expected {DOWNLOADS} files of {size} bytes, got {sizes}."
        raise SystemExit(message)


def upload(url: str, size: int) -> None:
    """Edit an image file, which is uploaded."""
    from langchain_fal_image import FalImageEdit, create_fal  # noqa: PLC0415
    from langchain_fal_image.wire.config import Limits  # noqa: PLC0415

    header = b"IHDR" + struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(header))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in.png"
        with path.open("wb") as file:
            file.write(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + crc)
            file.truncate(size)
        fal = create_fal(
            "x",
            base_url=url,
            rest_url=url,
            allowed_dirs=[folder],
            limits=Limits(inline_bytes=1000),
        )
        edit = FalImageEdit("fal-ai/nano-banana-pro/edit", fal=fal)
        edit.invoke({"prompt": "add a moon", "images": path})


if __name__ == "__main__":
    sys.exit(main())
