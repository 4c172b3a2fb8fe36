"""The command line: fal's endpoints, their options, and the catalog of them.

Run `python -m langchain_fal_image --help`.
"""

from __future__ import annotations

import argparse
import difflib
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from langchain_fal_image.errors import FalError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.describe import describe_limits, describe_types
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.kind import PRODUCTS, SERVED_KINDS, Kind
from langchain_fal_image.options.search import find_endpoints
from langchain_fal_image.options.shape import Field

_MAX_TYPE = 60
_MAX_DEFAULT = 24


def format_table(rows: Sequence[Sequence[str]], *, width: int) -> Iterator[str]:
    """Format rows as lines of a table; the last column wraps.

    Args:
        rows: The cells; the first row is the header.
        width: The width of the terminal, in characters.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    indent = sum(widths) + 2 * len(widths)
    for row in rows:
        cells = [cell.ljust(size) for cell, size in zip(row, widths, strict=False)]
        lines = textwrap.wrap(row[-1], max(20, width - indent)) or [""]
        yield "  ".join([*cells, lines[0]]).rstrip()
        yield from (" " * indent + line for line in lines[1:])


def format_options(
    fields: Iterable[Field], *, prefix: str = ""
) -> Iterator[Sequence[str]]:
    """Format options as rows: name, type, default, description with limits.

    The fields of an object follow the object.

    Args:
        fields: The options.
        prefix: Put before each name: the path of the object, with a dot at its end.
    """
    for field in fields:
        shape = field.shape
        type_ = describe_types(shape)
        if field.file:
            type_ = f"{field.file} URL{'s' if field.takes_list else ''}"
        elif shape.object_fields:
            type_ = "a name or an object" if shape.choices else "an object"
        default = "" if field.default is None else str(field.default)
        about = [field.description.rstrip("."), describe_limits(shape)]
        yield (
            f"{prefix}{field.name}{' *' if field.required else ''}",
            type_[:_MAX_TYPE],
            default[:_MAX_DEFAULT],
            "; ".join(text for text in about if text),
        )
        if shape.object_fields and not shape.choices:
            inner = shape.object_fields.values()
            yield from format_options(inner, prefix=f"{prefix}{field.name}.")


def list_endpoints(
    words: list[str], *, takes_images: bool | None, kind: Kind, width: int
) -> int:
    """Print the endpoints that match all words; return the exit status."""
    found = find_endpoints(search=words, takes_images=takes_images, kind=kind)
    is_image = kind == "image"
    rows = [("endpoint", "input images" if is_image else "input audio", "required")]
    for schema in found:
        accepted = _describe_images(schema) if is_image else _describe_audio(schema)
        rows.append((schema.endpoint_id, accepted, ", ".join(schema.required)))
    if found:
        print("\n".join(format_table(rows, width=width)))
    total = len(find_endpoints(kind=kind))
    print(f"{len(found)} of {total} {kind} endpoints")
    return 0 if found else 1


def _describe_images(schema: EndpointSchema) -> str:
    if not schema.takes_images:
        return "-"
    field = schema.images_field
    if field is None:
        return "named options"
    most = field.max_files
    count = "any number" if most is None else f"up to {most}" if most > 1 else "1"
    return count if field.required else f"{count}, optional"


def _describe_audio(schema: EndpointSchema) -> str:
    if not any(field.file == "audio" for field in schema.fields.values()):
        return "-"
    field = schema.audio_field
    if field is None:
        return "named options"
    return "1" if field.required else "1, optional"


def describe_endpoint(endpoint_id: str, *, width: int) -> int:
    """Print an endpoint's options; return the exit status."""
    schema = catalog.get_schema(endpoint_id)
    if schema is None and (kind := catalog.get_kind(endpoint_id)):
        made = "" if kind in SERVED_KINDS else f"It makes {PRODUCTS[kind]}. "
        print(f"{made}The options of {endpoint_id} are not known.", file=sys.stderr)
        return 1
    if schema is None:
        known = catalog.list_endpoint_ids(kind=None)
        nearest = difflib.get_close_matches(endpoint_id, known, n=3)
        hint = f" Did you mean {', '.join(nearest)}?" if nearest else ""
        print(f"The catalog has no endpoint {endpoint_id!r}.{hint}", file=sys.stderr)
        return 1
    print(f"{schema.endpoint_id}  {schema.category}")
    if schema.about:
        print("\n".join(textwrap.wrap(schema.about, width)))
    rows: list[Sequence[str]] = [("option", "type", "default", "description, limits")]
    rows += format_options(schema.fields.values())
    print("\n" + "\n".join(format_table(rows, width=width)))
    print(f"\n* required. Names can also be camelCase. Source: {schema.source}.")
    return 0


def refresh() -> int:
    """Bring the catalog up to date and print what changed; return the exit status."""
    # Importing the provider takes longer than the other commands do.
    from langchain_fal_image.provider import fal  # noqa: PLC0415

    try:
        update = fal.refresh_catalog()
    except FalError as error:
        print(error, file=sys.stderr)
        return 1
    print(update)
    return 0 if update.path else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments; by default those of this process.

    Returns:
        The exit status: 0, or 1 if nothing was found or the catalog was not stored.
    """
    parser = argparse.ArgumentParser(
        prog="python -m langchain_fal_image",
        description="Find fal's endpoints and their options.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("endpoints", help="find endpoints")
    listing.add_argument(
        "words", nargs="*", help="words in the id, title, category or description"
    )
    images = listing.add_mutually_exclusive_group()
    images.add_argument(
        "--takes-images",
        action="store_true",
        default=None,
        help="only endpoints that take input images",
    )
    images.add_argument(
        "--no-images",
        dest="takes_images",
        action="store_false",
        help="only endpoints that take no input images",
    )
    listing.add_argument(
        "--kind",
        choices=SERVED_KINDS,
        default="image",
        help="what the endpoints make",
    )
    one = commands.add_parser("describe", help="list an endpoint's options")
    one.add_argument("id", help="such as fal-ai/qwen-image")
    actions = commands.add_parser("catalog", help="bring the catalog up to date")
    actions.add_argument(
        "action",
        choices=["refresh"],
        help="fetch fal's documents of all endpoints into the user's cache folder",
    )
    parsed = parser.parse_args(arguments)
    if parsed.command == "catalog":
        return refresh()
    width = shutil.get_terminal_size((100, 24)).columns
    if parsed.command == "describe":
        return describe_endpoint(parsed.id, width=width)
    return list_endpoints(
        parsed.words, takes_images=parsed.takes_images, kind=parsed.kind, width=width
    )


if __name__ == "__main__":
    sys.exit(main())
