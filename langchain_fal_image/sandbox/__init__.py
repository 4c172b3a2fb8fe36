"""A local stand-in for fal's API that works offline.

The sandbox implements fal's protocol and validates payloads as fal does. It draws
images locally, each with a small SANDBOX mark, and never contacts fal.

Use `with Sandbox() as sandbox: fal = sandbox.provider()`, the pytest fixtures
`fal_sandbox` and `fal`, or `python -m langchain_fal_image.sandbox` for other processes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_fal_image.sandbox.faults.fault import Fault
    from langchain_fal_image.sandbox.faults.script import Faults
    from langchain_fal_image.sandbox.server import Sandbox

__all__ = ["Fault", "Faults", "Sandbox"]

_MODULES = {"Fault": "faults.fault", "Faults": "faults.script", "Sandbox": "server"}


def __getattr__(name: str) -> Any:
    # The pytest plugin loads this package in every test run of a user, so the
    # imports wait until they are needed.
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    except ModuleNotFoundError as error:
        message = (
            f"The sandbox needs {error.name}, which is not installed: "
            f"pip install 'langchain-fal-image[sandbox]'"
        )
        raise ImportError(message) from error
    return getattr(module, name)
