"""A short run of benchmarks/soak.py."""

from __future__ import annotations

import runpy
from pathlib import Path

SOAK = Path(__file__).resolve().parents[2] / "benchmarks" / "soak.py"


def test_under_faults_no_request_is_lost_or_submitted_twice() -> None:
    soak = runpy.run_path(str(SOAK))["soak"]
    counts = soak(generations=250, concurrency=32, rate=0.25, seed=11)
    assert counts.unexpected == []
    assert (counts.duplicates, counts.lost) == (0, 0)
    assert counts.uncertain == counts.spoiled > 0
    assert counts.results > 100
    ended = counts.results + counts.carried + counts.refused + counts.uncertain
    assert ended == 250
    assert counts.is_clean
