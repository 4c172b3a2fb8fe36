"""A long run under faults: nothing submitted twice, nothing lost.

    python benchmarks/soak.py --seed 1

Runs many generations at once against the sandbox, of each five three images, one speech
and one transcription; it spoils a part of all its answers, drawn from the seed. At the
end every request that the sandbox accepted must have ended in a result, in an error
that carries it, or, only where the sandbox withheld or spoiled the answer to its
submit, in a `FalSubmitUncertainError`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from langchain_fal_image import (
    FalProvider,
    FalTextToImage,
    ImageResult,
    SpeechResult,
    TranscriptionResult,
    errors,
)
from langchain_fal_image.sandbox import Sandbox
from langchain_fal_image.wire.config import Timeouts

Result = ImageResult | SpeechResult | TranscriptionResult
SPEECH, TRANSCRIPTION = 3, 4
TIMEOUTS = Timeouts(total=60, stream_silence=1.0, submit_grace=5)


@dataclass
class Soak:
    """What came of a run.

    Attributes:
        submits: Requests that the sandbox accepted.
        results: Generations that gave a result.
        carried: Generations that ended in an error with the request.
        refused: Generations whose request was surely not taken.
        uncertain: Generations that ended in `FalSubmitUncertainError`.
        spoiled: Submits whose answer the sandbox withheld or spoiled.
        lost: Accepted requests that nobody knows of, and that were not spoiled.
        twice: Accepted requests beyond the first of a generation.
        stray: Exceptions that are no `FalError`, and what was left open.
        faults: How often each fault acted.
        ended: How often each kind of end came.
        known: How often each request id came back.
        seconds: How long it took.
    """

    submits: int = 0
    results: int = 0
    carried: int = 0
    refused: int = 0
    uncertain: int = 0
    spoiled: int = 0
    lost: int = 0
    twice: int = 0
    stray: list[str] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    async def note(self, fal: FalProvider, number: int) -> None:
        """Make one generation and note how it ended.

        Args:
            fal: What makes it.
            number: Which one; it stands in the input.
        """
        try:
            result = await generation(fal, number)
        except errors.FalSubmitUncertainError:
            self.uncertain += 1
            self.ended["FalSubmitUncertainError"] += 1
        except errors.FalError as error:
            self.ended[f"{type(error).__name__}, charged {error.charged}"] += 1
            if error.request is not None:
                self.carried += 1
                self.known[str(error.request_id)] += 1
            else:
                self.refused += 1
        except Exception as error:  # noqa: BLE001 - what the soak looks for
            self.stray.append(repr(error))
        else:
            self.ended["result"] += 1
            self.results += 1
            self.known[str(result.request_id)] += 1

    @property
    def is_clean(self) -> bool:
        """Whether every rule held."""
        return not (
            self.stray or self.lost or self.twice or self.uncertain != self.spoiled
        )


async def generation(fal: FalProvider, number: int) -> Result:
    """Make one generation: an image, or speech, or a transcription.

    Args:
        fal: What makes it.
        number: Which one; it stands in the input, so that no two are alike.
    """
    if number % 5 == SPEECH:
        return await fal.speech().ainvoke(f"hill {number}")
    if number % 5 == TRANSCRIPTION:
        url = f"https://v3.fal.media/files/{number}.mp3"
        return await fal.transcription().ainvoke(url)
    t2i = FalTextToImage(fal=fal, image_size={"width": 64, "height": 64})
    return await t2i.ainvoke({"prompt": f"a hill {number}", "seed": 1})


def soak(*, generations: int, concurrency: int, rate: float, seed: int) -> Soak:
    """Run generations under faults and see what came of them.

    Args:
        generations: How many.
        concurrency: How many at once.
        rate: What part of all answers the sandbox spoils.
        seed: From which the faults are drawn.
    """
    came = Soak()
    began = time.monotonic()
    with (
        warnings.catch_warnings(record=True) as warned,
        Sandbox(concurrency=concurrency, heartbeat_seconds=0.25) as sandbox,
    ):
        warnings.simplefilter("always", ResourceWarning)
        sandbox.faults.randomize(seed=seed, rate=rate)
        fal = sandbox.provider(timeout=TIMEOUTS)

        async def run() -> None:
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: came.stray.append(str(context.get("message")))
            )
            left = iter(range(generations))

            async def worker() -> None:
                for number in left:
                    await came.note(fal, number)

            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(worker())
            await fal.aclose()

        asyncio.run(run())
        gc.collect()
        spoiled = sandbox.uncertain_submits
        accepted = sandbox.accepted
        came.submits = len(accepted)
        came.spoiled = len(spoiled)
        came.lost = len(set(accepted) - came.known.keys() - set(spoiled))
        inputs = Counter(str(_words(each)) for each in accepted.values())
        came.twice = sum(times - 1 for times in inputs.values())
        came.faults = Counter(sandbox.faults.counts)
    came.stray += [str(each.message) for each in warned if _is_ours(each)]
    came.seconds = time.monotonic() - began
    return came


def _words(payload: dict[str, Any]) -> Any:
    names = ("prompt", "text", "audio_url")
    return next(payload[name] for name in names if name in payload)


def _is_ours(warned: warnings.WarningMessage) -> bool:
    return issubclass(warned.category, ResourceWarning)


def main() -> int:
    """Run it and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--generations", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    came = soak(**vars(given))
    print(
        f"seed {given.seed}: {given.generations} generations, {given.concurrency} at "
        f"once, {given.rate:.0%} of all answers spoiled, {came.seconds:.0f} s"
    )
    print(
        f"accepted {came.submits}: {came.results} results, {came.carried} errors with "
        f"their request; {came.refused} refused; {came.uncertain} uncertain of "
        f"{came.spoiled} spoiled submits"
    )
    print(f"submitted twice: {came.twice}, lost: {came.lost}, stray: {came.stray[:5]}")
    for end, number in came.ended.most_common():
        print(f"  {number:5} {end}")
    print(f"faults that acted: {sum(came.faults.values())}")
    for (on, name), number in sorted(came.faults.items()):
        print(f"  {number:5} {name} at {on}")
    return 0 if came.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
