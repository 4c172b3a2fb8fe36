"""Test the built wheel with several Pythons and versions of its dependencies.

    python scripts/matrix.py           Python 3.11, 3.12 and 3.13, if they are installed
    python scripts/matrix.py --here    only the Python that runs this script

For each Python, the tests run twice: with the lowest versions of langchain-core, httpx
and pydantic that pyproject.toml allows, and with the newest. Each run has a new virtual
environment with the wheel, and a folder with copies of the tests that need only the
wheel. With the newest versions, the demo runs too.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
TESTS = ("package", "runnables", "results", "wire", "sandbox")
TOOLS = (
    "pytest",
    "pytest-asyncio",
    "pytest-xdist",
    "hypothesis",
    "fal-client",
    "aiohttp",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def main() -> int:
    """Run the tests in each environment and print a table; return 1 if any fail."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--here", action="store_true", help="only the running Python")
    here = parser.parse_args().here
    current = f"{sys.version_info.major}.{sys.version_info.minor}"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        wheel = build_wheel(root)
        failed = 0
        print(f"{'python':8}{'versions':10}{'':44}{'seconds':>8}  outcome", flush=True)
        for version in (current,) if here else PYTHONS:
            python = sys.executable if here else find_python(version)
            for kind in ("lowest", "newest"):
                if python is None:
                    print(f"{version:8}{kind:10}{'':44}{'':>8}  not installed")
                    continue
                began = time.monotonic()
                outcome, versions = run_tests(root / f"{version}-{kind}", wheel, python)
                failed += outcome != "passed"
                seconds = time.monotonic() - began
                line = f"{version:8}{kind:10}{versions:44}{seconds:8.0f}  {outcome}"
                print(line, flush=True)
    return 1 if failed else 0


def build_wheel(folder: Path) -> Path:
    """Build the wheel and the source distribution; return the wheel."""
    run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)])
    [wheel] = folder.glob("*.whl")
    [_] = folder.glob("*.tar.gz")
    return wheel


def find_python(version: str) -> str | None:
    """Return the path of a Python in PATH or in pyenv; None if it is not installed."""
    candidates = [shutil.which(f"python{version}")]
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    candidates += [str(each) for each in pyenv]
    for each in candidates:
        code = f"import sys; sys.exit(not sys.version.startswith('{version}.'))"
        if (
            each
            and subprocess.run(
                [each, "-c", code], check=False, capture_output=True
            ).returncode
            == 0
        ):
            return each
    return None


def run_tests(home: Path, wheel: Path, python: str) -> tuple[str, str]:
    """Run the tests in a new environment; return the outcome and the versions."""
    kind = home.name.partition("-")[2]
    run([python, "-m", "venv", str(home)])
    inside = str(home / "bin" / "python")
    pins = pin_lowest() if kind == "lowest" else []
    extras = "sandbox,fast,durable,webhooks"
    packages = [f"{wheel}[{extras}]", *TOOLS, *pins]
    if kind == "newest":
        packages += ["langchain", "langgraph"]
    run([inside, "-m", "pip", "install", "--quiet", "--upgrade", *packages])
    for each in (
        *(f"tests/{name}" for name in TESTS),
        *(f"tests/{each.name}" for each in (ROOT / "tests").glob("*.py")),
        "examples",
        "benchmarks",
        "scripts",
    ):
        source, target = ROOT / each, home / "work" / each
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    shutil.copy(ROOT / "pyproject.toml", home / "work")
    command = [inside, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider"]
    commands = [[*command, "tests"]]
    if kind == "newest":
        commands.append([inside, "examples/poster.py"])
    for arguments in commands:
        done = subprocess.run(
            arguments, cwd=home / "work", capture_output=True, text=True, check=False
        )
        if done.returncode:
            log = ROOT / f"matrix-{home.name}.log"
            log.write_text(done.stdout + done.stderr, "utf-8")
            return f"FAILED, see {log.name}", read_versions(inside)
    return "passed", read_versions(inside)


def pin_lowest() -> list[str]:
    """Pin each dependency to the lowest version that is allowed."""
    found = [
        re.fullmatch(r"([\w-]+)>=([\d.]+),.*", each) for each in PROJECT["dependencies"]
    ]
    return [f"{each[1]}=={each[2]}" for each in found if each]


def read_versions(python: str) -> str:
    """Return the versions of the main dependencies in an environment."""
    code = (
        "from importlib.metadata import version\n"
        "for name in ('langchain-core', 'httpx', 'pydantic'):\n"
        "    print(name, version(name))"
    )
    done = subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    )
    return " ".join(done.stdout.split()).replace("langchain-core", "core")


def run(command: list[str]) -> None:
    """Run a command; exit with its output if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"{' '.join(command[:6])} … failed:\n{(done.stdout + done.stderr)[-3000:]}"
        )


if __name__ == "__main__":
    sys.exit(main())
