"""The public names, and what importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import langchain_fal_image


def test_every_public_name_exists() -> None:
    for name in langchain_fal_image.__all__:
        assert getattr(langchain_fal_image, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(langchain_fal_image, "FalVideo")


@pytest.mark.parametrize(
    "check",
    [
        (
            "import sys, langchain_fal_image;"
            "heavy = {'httpx', 'PIL', 'pydantic', 'langchain_core'} & set(sys.modules);"
            "sys.exit(str(heavy) if heavy else 0)"
        ),
        (
            "import sys; from langchain_fal_image import FalTextToImage;"
            "FalTextToImage(options={'guidance_scale': 4}, timeout=60);"
            "from langchain_fal_image.options import catalog;"
            "sys.exit(catalog._Catalog.in_use is not None or 'PIL' in sys.modules)"
        ),
    ],
    ids=["no heavy module", "no catalog"],
)
def test_importing_loads_only_what_is_used(check: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
