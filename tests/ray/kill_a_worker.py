"""A bulk run on a local Ray with two workers, one of which is killed half-way.

Prints what came of it as JSON, for the test.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path

import ray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from bulk_on_ray import illustrated  # noqa: E402 - from the examples

from langchain_fal_image.sandbox import Sandbox  # noqa: E402 - after it

PROMPTS = [f"a kite, number {number}" for number in range(24)]


def actors() -> list[int]:
    """Find the processes of Ray's actors that run our class."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes()
        except OSError:
            continue
        if b"ray::" in words and b"Illustrator" in words:
            found.append(int(each.parent.name))
    return found


def main() -> int:
    """Run it."""
    folder = Path(sys.argv[1])
    killed: list[int] = []
    with Sandbox(run_seconds=0.4, concurrency=4) as sandbox:

        def kill() -> None:
            sandbox.wait_for(lambda it: it.submits >= 8, timeout=60)
            for process in actors()[:1]:
                os.kill(process, signal.SIGKILL)
                killed.append(process)

        killer = threading.Thread(target=kill)
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT / "examples")}},
        )
        try:
            killer.start()
            records = illustrated(
                PROMPTS,
                folder=folder,
                limit=4,
                hosts={"FAL_SANDBOX_URL": sandbox.url},
            ).take_all()
        finally:
            killer.join()
            ray.shutdown()
        asked = Counter(
            each.json["prompt"] for each in sandbox.requests if each.method == "POST"
        )
        told = {
            "killed": len(killed),
            "records": records,
            "asked": asked,
            "submits": sandbox.submits,
            "most_in_flight": sandbox.most_in_flight,
        }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
