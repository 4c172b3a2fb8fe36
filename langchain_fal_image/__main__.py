"""Look endpoints up in a terminal: `python -m langchain_fal_image --help`."""

from __future__ import annotations

import argparse
import difflib
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

from langchain_fal_image.contracts import find
from langchain_fal_image.options import catalog
from langchain_fal_image.options.schema import EndpointSchema, Field
from langchain_fal_image.options.words import allowed, wanted

_LONGEST = 60


def table(rows: Sequence[Sequence[str]], *, width: int) -> Iterator[str]:
    """Write rows as a table; the last column is wrapped to the terminal.

    Args:
        rows: The first one is the head.
        width: Of the terminal, in characters.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    indent = sum(widths) + 2 * len(widths)
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        lines = textwrap.wrap(row[-1], max(20, width - indent)) or [""]
        yield "  ".join([*cells, lines[0]]).rstrip()
        yield from (" " * indent + line for line in lines[1:])


def option(field: Field) -> tuple[str, str, str, str]:
    """Write an option as a row: name, what it is, default, limits."""
    name = f"{field.name} *" if field.required else field.name
    kind = wanted(field.shape)
    if field.file:
        kind = f"{field.file} URL{'s' if field.takes_list else ''}"
    elif field.shape.object_fields and field.shape.choices:
        kind = "a name or an object"
    default = "" if field.default is None else str(field.default)
    limits = allowed(field.shape)
    words = "; ".join(each for each in (field.description.rstrip("."), limits) if each)
    return name, kind[:_LONGEST], default[:24], words


def list_endpoints(words: list[str], *, takes_images: bool | None, width: int) -> int:
    """Print the endpoints that the words find."""
    found = find(search=words, takes_images=takes_images)
    rows = [("endpoint", "images in", "needs")]
    rows += [
        (each.endpoint_id, _images(each), ", ".join(each.required)) for each in found
    ]
    if found:
        print("\n".join(table(rows, width=width)))
    print(f"{len(found)} of {len(catalog.endpoint_ids())} image endpoints")
    return 0 if found else 1


def _images(schema: EndpointSchema) -> str:
    if not schema.takes_images:
        return "-"
    field = schema.images_field
    if field is None:
        return "by name"
    most = field.max_files
    many = "any number" if most is None else f"up to {most}" if most > 1 else "1"
    return many if field.required else f"{many}, optional"


def describe(endpoint_id: str, *, width: int) -> int:
    """Print an endpoint's options."""
    schema = catalog.endpoint(endpoint_id)
    if schema is None:
        near = difflib.get_close_matches(endpoint_id, catalog.endpoint_ids(), n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        print(f"The catalog has no endpoint {endpoint_id!r}.{hint}", file=sys.stderr)
        return 1
    print(f"{schema.endpoint_id}  {schema.category}")
    if schema.about:
        print("\n".join(textwrap.wrap(schema.about, width)))
    rows = [("option", "type", "default", "meaning and limits")]
    rows += [option(field) for field in schema.fields]
    print("\n" + "\n".join(table(rows, width=width)))
    print(f"\n* required. Facts: {catalog.read_from()}; names also in camelCase.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: By default this process's.

    Returns:
        The exit status: 1 where nothing was found.
    """
    parser = argparse.ArgumentParser(
        prog="python -m langchain_fal_image",
        description="fal's image endpoints, as this package knows them.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("endpoints", help="find endpoints")
    listing.add_argument("words", nargs="*", help="all must be in the id or title")
    images = listing.add_mutually_exclusive_group()
    images.add_argument("--takes-images", action="store_true", default=None)
    images.add_argument("--no-images", dest="takes_images", action="store_false")
    one = commands.add_parser("describe", help="an endpoint's options")
    one.add_argument("id", help="such as fal-ai/qwen-image")
    given = parser.parse_args(arguments)
    width = shutil.get_terminal_size((100, 24)).columns
    if given.command == "describe":
        return describe(given.id, width=width)
    return list_endpoints(given.words, takes_images=given.takes_images, width=width)


if __name__ == "__main__":
    sys.exit(main())
