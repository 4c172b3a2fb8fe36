"""Many images with Ray Data: a dataset of prompts in, a dataset of image records out.

    pip install "langchain-fal-image[ray,sandbox]"
    python examples/bulk_on_ray.py

Each actor has one model. Each block of prompts is a shard with its own durable journal,
whose name is a digest of the prompts. When a worker dies, Ray runs its block on another
worker. That worker opens the same journal, resumes the open requests, and submits only
the prompts that fal has not received. All workers need access to the folder of the
journals and images.

fal limits concurrency per account, not per worker, so the actors share `limit`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ray
import ray.data
from services import OUT, SANDBOX_PRICES

from langchain_fal_image import FalTextToImage, ImageResult
from langchain_fal_image.durable import DurableBatch
from langchain_fal_image.sandbox import Sandbox

Batch = dict[str, Any]
PROMPTS = tuple(f"a lighthouse on a cliff, number {number}" for number in range(12))


class Illustrator:
    """An actor that makes the images of a shard.

    Args:
        model: The endpoint id.
        folder: The folder of the journals and images, shared by all workers.
        concurrency: How many requests of this actor are open at once.
        hosts: Environment variables, such as `FAL_SANDBOX_URL`.
    """

    def __init__(
        self, *, model: str, folder: str, concurrency: int, hosts: dict[str, str]
    ) -> None:
        import os  # noqa: PLC0415 - runs in the worker

        os.environ.update(hosts)
        from langchain_fal_image import create_fal  # noqa: PLC0415 - reads os.environ

        self.model = FalTextToImage(model, fal=create_fal())
        self.folder = Path(folder)
        self.concurrency = concurrency

    def __call__(self, batch: Batch) -> Batch:
        """Make the images of one shard; return a record for each prompt."""
        prompts = [str(each) for each in batch["prompt"]]
        shard = hashlib.sha256(json.dumps([self.model.model, prompts]).encode())
        name = shard.hexdigest()[:16]
        images = self.folder / "images" / name
        report = DurableBatch(
            self.model,
            journal=self.folder / "journals" / f"{name}.sqlite",
            images=images,
            concurrency=self.concurrency,
            progress=False,
        ).run(prompts)
        states = {
            entry.number: (state, entry)
            for state in ("done", "failed", "uncertain", "open", "waiting")
            for entry in getattr(report, state)
        }
        records = []
        for number, prompt in enumerate(prompts):
            state, entry = states[number]
            result = (
                ImageResult.from_artifact(entry.artifact) if entry.artifact else None
            )
            records.append(
                {
                    "prompt": prompt,
                    "state": state,
                    "request_id": entry.request_id or "",
                    "seed": result.seed if result and result.seed is not None else -1,
                    "url": str(result.images[0].url) if result else "",
                    "path": str(images / entry.files[0]) if entry.files else "",
                    "error": entry.error["message"] if entry.error else "",
                }
            )
        return {key: [record[key] for record in records] for key in records[0]}


def make_images(
    prompts: Iterable[str],
    *,
    folder: Path,
    model: str = "fal-ai/qwen-image",
    actors: int = 2,
    shards: int = 4,
    limit: int = 10,
    hosts: dict[str, str] | None = None,
) -> ray.data.Dataset:
    """Return the dataset of image records; consuming it starts the run.

    Args:
        prompts: One prompt per image.
        folder: The folder of the journals and images.
        model: The endpoint id.
        actors: The number of workers.
        shards: The number of journals. To resume a run, pass the same number.
        limit: The account's concurrency limit at fal.
        hosts: Environment variables of the workers.
    """
    rows = [{"prompt": each} for each in prompts]
    return ray.data.from_items(rows, override_num_blocks=shards).map_batches(
        Illustrator,
        batch_size=None,
        concurrency=actors,
        fn_constructor_kwargs={
            "model": model,
            "folder": str(folder),
            "concurrency": max(1, limit // actors),
            "hosts": hosts or {},
        },
    )


def main() -> int:
    """Draw twelve lighthouses on two workers, with the sandbox."""
    folder = OUT / "ray"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        with Sandbox(concurrency=4, prices=SANDBOX_PRICES) as sandbox:
            records = make_images(
                PROMPTS, folder=folder, hosts={"FAL_SANDBOX_URL": sandbox.url}
            ).take_all()
            for record in sorted(records, key=lambda each: str(each["prompt"])):
                print(
                    record["state"], record["prompt"], "->", Path(record["path"]).name
                )
            print(f"{sandbox.submits} images submitted to the sandbox")
    finally:
        ray.shutdown()
    return 0 if all(record["state"] == "done" for record in records) else 1


if __name__ == "__main__":
    sys.exit(main())
