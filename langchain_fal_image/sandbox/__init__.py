"""An offline fal on this machine.

It speaks fal's protocol, checks options as fal does, and draws its pictures itself;
each bears a small SANDBOX mark. Nothing that it answers comes from fal.

`with Sandbox() as sandbox: fal = sandbox.provider()`; the pytest fixtures `fal_sandbox`
and `fal`; or `python -m langchain_fal_image.sandbox` for other processes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_fal_image.sandbox.faults.script import Fault
    from langchain_fal_image.sandbox.server import Sandbox

__all__ = ["Fault", "Sandbox"]

_HOMES = {"Fault": "faults.script", "Sandbox": "server"}


def __getattr__(name: str) -> Any:
    # The pytest plugin is loaded in every test run of a user; this package with it.
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    except ModuleNotFoundError as error:
        message = (
            f"The sandbox needs {error.name}, which is not installed: "
            f"pip install 'langchain-fal-image[sandbox]'"
        )
        raise ImportError(message) from error
    return getattr(module, name)
