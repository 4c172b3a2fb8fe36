"""Measure how long Python takes to import the package and make a model.

    python benchmarks/startup.py

Each case runs in new processes, interleaved with the others; times are medians. The
last column is the difference from the case's baseline.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 15
CORE = "from langchain_core.tools import BaseTool"
CASES = {
    "an empty interpreter": "pass",
    "import langchain_fal_image": "import langchain_fal_image",
    "BaseTool of langchain-core": CORE,
    "… and a model": f"{CORE}\nfrom langchain_fal_image import FalTextToImage\n"
    "FalTextToImage()",
    "… and a toolkit": f"{CORE}\nfrom langchain_fal_image import FalImageToolkit\n"
    "FalImageToolkit().get_tools()",
}
BASELINES = {
    "import langchain_fal_image": "an empty interpreter",
    "… and a model": "BaseTool of langchain-core",
    "… and a toolkit": "BaseTool of langchain-core",
}


def main() -> int:
    """Measure and print."""
    found: dict[str, list[float]] = {name: [] for name in CASES}
    for _ in range(ROUNDS):
        for name, code in CASES.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - lines of this file
            found[name].append(1000 * (time.perf_counter() - began))
    medians = {name: statistics.median(times) for name, times in found.items()}
    print(f"{'':32}{'ms':>8}{'more':>8}")
    for name, median in medians.items():
        baseline = BASELINES.get(name)
        more = f"{median - medians[baseline]:8.1f}" if baseline else ""
        print(f"{name:32}{median:8.1f}{more}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
