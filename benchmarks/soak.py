"""Run many generations under faults; check that none is submitted twice or lost.

    python benchmarks/soak.py --seed 1

Of every five generations, three make images, one speech and one a transcription. The
sandbox spoils a fraction of its responses at random: it drops, replaces or corrupts
them. At the end, every accepted request must have ended in a result or in an error that
has its id. Only a request whose submit response was spoiled may have ended in a
`FalSubmitUncertainError`.
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
    Polling,
    Retry,
    SpeechResult,
    Timeouts,
    TranscriptionResult,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

Result = ImageResult | SpeechResult | TranscriptionResult
SPEECH, TRANSCRIPTION = 3, 4
TIMEOUTS = Timeouts(total=60, stream_silence=1.0, submit_grace=30)
RETRY = Retry(first_pause=0.05, longest_pause=1)
POLLING = Polling(first_pause=0.05, longest_pause=1)


@dataclass
class Soak:
    """The counts of a run.

    Attributes:
        submits: Requests that the sandbox accepted.
        results: Generations that ended in a result.
        carried: Generations that ended in an error that has the request.
        refused: Generations that ended in an error without a request: it was
            certainly not accepted.
        uncertain: Generations that ended in `FalSubmitUncertainError`.
        spoiled: Submits whose response the sandbox spoiled.
        lost: Accepted requests whose id no generation returned, although the response
            to their submit was not spoiled.
        duplicates: Accepted requests beyond the first of a generation.
        unexpected: Exceptions other than `FalError`, and unclosed resources.
        faults: How often each fault happened.
        outcomes: How often each kind of outcome occurred.
        known: How often each request id was returned.
        seconds: The duration of the run.
    """

    submits: int = 0
    results: int = 0
    carried: int = 0
    refused: int = 0
    uncertain: int = 0
    spoiled: int = 0
    lost: int = 0
    duplicates: int = 0
    unexpected: list[str] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    async def run(self, fal: FalProvider, number: int) -> None:
        """Run one generation and count its outcome.

        Args:
            fal: The provider.
            number: The generation's number, which its input contains.
        """
        try:
            result = await generate(fal, number)
        except errors.FalSubmitUncertainError:
            self.uncertain += 1
            self.outcomes["FalSubmitUncertainError"] += 1
        except errors.FalError as error:
            self.outcomes[f"{type(error).__name__}, charged {error.charged}"] += 1
            if error.request is not None:
                self.carried += 1
                self.known[str(error.request_id)] += 1
            else:
                self.refused += 1
        except Exception as error:  # noqa: BLE001 - any other error is a finding
            self.unexpected.append(repr(error))
        else:
            self.outcomes["result"] += 1
            self.results += 1
            self.known[str(result.request_id)] += 1

    @property
    def is_clean(self) -> bool:
        """Whether all checks passed."""
        return not (
            self.unexpected
            or self.lost
            or self.duplicates
            or self.uncertain != self.spoiled
        )


async def generate(fal: FalProvider, number: int) -> Result:
    """Generate an image, speech or a transcription.

    Args:
        fal: The provider.
        number: The generation's number; the input contains it, so that each is unique.
    """
    if number % 5 == SPEECH:
        return await fal.speech().ainvoke(f"hill {number}")
    if number % 5 == TRANSCRIPTION:
        url = f"https://v3.fal.media/files/{number}.mp3"
        return await fal.transcription().ainvoke(url)
    t2i = FalTextToImage(fal=fal, image_size={"width": 64, "height": 64})
    return await t2i.ainvoke({"prompt": f"a hill {number}", "seed": 1})


def soak(*, generations: int, concurrency: int, rate: float, seed: int) -> Soak:
    """Run generations under faults and return the counts.

    Args:
        generations: The number of generations.
        concurrency: How many run at the same time.
        rate: The fraction of responses that the sandbox spoils, from 0 to 1.
        seed: The seed of the faults.
    """
    counts = Soak()
    began = time.monotonic()
    with (
        warnings.catch_warnings(record=True) as caught,
        Sandbox(concurrency=concurrency, heartbeat_seconds=0.25) as sandbox,
    ):
        warnings.simplefilter("always", ResourceWarning)
        sandbox.faults.randomize(seed=seed, rate=rate)
        fal = sandbox.provider(timeout=TIMEOUTS, retry=RETRY, polling=POLLING)

        async def run() -> None:
            asyncio.get_running_loop().set_exception_handler(
                lambda _, context: counts.unexpected.append(str(context.get("message")))
            )
            left = iter(range(generations))

            async def worker() -> None:
                for number in left:
                    await counts.run(fal, number)

            async with asyncio.TaskGroup() as group:
                for _ in range(concurrency):
                    group.create_task(worker())
            await fal.aclose()

        asyncio.run(run())
        gc.collect()
        spoiled = sandbox.uncertain_submits
        accepted = sandbox.accepted
        counts.submits = len(accepted)
        counts.spoiled = len(spoiled)
        counts.lost = len(set(accepted) - counts.known.keys() - set(spoiled))
        inputs = Counter(str(_find_input(each)) for each in accepted.values())
        counts.duplicates = sum(times - 1 for times in inputs.values())
        counts.faults = Counter(sandbox.faults.counts)
    counts.unexpected += [
        str(each.message) for each in caught if _is_resource_warning(each)
    ]
    counts.seconds = time.monotonic() - began
    return counts


def _find_input(payload: dict[str, Any]) -> Any:
    names = ("prompt", "text", "audio_url")
    return next(payload[name] for name in names if name in payload)


def _is_resource_warning(caught: warnings.WarningMessage) -> bool:
    return issubclass(caught.category, ResourceWarning)


def main() -> int:
    """Run the soak and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--generations", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    counts = soak(**vars(args))
    print(
        f"seed {args.seed}: {args.generations} generations, {args.concurrency} "
        f"concurrent, {args.rate:.0%} of all responses spoiled, {counts.seconds:.0f} s"
    )
    print(
        f"accepted {counts.submits}: {counts.results} results, {counts.carried} errors "
        f"with their request; {counts.refused} refused; {counts.uncertain} uncertain "
        f"of {counts.spoiled} spoiled submits"
    )
    print(
        f"submitted twice: {counts.duplicates}, lost: {counts.lost}, "
        f"unexpected: {counts.unexpected[:5]}"
    )
    for outcome, number in counts.outcomes.most_common():
        print(f"  {number:5} {outcome}")
    print(f"faults that happened: {sum(counts.faults.values())}")
    for (on, name), number in sorted(counts.faults.items()):
        print(f"  {number:5} {name} at {on}")
    return 0 if counts.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
