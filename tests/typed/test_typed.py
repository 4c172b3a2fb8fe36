"""Type checkers accept a user's code; mypy sees user.py with everything else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.pyright
@pytest.mark.skipif(shutil.which("node") is None, reason="pyright needs Node.js")
def test_pyright_accepts_a_users_code() -> None:
    pytest.importorskip("pyright")
    path = Path(__file__).with_name("user.py")
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--pythonpath",
        sys.executable,
        str(path),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-500:]
