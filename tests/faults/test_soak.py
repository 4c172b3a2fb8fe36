"""The soak's short form; `python benchmarks/soak.py` is the long one."""

from __future__ import annotations

import runpy
from pathlib import Path

SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


def test_under_faults_nothing_is_lost_or_paid_twice() -> None:
    soak = runpy.run_path(str(SOAK))["soak"]
    came = soak(generations=250, concurrency=32, rate=0.25, seed=11)
    assert came.stray == []
    assert (came.twice, came.lost) == (0, 0)
    assert came.uncertain == came.spoiled > 0
    assert came.results > 100
    assert came.results + came.carried + came.refused + came.uncertain == 250
    assert came.is_clean
