"""What all tests have in common."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No test depends on a clock: neither on how fast examples are made, nor on how fast
# they run. In CI the same examples come every time.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("steady")
