"""Bulk runs on Ray: a worker may die; nothing is missing, nothing is paid twice."""

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
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="workers are found in /proc"),
]


def test_a_killed_worker_loses_nothing_and_pays_nothing_twice(tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_a_worker.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env={**os.environ, "RAY_DEDUP_LOGS": "0", "RAY_USAGE_STATS_ENABLED": "0"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["killed"] == 1
    prompts = {f"a kite, number {number}" for number in range(24)}
    records = {each["prompt"]: each for each in told["records"]}
    assert records.keys() == prompts
    assert len(told["records"]) == 24
    states = [each["state"] for each in records.values()]
    # Of those that were under way when it died, it is known which are unknown.
    assert set(states) <= {"done", "uncertain"}
    assert states.count("uncertain") <= 2
    assert max(told["asked"].values()) == 1
    assert told["most_in_flight"] <= 4
    for each in records.values():
        if each["state"] == "done":
            assert Path(each["path"]).read_bytes()[:4] == b"\x89PNG"
