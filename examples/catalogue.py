"""From a product list to pictures: a chain, run for all rows at once with `abatch`."""

from __future__ import annotations

import asyncio
import csv
import io
import sys

from langchain_core.prompts import PromptTemplate
from stage import OUT, provider

from langchain_fal_image import Budget, FalTextToImage, ImageResult
from langchain_fal_image.errors import FalError

PRODUCTS = """name,what
teapot,a blue teapot on a wooden table
lamp,a green lamp beside a window
chair,a red chair in an empty room
kite,a yellow kite over a beach
"""
AT_ONCE = 2


async def main() -> int:
    """Make one picture for each product, two at a time."""
    rows = list(csv.DictReader(io.StringIO(PRODUCTS)))
    prompt = PromptTemplate.from_template("A product photo, plain light: {what}")
    budget = Budget(max_images=len(rows))
    with provider() as (fal, served_by):
        chain = prompt | FalTextToImage(fal=fal, aspect_ratio="1:1", budget=budget)
        made = await chain.abatch(
            list(rows), {"max_concurrency": AT_ONCE}, return_exceptions=True
        )
        for row, result in zip(rows, made, strict=True):
            if isinstance(result, ImageResult):
                path = await result.images[0].asave(OUT / "catalogue" / row["name"])
                print(f"{row['name']}: {path.name}, seed {result.seed}")
            elif isinstance(result, FalError):
                print(f"{row['name']}: {result} (charged: {result.charged})")
        await fal.aclose()
    print(f"images by: {served_by}")
    return 0 if all(isinstance(each, ImageResult) for each in made) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
