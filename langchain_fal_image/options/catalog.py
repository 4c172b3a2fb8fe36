"""The image endpoints that ship with this package, as data.

The file `catalog.json` beside this module has this form:

```
{
  "form": 1,                       number of this form
  "parts": {"Seed": {...}, ...}    shapes stated once, named by "$ref"
  "endpoints": {
    "fal-ai/qwen-image": {
      "title":    its name, for people
      "about":    what it is good at, in a sentence, for people and models
      "category": fal's word, "text-to-image" or "image-to-image"
      "source":   where the limits come from
      "input":    {"type": "object", "properties": {...}, "required": [...]}
      "output":   the shape of its answer
    }, ...
  }
}
```

Inputs, outputs and parts are JSON Schema: `type` (a word or a list of words),
`enum`, `default`, `description`, `minimum`, `maximum`, `exclusiveMinimum`,
`exclusiveMaximum`, `multipleOf`, `minLength`, `maxLength`, `items`, `minItems`,
`maxItems`, `properties`, `required`, `additionalProperties` and `anyOf`.
`"$ref": "#/parts/Name"` takes in a part; words beside a `$ref` add to the part or
narrow it. Properties stand in fal's order; an object without `properties` is a
free-form map.

What JSON Schema has no word for:

- `file`: on a string, `"image"` or `"mask"`: the URL of a picture. The first image
  field that is required, else the first one, is where input pictures go.
- `minSide`, `maxSide` (pixels), `maxBytes`, `mediaTypes` (a list) and `alpha`
  (`false`: no transparency), beside `file`: what each picture must be.
- `minPixels`, `maxPixels`: on a size, the limits of width times height.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from langchain_fal_image.options.reading import read_schema
from langchain_fal_image.options.schema import EndpointSchema

__all__ = ["endpoint", "endpoint_ids", "raw"]


@cache
def raw() -> Mapping[str, Any]:
    """Give the catalog as it stands in its file, read once per process.

    Returns:
        The parsed `catalog.json`, whose form this module's description gives. It
        is shared: do not change it.
    """
    text = files(__package__).joinpath("catalog.json").read_text(encoding="utf-8")
    catalog: dict[str, Any] = json.loads(text)
    return catalog


def endpoint_ids() -> tuple[str, ...]:
    """Name the endpoints whose contract is known, in the catalog's order."""
    return tuple(raw()["endpoints"])


@cache
def endpoint(endpoint_id: str) -> EndpointSchema | None:
    """Give the contract of an endpoint.

    Args:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.

    Returns:
        The contract, or None for an endpoint that the catalog does not hold.
    """
    entry = raw()["endpoints"].get(endpoint_id)
    if entry is None:
        return None
    return read_schema(endpoint_id, entry, parts=raw()["parts"])
