"""A short run of benchmarks/kill.py."""

from __future__ import annotations

import runpy
from pathlib import Path

KILL = Path(__file__).resolve().parents[2] / "benchmarks" / "kill.py"


def test_a_killed_batch_loses_and_repeats_nothing(tmp_path: Path) -> None:
    kill_and_restart = runpy.run_path(str(KILL))["kill_and_restart"]
    report = kill_and_restart(
        inputs=30, kills=3, concurrency=4, seed=3, folder=tmp_path
    )
    assert report.kills == 3
    assert report.find_broken_rules(4) == []
