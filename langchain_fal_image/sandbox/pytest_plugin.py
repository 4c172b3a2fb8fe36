"""Fixtures for tests against the sandbox: `fal_sandbox` and `fal`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.sandbox.server import Sandbox


@pytest.fixture
def fal_sandbox() -> Iterator[Sandbox]:
    """Run a `langchain_fal_image.sandbox.Sandbox` for one test."""
    # Imported here because every test run of a user loads this module.
    from langchain_fal_image.sandbox import Sandbox  # noqa: PLC0415

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def fal(fal_sandbox: Sandbox) -> Iterator[FalProvider]:
    """Create a provider that uses the sandbox of this test."""
    with fal_sandbox.provider() as provider:
        yield provider
