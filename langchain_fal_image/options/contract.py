"""The contract of an endpoint: its input and output as fal states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_fal_image.options.kind import Kind

__all__ = ["UNKNOWN_SOURCE", "Contract", "ContractSource", "Origin"]

Origin = Literal["document", "merged", "types"]
"""Where a contract comes from.

`document`: fal's OpenAPI document of the endpoint. `merged`: fal's documents of several
endpoints, in which shared parts with equal names were merged; 897 of 902 such contracts
were identical to the document. `types`: the types of fal's JavaScript client, which
have no ranges, and sometimes the choices of another endpoint.
"""

_ORIGINS: Mapping[Origin, str] = {
    "document": "fal's OpenAPI document",
    "merged": "fal's OpenAPI documents, merged",
    "types": "the types of fal's JavaScript client",
}


@dataclass(frozen=True, slots=True)
class ContractSource:
    """Where the contract of an endpoint comes from, and of when it is.

    Attributes:
        origin: How sure the contract is; see `Origin`.
        date: The day on which it was read from fal, such as `2026-06-11`.
        pages: What other pages of fal added to it, in a sentence; empty if none did.
    """

    origin: Origin
    date: str
    pages: str = ""

    def __str__(self) -> str:
        return f"{_ORIGINS[self.origin]}, {self.date}"


UNKNOWN_SOURCE = ContractSource("document", "unknown date")
"""The source of a schema that was written by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The contract of an endpoint, as JSON Schema without `$ref`.

    Attributes:
        endpoint_id: fal's id, such as `fal-ai/qwen-image`.
        source: Where it comes from.
        kind: What the endpoint makes.
        category: fal's category, such as `text-to-image`.
        title: Its name.
        about: What it is good at, in a sentence.
        input: The schema of its input; empty if it is unknown.
        output: The schema of its output; empty if it is unknown.
    """

    endpoint_id: str
    source: ContractSource
    kind: Kind
    category: str = ""
    title: str = ""
    about: str = ""
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] = field(default_factory=dict)
