"""One character kept through five edits, its recipe, and a variation of it.

Each edit is given the picture before it, and its result knows what it was made from.
`recipe()` writes the whole way down; `replay()` walks it again with one step changed
and pays only for that step and those after it.
"""

from __future__ import annotations

import json
import sys

from stage import OUT, provider

from langchain_fal_image import FalImageEdit, FalTextToImage, ImageLibrary, replay

STORY = (
    "add a red kite",
    "make it sunset",
    "add a lighthouse",
    "add three balloons",
    "make it snow",
)


def main() -> int:
    """Tell a story in six pictures; then tell it in the rain."""
    library = ImageLibrary()
    with provider() as (fal, served_by):
        draw, edit = FalTextToImage(fal=fal), FalImageEdit(fal=fal)
        result = library.add(draw.invoke("a small orange robot in a meadow"))
        result.images[0].save(OUT / "character" / "0")
        for number, words in enumerate(STORY, start=1):
            given = {"prompt": words, "images": result.images}
            result = library.add(edit.invoke(given))
            result.images[0].save(OUT / "character" / str(number))
        recipe = result.recipe(library=library)
        written = json.dumps(recipe, indent=2)
        (OUT / "character" / "recipe.json").write_text(written, encoding="utf-8")
        for number, step in enumerate(recipe["steps"], start=1):
            print(f"{number}. {step['options']['prompt']}")
        varied = replay(recipe, changes={6: {"prompt": "make it rain"}}, fal=fal)
        path = varied.images[0].save(OUT / "character" / "5_in_the_rain")
        print(f"step 6 changed, one image paid for: {path.name}")
    print(f"images by: {served_by}")
    return 0 if len(recipe["steps"]) == len(STORY) + 1 else 1


if __name__ == "__main__":
    sys.exit(main())
