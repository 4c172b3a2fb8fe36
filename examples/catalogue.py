"""An image for each row of a product list, with a chain and `abatch`."""

from __future__ import annotations

import asyncio
import csv
import io
import sys

from langchain_core.prompts import PromptTemplate
from services import OUT, provider

from langchain_fal_image import Budget, FalTextToImage, ImageResult
from langchain_fal_image.errors import FalError

PRODUCTS = """name,description
teapot,a blue teapot on a wooden table
lamp,a green lamp beside a window
chair,a red chair in an empty room
kite,a yellow kite over a beach
"""
MAX_CONCURRENCY = 2


async def main() -> int:
    """Make one image per product, two at a time."""
    rows = list(csv.DictReader(io.StringIO(PRODUCTS)))
    prompt = PromptTemplate.from_template("A product photo, plain light: {description}")
    budget = Budget(max_images=len(rows))
    with provider() as (fal, served_by):
        chain = prompt | FalTextToImage(fal=fal, aspect_ratio="1:1", budget=budget)
        results = await chain.abatch(
            list(rows), {"max_concurrency": MAX_CONCURRENCY}, return_exceptions=True
        )
        for row, result in zip(rows, results, strict=True):
            if isinstance(result, ImageResult):
                path = await result.images[0].asave(
                    OUT / "catalogue" / row["name"], overwrite=True
                )
                print(f"{row['name']}: {path.name}, seed {result.seed}")
            elif isinstance(result, FalError):
                print(f"{row['name']}: {result} (charged: {result.charged})")
        await fal.aclose()
    print(f"images by: {served_by}")
    return 0 if all(isinstance(each, ImageResult) for each in results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
