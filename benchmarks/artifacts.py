"""Measure the CPU time of results whose answers have many or large fields.

usage: python benchmarks/artifacts.py

Prints, for 1,000, 10,000 and 100,000 entries, the seconds that it takes to read the
answer and to make its artifact. Ten times the entries should take about ten times as
long: an answer comes from another party.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from langchain_fal_image import ImageResult

NUMBERS = (1_000, 10_000, 100_000)
IMAGE = {"url": "https://v3.fal.media/files/a.png", "width": 1024, "height": 768}
ANSWERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "extra keys": lambda n: {f"key_{number}": number for number in range(n)},
    "extra texts": lambda n: {f"key_{number}": "text " * 30 for number in range(n)},
    "keys of an image": lambda n: {
        "images": [{**IMAGE, **{f"key_{number}": number for number in range(n)}}]
    },
    "images": lambda n: {"images": [IMAGE] * n},
    "a list of numbers": lambda n: {"vector": [0.5] * n},
}


def measure(answer: dict[str, Any]) -> tuple[float, float, int]:
    """Return the seconds to read an answer and to make its artifact, and its size."""
    began = time.process_time()
    result = ImageResult.from_output({"images": [IMAGE], **answer}, model="fal-ai/x")
    read = time.process_time()
    artifact = result.to_artifact()
    made = time.process_time()
    return read - began, made - read, len(json.dumps(artifact))


def main() -> None:
    """Measure and print a table."""
    print(f"{'':20}{'entries':>10}{'read':>10}{'artifact':>10}{'bytes':>10}")
    for name, make in ANSWERS.items():
        for number in NUMBERS:
            read, made, size = measure(make(number))
            print(f"{name:20}{number:>10,}{read:>8.3f} s{made:>8.3f} s{size:>10,}")


if __name__ == "__main__":
    main()
