"""A durable batch, killed again and again: nothing paid twice, nothing lost.

    python benchmarks/kill.py --seed 1

A batch runs in a process of its own, against the sandbox in this one. It is killed
(SIGKILL) at random moments and started again each time; at the end it is let finish,
and then once more with `on_uncertain="resubmit"`.
"""

from __future__ import annotations

import argparse
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


@dataclass(frozen=True)
class Killed:
    """What came of it.

    Attributes:
        inputs: How many.
        kills: How often the process was killed while it ran.
        uncertain: How many inputs were reported uncertain.
        submits: How many submits the sandbox accepted until then.
        on_disk: How many images were on disk then, each decoded.
        twice: Inputs with more than one accepted submit.
        final_submits: Accepted submits after the run with `resubmit`.
        final_on_disk: Images on disk after it.
        seconds: How long it took.
    """

    inputs: int
    kills: int
    uncertain: int
    submits: int
    on_disk: int
    twice: int
    final_submits: int
    final_on_disk: int
    seconds: float

    def faults(self, concurrency: int) -> list[str]:
        """Name the rules that did not hold.

        Args:
            concurrency: How many inputs were under way at once.
        """
        least = self.inputs - self.uncertain
        rules = {
            "N - U <= submits <= N": least <= self.submits <= self.inputs,
            "every other image on disk": self.on_disk == least,
            "nothing twice": self.twice == 0,
            "U <= concurrency * kills": self.uncertain <= concurrency * self.kills,
            "all on disk in the end": self.final_on_disk == self.inputs,
            "final submits <= N + U": self.final_submits
            <= self.inputs + self.uncertain,
        }
        return [rule for rule, holds in rules.items() if not holds]


def inputs_of(number: int) -> list[dict[str, Any]]:
    """Make the inputs, each with a prompt of its own."""
    return [{"prompt": f"hill {each}", "seed": each} for each in range(number)]


def batch_of(
    url: str, place: Path, concurrency: int, on_uncertain: Any
) -> DurableBatch:
    """Make the batch, as each process does."""
    fal = create_fal("sandbox", base_url=f"{url}/queue")
    return DurableBatch(
        FalTextToImage(fal=fal, size="64x64"),
        journal=place / "journal.sqlite",
        images=place / "images",
        concurrency=concurrency,
        on_uncertain=on_uncertain,
        progress=False,
    )


def kill_and_restart(
    *, inputs: int, kills: int, concurrency: int, seed: int, place: Path
) -> Killed:
    """Run it.

    Args:
        inputs: How many.
        kills: How often to kill.
        concurrency: How many inputs are under way at once.
        seed: From which the moments are drawn.
        place: A directory for the journal and the images.
    """
    chance = random.Random(seed)  # noqa: S311 - moments, no secrets
    began = time.monotonic()
    done = 0
    with Sandbox(run_seconds=0.25, concurrency=concurrency) as sandbox:

        def start() -> subprocess.Popen[str]:
            settings = [sandbox.url, str(place), str(concurrency), str(inputs)]
            child = subprocess.Popen(  # noqa: S603 - this very file
                [sys.executable, __file__, "--child", *settings],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout is not None  # noqa: S101 - for the type checker
            child.stdout.readline()
            return child

        for _ in range(kills):
            with start() as child:
                try:
                    child.wait(chance.uniform(0.0, 0.3))
                except subprocess.TimeoutExpired:
                    child.kill()
                    done += 1
                else:
                    break
        report = _finished(sandbox, place, concurrency, inputs, "report")
        submits = len(sandbox.accepted)
        prompts = [each["prompt"] for each in sandbox.accepted.values()]
        on_disk = _whole(place / "images", report)
        uncertain = len(report.uncertain)
        _finished(sandbox, place, concurrency, inputs, "resubmit")
        return Killed(
            inputs=inputs,
            kills=done,
            uncertain=uncertain,
            submits=submits,
            on_disk=on_disk,
            twice=len(prompts) - len(set(prompts)),
            final_submits=len(sandbox.accepted),
            final_on_disk=len(list((place / "images").glob("*.png"))),
            seconds=time.monotonic() - began,
        )


def _finished(
    sandbox: Sandbox, place: Path, concurrency: int, inputs: int, on_uncertain: str
) -> BatchReport:
    batch = batch_of(sandbox.url, place, concurrency, on_uncertain)
    return batch.run(inputs_of(inputs))


def _whole(folder: Path, report: BatchReport) -> int:
    """Count the images of the inputs that are done; each must decode."""
    names = [name for entry in report.done for name in entry.files]
    for name in names:
        with PIL.Image.open(folder / name) as picture:
            picture.load()
    return len(set(names))


def main() -> int:
    """Run it and print the counts, or be the process that is killed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--child", nargs=4)
    parser.add_argument("--inputs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.child:
        url, place, concurrency, inputs = given.child
        batch = batch_of(url, Path(place), int(concurrency), "report")
        print("ready", flush=True)
        batch.run(inputs_of(int(inputs)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        came = kill_and_restart(
            inputs=given.inputs,
            kills=given.kills,
            concurrency=given.concurrency,
            seed=given.seed,
            place=Path(folder),
        )
    print(json.dumps(vars(came)))
    faults = came.faults(given.concurrency)
    print("held" if not faults else f"did not hold: {faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
