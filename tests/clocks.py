"""Clocks that tests set, so that no outcome depends on how fast the machine is."""

from __future__ import annotations

import time
from dataclasses import replace

from langchain_fal_image import FalProvider
from langchain_fal_image.sandbox import Sandbox

__all__ = ["expire_after_submit"]


def expire_after_submit(fal: FalProvider, sandbox: Sandbox) -> FalProvider:
    """Let every deadline that began before the next submit pass once it is accepted.

    Args:
        fal: A provider of the sandbox; its clock is replaced.
        sandbox: Runs its requests for longer than the test needs to notice.
    """
    accepted = sandbox.submits

    def now() -> float:
        return time.monotonic() + (100_000 if sandbox.submits > accepted else 0)

    fal.context = replace(fal.context, now=now)
    return fal
