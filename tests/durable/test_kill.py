"""The short form of benchmarks/kill.py."""

from __future__ import annotations

import runpy
from pathlib import Path

KILL = Path(__file__).resolve().parents[2] / "benchmarks" / "kill.py"


def test_a_killed_batch_loses_and_repeats_nothing(tmp_path: Path) -> None:
    kill_and_restart = runpy.run_path(str(KILL))["kill_and_restart"]
    came = kill_and_restart(inputs=30, kills=6, concurrency=4, seed=3, place=tmp_path)
    assert came.kills >= 3
    assert came.faults(4) == []
