"""Measure the time to look up a schema and to check options.

usage: python benchmarks/options.py

Prints medians, each with its ratio to a baseline of the same run: reading the catalog's
JSON, or dumping the checked payload as JSON. The ratios depend less on the machine than
the times do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from langchain_fal_image.options import catalog
from langchain_fal_image.options.resolve import resolve_options

ROUNDS = 300
LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("constructor", {"guidance_scale": 4, "numInferenceSteps": 30}),
    ("input", {"prompt": "Mount Fuji", "aspectRatio": "16:9", "n": 2, "seed": 7}),
]
FIRST = """
import json, time
from importlib.resources import files
from langchain_fal_image.options import catalog
began = time.perf_counter()
json.loads(files("langchain_fal_image.options").joinpath("catalog.json").read_text())
read = time.perf_counter()
catalog.get_schema("fal-ai/qwen-image")
print(read - began, time.perf_counter() - read)
"""


def measure_median(work: Callable[[], object]) -> float:
    """Return the median time of a call, in seconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure_first_lookup() -> tuple[float, float]:
    """Measure the first lookup in new processes.

    Returns:
        The median times, in seconds, of the lookup and of reading the file alone.
    """
    runs = []
    for _ in range(7):
        run = subprocess.run(  # noqa: S603 - fixed arguments
            [sys.executable, "-c", FIRST], capture_output=True, text=True, check=True
        )
        runs.append([float(each) for each in run.stdout.split()])
    read, lookup = (statistics.median(column) for column in zip(*runs, strict=True))
    return lookup, read


def main() -> None:
    """Measure and print a table."""
    schema = catalog.get_schema("fal-ai/qwen-image")
    payload = resolve_options(schema, LAYERS).payload
    lookup, read = measure_first_lookup()
    dumps = measure_median(lambda: json.dumps(payload))
    later = measure_median(lambda: catalog.get_schema("fal-ai/qwen-image"))
    check = measure_median(lambda: resolve_options(schema, LAYERS))
    size = len(
        files("langchain_fal_image.options").joinpath("catalog.json").read_bytes()
    )
    print(f"catalog: {len(catalog.list_endpoint_ids())} endpoints, {size:,} bytes")
    print(f"{'':34}{'median':>12}{'ratio':>9}  baseline")
    for name, cost, base, words in (
        ("first lookup in a process", lookup, read, "reading catalog.json alone"),
        ("later lookup", later, dumps, "json.dumps of the payload"),
        ("whole option check, 6 options", check, dumps, "json.dumps of the payload"),
    ):
        print(f"{name:34}{cost * 1e6:>9.1f} µs{cost / base:>9.2f}  {words}")


if __name__ == "__main__":
    main()
