"""Look endpoints up in a terminal: `python -m langchain_fal_image --help`."""

from __future__ import annotations

import argparse
import difflib
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from langchain_fal_image.options import catalog
from langchain_fal_image.options.describe import describe_limits, describe_types
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.options.search import find_endpoints
from langchain_fal_image.options.shape import Field

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
    kind = describe_types(field.shape)
    if field.file:
        kind = f"{field.file} URL{'s' if field.takes_list else ''}"
    elif field.shape.object_fields:
        kind = "a name or an object" if field.shape.choices else "an object"
    default = "" if field.default is None else str(field.default)
    limits = describe_limits(field.shape)
    words = "; ".join(each for each in (field.description.rstrip("."), limits) if each)
    return name, kind[:_LONGEST], default[:24], words


def options(fields: Iterable[Field], *, inside: str = "") -> Iterator[Sequence[str]]:
    """Write options as rows, those inside an object below it.

    Args:
        fields: The options.
        inside: The name of the object they are in.
    """
    for field in fields:
        name, *rest = option(field)
        yield f"{inside}{name}", *rest
        if field.shape.object_fields and not field.shape.choices:
            inner = field.shape.object_fields
            yield from options(inner, inside=f"{inside}{field.name}.")


def list_endpoints(
    words: list[str], *, takes_images: bool | None, kind: Kind, width: int
) -> int:
    """Print the endpoints that the words find."""
    found = find_endpoints(search=words, takes_images=takes_images, kind=kind)
    taken, told = ("images in", _images) if kind == "image" else ("audio in", _audio)
    rows = [("endpoint", taken, "needs")]
    rows += [(each.endpoint_id, told(each), ", ".join(each.required)) for each in found]
    if found:
        print("\n".join(table(rows, width=width)))
    print(f"{len(found)} of {len(catalog.list_endpoint_ids(kind))} {kind} endpoints")
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


def _audio(schema: EndpointSchema) -> str:
    fields = [each for each in schema.fields if each.file == "audio"]
    if not fields:
        return "-"
    field = schema.audio_field
    if field is None:
        return "by name"
    return "1" if field.required else "1, optional"


def describe(endpoint_id: str, *, width: int) -> int:
    """Print an endpoint's options."""
    schema = catalog.get_schema(endpoint_id)
    if schema is None:
        known = catalog.list_endpoint_ids(kind=None)
        near = difflib.get_close_matches(endpoint_id, known, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        print(f"The catalog has no endpoint {endpoint_id!r}.{hint}", file=sys.stderr)
        return 1
    print(f"{schema.endpoint_id}  {schema.category}")
    if schema.about:
        print("\n".join(textwrap.wrap(schema.about, width)))
    rows: list[Sequence[str]] = [("option", "type", "default", "meaning and limits")]
    rows += options(schema.fields)
    print("\n" + "\n".join(table(rows, width=width)))
    print(f"\n* required. Facts: {catalog.get_source()}; names also in camelCase.")
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
        description="fal's endpoints, as this package knows them.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("endpoints", help="find endpoints")
    listing.add_argument("words", nargs="*", help="all must be in the id or title")
    images = listing.add_mutually_exclusive_group()
    images.add_argument("--takes-images", action="store_true", default=None)
    images.add_argument("--no-images", dest="takes_images", action="store_false")
    listing.add_argument(
        "--kind",
        choices=get_args(Kind),
        default="image",
        help="what they make",
    )
    one = commands.add_parser("describe", help="an endpoint's options")
    one.add_argument("id", help="such as fal-ai/qwen-image")
    given = parser.parse_args(arguments)
    width = shutil.get_terminal_size((100, 24)).columns
    if given.command == "describe":
        return describe(given.id, width=width)
    return list_endpoints(
        given.words, takes_images=given.takes_images, kind=given.kind, width=width
    )


if __name__ == "__main__":
    sys.exit(main())
