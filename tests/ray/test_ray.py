"""Bulk runs on Ray: if a worker dies, nothing is missing and nothing is paid twice."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="the extra ray is not installed"
    ),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc"),
]


def test_a_killed_worker_loses_nothing_and_pays_nothing_twice(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_a_worker.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["killed"] == 1
    records = {each["prompt"]: each for each in outcome["records"]}
    assert records.keys() == {f"a kite, number {number}" for number in range(24)}
    assert len(outcome["records"]) == 24
    states = [each["state"] for each in records.values()]
    # The inputs of the killed worker are reported as uncertain, at most two.
    assert set(states) <= {"done", "uncertain"}
    assert states.count("uncertain") <= 2
    assert outcome["submits_of_a_prompt"] == 1
    assert outcome["most_in_flight"] <= 4
    for each in records.values():
        if each["state"] == "done":
            assert Path(each["path"]).read_bytes()[:4] == b"\x89PNG"
