"""Measure the time to look up a schema and to check options.

usage: python benchmarks/options.py [CHECKOUT]

Prints medians of several processes, each with its ratio to a baseline of the same run:
reading the catalog's JSON, or dumping the payload as JSON. With the folder of another
checkout of this repository, it measures that one in turn, and prints how the ratios
of the two compare. The ratios depend less on the machine than the times do.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PROCESSES = 9
PROBE = r"""
import json, statistics, sys, time
from importlib.resources import files

now = time.process_time  # other processes on the machine do not count
began = now()
import langchain_fal_image.options.catalog as catalog
imported = now()
loaded = bool(getattr(getattr(catalog, "_Catalog", None), "in_use", None))
path = files("langchain_fal_image.options").joinpath("catalog.json")
before = now()
json.loads(path.read_text("utf-8"))
read = now()
schema = catalog.get_schema("fal-ai/qwen-image")
lookup = now() - read
other = catalog.get_schema("fal-ai/flux-general")

from langchain_fal_image.options.resolve import resolve_options

URL = "https://v3.fal.media/files/a.png"
USUAL = [
    ("constructor", {"guidance_scale": 4, "numInferenceSteps": 30}),
    ("input", {"prompt": "Mount Fuji", "aspectRatio": "16:9", "n": 2, "seed": 7}),
]
NESTED = [
    ("constructor", {"loras": [{"path": "me/fuji", "scale": 0.8}], "num_images": 2}),
    ("input", {"prompt": "Mount Fuji", "imageSize": {"width": 1280, "height": 720},
     "controlnets": [{"path": "me/canny", "controlImageUrl": URL}]}),
]

def measure(work):
    times = []
    for _ in range(300):
        start = now()
        work()
        times.append(now() - start)
    return statistics.median(times)

payload = resolve_options(schema, USUAL).payload
print(json.dumps({
    "bytes": len(path.read_bytes()),
    "loaded": loaded,
    "endpoints": len(catalog.list_endpoint_ids(None)),
    "import": imported - began,
    "read": read - before,
    "lookup": lookup,
    "later": measure(lambda: catalog.get_schema("fal-ai/qwen-image")),
    "dumps": measure(lambda: json.dumps(payload)),
    "usual": measure(lambda: resolve_options(schema, USUAL)),
    "nested": measure(lambda: resolve_options(other, NESTED)),
}))
"""
ROWS = (
    ("first lookup in a process", "lookup", "read"),
    ("later lookup", "later", "dumps"),
    ("check of 6 options", "usual", "dumps"),
    ("check of options in objects", "nested", "dumps"),
)
BASELINES = {"read": "reading catalog.json alone", "dumps": "json.dumps of a payload"}
_Facts = dict[str, float]


def run_probe(checkout: Path) -> _Facts:
    """Measure a checkout in a new process."""
    settings = {**os.environ, "PYTHONPATH": str(checkout)}
    run = subprocess.run(  # noqa: S603 - fixed arguments
        [sys.executable, "-c", PROBE],
        capture_output=True,
        text=True,
        check=True,
        env=settings,
        cwd=checkout,
    )
    facts: _Facts = json.loads(run.stdout)
    return facts


def main() -> None:
    """Measure and print a table for each checkout."""
    checkouts = [HERE, *(Path(each).resolve() for each in sys.argv[1:2])]
    runs: list[list[_Facts]] = [[] for _ in checkouts]
    for _ in range(PROCESSES):
        for checkout, found in zip(checkouts, runs, strict=True):
            found.append(run_probe(checkout))
    medians = [
        {name: statistics.median(run[name] for run in found) for name in found[0]}
        for found in runs
    ]
    for checkout, facts in zip(checkouts, medians, strict=True):
        size, number = facts["bytes"], facts["endpoints"]
        print(f"{checkout.name}: {number:,.0f} endpoints, {size:,.0f} bytes")
        print(f"importing loads {'a' if facts['loaded'] else 'no'} catalog")
        print(f"{'':30}{'median':>14}{'ratio':>9}  to")
        for title, name, base in ROWS:
            ratio = facts[name] / facts[base]
            time = f"{facts[name] * 1e6:,.1f} µs"
            print(f"{title:30}{time:>14}{ratio:>9.2f}  {BASELINES[base]}")
        print()
    if len(medians) > 1:
        after, before = medians
        print(f"{checkouts[0].name} / {checkouts[1].name}:")
        for title, name, base in ROWS:
            own, other = (each[name] / each[base] for each in (after, before))
            same = after[name] / before[name]
            print(f"{title:30} time {same:5.2f}, ratio {own / other:5.2f}")


if __name__ == "__main__":
    main()
