"""An offline fal on this machine.

The sandbox speaks fal's protocol, validates payloads as fal does, and draws its images
itself, each with a small SANDBOX mark. Nothing in it comes from fal.

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
    # Every test run of a user loads the pytest plugin, and this package with it.
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
