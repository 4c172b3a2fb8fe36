"""From what a caller gave, in layers and in any spelling, to fal's payload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_fal_image.errors import OptionFault
from langchain_fal_image.options.schema import EndpointSchema

__all__ = ["Path", "Resolved", "check_file", "resolve"]

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Options as fal wants them.

    Attributes:
        payload: The request's JSON in fal's spelling. Where it holds a picture, it
            holds what the caller gave, whatever that is.
        warnings: What was done that the caller may not expect, a sentence each.
        files: The places in `payload` that hold pictures, such as
            `("image_urls", 0)`; each must become a URL before the payload is sent.
    """

    payload: dict[str, Any]
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def resolve(
    schema: EndpointSchema | None,
    layers: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    check: bool = True,
    strict: bool = False,
    nearest_size: bool = False,
) -> Resolved:
    """Bring options into fal's names and check them before anything is paid.

    Keys may be camelCase or snake_case. `n`, `size`, `aspectRatio`, `images` or
    `files`, `mask` and `providerOptions.fal` mean what they mean in the AI SDK.
    A value None counts as not given, unless the endpoint takes null there.

    Args:
        schema: The endpoint's contract, or None for an endpoint that is not known:
            then names are brought into snake_case and nothing else is checked.
        layers: Pairs of a name for messages ("constructor", "bind", "input") and
            options; later layers win. `providerOptions.fal` inside a layer counts
            as a layer of its own right after it. The words for the size replace
            each other as one group.
        check: Whether values are checked against the contract. Without it, only
            what cannot be sent at all is refused.
        strict: Whether an option that the contract does not name is refused;
            otherwise it is sent with a warning.
        nearest_size: Whether a size that the endpoint does not have becomes the
            nearest one, with a warning; otherwise it is refused.

    Returns:
        The payload, the warnings and the places of pictures.

    Raises:
        FalOptionError: Naming every fault found; nothing was sent.
    """
    raise NotImplementedError


def check_file(
    schema: EndpointSchema | None,
    path: Path,
    *,
    size: int | None = None,
    mime_type: str | None = None,
    width: int | None = None,
    height: int | None = None,
    has_alpha: bool | None = None,
) -> OptionFault | None:
    """Check one picture against what the endpoint asks of it.

    Args:
        schema: The endpoint's contract; None checks nothing.
        path: The picture's place in the payload, out of `Resolved.files`.
        size: Its size in bytes. Here and below, None is not checked.
        mime_type: Its format, such as `image/png`.
        width: Its width in pixels.
        height: Its height in pixels.
        has_alpha: Whether it has transparency.

    Returns:
        What is wrong with it, or None.
    """
    raise NotImplementedError
