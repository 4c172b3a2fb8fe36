"""A bulk run on a local Ray with two workers, one of which is killed half-way.

Prints the outcome as JSON, for the test.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import ray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

from bulk_on_ray import make_images  # noqa: E402 - from the examples

from langchain_fal_image.sandbox import Fault, Sandbox  # noqa: E402 - after it

PROMPTS = [f"a kite, number {number}" for number in range(24)]
LIMIT = 4
SUBMITS_BEFORE_KILL = 8


def find_actors() -> list[int]:
    """Return the processes of Ray's actors that run the example's class."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = each.read_bytes()
        except OSError:
            continue
        if b"ray::" in command and b"Illustrator" in command:
            found.append(int(each.parent.name))
    return found


def kill_an_actor(sandbox: Sandbox, killed: list[int]) -> None:
    """Kill one of the actors as soon as some images are made."""
    sandbox.wait_for(lambda it: it.submits >= SUBMITS_BEFORE_KILL, timeout=120)
    while not (actors := find_actors()):
        time.sleep(0.05)
    os.kill(actors[0], signal.SIGKILL)
    killed.append(actors[0])


def main() -> int:
    """Run the batch, kill a worker, print the outcome."""
    folder = Path(sys.argv[1])
    killed: list[int] = []
    with Sandbox(run_seconds=0.1, concurrency=LIMIT) as sandbox:
        # Both workers wait for responses for as long as the kill may take.
        sandbox.faults.add(
            Fault(
                on="submit",
                delay_seconds=12,
                after=True,
                skip=SUBMITS_BEFORE_KILL,
                times=LIMIT,
            )
        )
        killer = threading.Thread(
            target=kill_an_actor, args=(sandbox, killed), daemon=True
        )
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(ROOT / "examples")}},
        )
        try:
            killer.start()
            records = make_images(
                PROMPTS,
                folder=folder,
                limit=LIMIT,
                hosts={"FAL_SANDBOX_URL": sandbox.url},
            ).take_all()
        finally:
            ray.shutdown()
        submits = Counter(
            each.json["prompt"] for each in sandbox.requests if each.method == "POST"
        )
        outcome = {
            "killed": len(killed),
            "records": records,
            "submits_of_a_prompt": max(submits.values()),
            "most_in_flight": sandbox.most_in_flight,
        }
    print(json.dumps(outcome))
    return 0


if __name__ == "__main__":
    sys.exit(main())
