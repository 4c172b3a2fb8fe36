"""Kill a durable batch repeatedly; check that no image is paid twice or lost.

    python benchmarks/kill.py --seed 1

The batch runs in another process, against a sandbox in this one. That process is killed
(SIGKILL) at random points and started again each time. Then a run without a kill
finishes the batch, and a last run with `on_uncertain="resubmit"` completes the inputs
whose submit was uncertain.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image

from langchain_fal_image import FalTextToImage, create_fal
from langchain_fal_image.durable import BatchReport, DurableBatch
from langchain_fal_image.sandbox import Sandbox

_MAX_REQUESTS_BETWEEN_KILLS = 12


@dataclass(frozen=True)
class KillReport:
    """The figures of one run.

    Attributes:
        inputs: The number of inputs.
        kills: How often the process was killed while it ran.
        uncertain: The number of inputs reported as uncertain.
        submits: The number of submits that the sandbox had accepted at the end of the
            run without a kill.
        on_disk: The number of images on disk then; each was decoded.
        repeated: The number of inputs with more than one accepted submit.
        final_submits: The number of accepted submits after the run with `resubmit`.
        final_on_disk: The number of images on disk after the run with `resubmit`.
        seconds: The duration.
    """

    inputs: int
    kills: int
    uncertain: int
    submits: int
    on_disk: int
    repeated: int
    final_submits: int
    final_on_disk: int
    seconds: float

    def find_broken_rules(self, concurrency: int) -> list[str]:
        """Return the rules that did not hold.

        Args:
            concurrency: The maximum number of inputs at the same time.
        """
        # In the names of the rules, N is the number of inputs, U of uncertain ones.
        certain = self.inputs - self.uncertain
        rules = {
            "N - U <= submits <= N": certain <= self.submits <= self.inputs,
            "every other image is on disk": self.on_disk == certain,
            "no input is submitted twice": self.repeated == 0,
            "U <= concurrency * kills": self.uncertain <= concurrency * self.kills,
            "in the end all are on disk": self.final_on_disk == self.inputs,
            "final submits <= N + U": self.final_submits
            <= self.inputs + self.uncertain,
        }
        return [rule for rule, holds in rules.items() if not holds]


def make_inputs(number: int) -> list[dict[str, Any]]:
    """Make inputs with different prompts."""
    return [{"prompt": f"hill {each}", "seed": each} for each in range(number)]


def make_batch(
    url: str, folder: Path, concurrency: int, on_uncertain: Any
) -> DurableBatch:
    """Make the batch, the same in each process."""
    fal = create_fal("sandbox", base_url=f"{url}/queue")
    return DurableBatch(
        FalTextToImage(fal=fal, size="64x64"),
        journal=folder / "journal.sqlite",
        images=folder / "images",
        concurrency=concurrency,
        on_uncertain=on_uncertain,
        progress=False,
    )


def kill_and_restart(
    *, inputs: int, kills: int, concurrency: int, seed: int, folder: Path
) -> KillReport:
    """Kill and restart a batch, then finish it.

    Args:
        inputs: The number of inputs.
        kills: How often to kill the process.
        concurrency: The maximum number of inputs at the same time.
        seed: The seed for the times of the kills.
        folder: The directory for the journal and the images.
    """
    rng = random.Random(seed)  # noqa: S311 - not a secret
    started = time.monotonic()
    killed = 0
    with Sandbox(run_seconds=0.02, concurrency=concurrency) as sandbox:
        for _ in range(kills):
            with _start(sandbox.url, folder, concurrency, inputs) as child:
                requests = rng.randrange(_MAX_REQUESTS_BETWEEN_KILLS)
                _wait_for_requests(sandbox, requests, child)
                time.sleep(rng.uniform(0.0, 0.01))
                if child.poll() is not None:
                    break
                child.kill()
                killed += 1
        report = make_batch(sandbox.url, folder, concurrency, "report").run(
            make_inputs(inputs)
        )
        submits = len(sandbox.accepted)
        prompts = [each["prompt"] for each in sandbox.accepted.values()]
        on_disk = _count_images(folder / "images", report)
        make_batch(sandbox.url, folder, concurrency, "resubmit").run(
            make_inputs(inputs)
        )
        return KillReport(
            inputs=inputs,
            kills=killed,
            uncertain=len(report.uncertain),
            submits=submits,
            on_disk=on_disk,
            repeated=len(prompts) - len(set(prompts)),
            final_submits=len(sandbox.accepted),
            final_on_disk=len(list((folder / "images").glob("*.png"))),
            seconds=time.monotonic() - started,
        )


def _start(
    url: str, folder: Path, concurrency: int, inputs: int
) -> subprocess.Popen[str]:
    """Start the batch in another process."""
    settings = [url, str(folder), str(concurrency), str(inputs)]
    child = subprocess.Popen(  # noqa: S603 - this file
        [sys.executable, __file__, "--child", *settings],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None  # noqa: S101 - for the type checker
    child.stdout.readline()
    return child


def _wait_for_requests(
    sandbox: Sandbox, number: int, child: subprocess.Popen[str]
) -> None:
    """Wait for a number of further requests, or until the batch finishes."""
    target = len(sandbox.requests) + number
    while len(sandbox.requests) < target and child.poll() is None:
        with contextlib.suppress(TimeoutError):
            sandbox.wait_for(lambda each: len(each.requests) >= target, timeout=0.05)


def _count_images(folder: Path, report: BatchReport) -> int:
    """Count the images of finished inputs; each must decode."""
    names = [name for entry in report.done for name in entry.files]
    for name in names:
        with PIL.Image.open(folder / name) as image:
            image.load()
    return len(set(names))


def main() -> int:
    """Run and print the figures; with `--child`, run the batch that is killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.child:
        url, folder, concurrency, inputs = arguments.child
        batch = make_batch(url, Path(folder), int(concurrency), "report")
        print("ready", flush=True)
        batch.run(make_inputs(int(inputs)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        report = kill_and_restart(
            inputs=arguments.inputs,
            kills=arguments.kills,
            concurrency=arguments.concurrency,
            seed=arguments.seed,
            folder=Path(folder),
        )
    print(json.dumps(vars(report)))
    broken = report.find_broken_rules(arguments.concurrency)
    print(f"broken rules: {broken}" if broken else "all rules hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
