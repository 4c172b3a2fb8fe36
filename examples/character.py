"""One character through five edits, its recipe, and a variation.

Each edit takes the image before it, and its result names its inputs. `recipe()`
returns all steps as JSON. `replay()` runs them again with one step changed and pays
only for that step and those that depend on it.
"""

from __future__ import annotations

import json
import sys

from services import OUT, provider

from langchain_fal_image import FalImageEdit, FalTextToImage, ImageLibrary, replay

STORY = (
    "add a red kite",
    "make it sunset",
    "add a lighthouse",
    "add three balloons",
    "make it snow",
)


def main() -> int:
    """Draw a story of six images, then a variation with rain."""
    library = ImageLibrary()
    with provider() as (fal, served_by):
        draw, edit = FalTextToImage(fal=fal), FalImageEdit(fal=fal)
        result = library.add(draw.invoke("a small orange robot in a meadow"))
        result.images[0].save(OUT / "character" / "0", overwrite=True)
        for number, prompt in enumerate(STORY, start=1):
            options = {"prompt": prompt, "images": result.images}
            result = library.add(edit.invoke(options))
            result.images[0].save(OUT / "character" / str(number), overwrite=True)
        recipe = result.recipe(library=library)
        recipe_json = json.dumps(recipe, indent=2)
        (OUT / "character" / "recipe.json").write_text(recipe_json, encoding="utf-8")
        for number, step in enumerate(recipe["steps"], start=1):
            print(f"{number}. {step['options']['prompt']}")
        varied = replay(recipe, changes={6: {"prompt": "make it rain"}}, fal=fal)
        path = varied.images[0].save(
            OUT / "character" / "5_in_the_rain", overwrite=True
        )
        print(f"step 6 changed, 1 image paid: {path.name}")
    print(f"images by: {served_by}")
    return 0 if len(recipe["steps"]) == len(STORY) + 1 else 1


if __name__ == "__main__":
    sys.exit(main())
