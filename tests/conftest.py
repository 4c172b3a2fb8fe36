"""Fixtures and settings of all tests."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from langchain_fal_image import FalProvider, Polling, Retry
from langchain_fal_image.options.catalog_cache import FOLDER_VARIABLE
from langchain_fal_image.sandbox import Sandbox

# What only `make check` installs, and the tests that import it.
NEEDS = {
    "langchain_openai": ["agent/test_chat_models.py", "agent/test_converters.py"],
    "langchain_tests": ["agent/test_standard.py"],
}
collect_ignore = [
    path
    for package, paths in NEEDS.items()
    if importlib.util.find_spec(package) is None
    for path in paths
]

# No test depends on a clock: neither on how fast Hypothesis makes examples nor on how
# fast they run. CI uses the same examples every time.
settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
# For a long fuzz: HYPOTHESIS_PROFILE=long pytest tests/wire/test_fuzz*.py
settings.register_profile(
    "long", parent=settings.get_profile("steady"), max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

CANARY = "canary-5f1e2d3c-not-a-key"
"""The key of most tests; no log, report or output of a run may contain it."""
RETRY = Retry(first_pause=0.001, longest_pause=0.01)
POLLING = Polling(first_pause=0.01, longest_pause=0.05)
"""Tests do not wait: what they fake responds at once."""
BASE64 = re.compile(r"[A-Za-z0-9+/]{400,}")


@pytest.fixture
def fal(fal_sandbox: Sandbox) -> Iterator[FalProvider]:
    """Yield a provider for this test's sandbox, with the canary as its key."""
    with fal_sandbox.provider(api_key=CANARY, retry=RETRY, polling=POLLING) as provider:
        yield provider


class Watcher(logging.Handler):
    """Searches the logs and reports of the whole run for the canary and for base64.

    It reads every log record down to DEBUG with its traceback, and the report of every
    test with its output.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records = 0
        self.found: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Search a log record."""
        self.records += 1
        self.search(self.format(record), f"log of {record.name}")

    def search(self, text: str, where: str) -> None:
        """Search a text."""
        if CANARY in text:
            self.found.append(f"the key in the {where}")
        if BASE64.search(text) and "tests/" not in where:
            self.found.append(f"base64 in the {where}")

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Search the report of a test."""
        where = f"report of {report.nodeid}"
        self.search(report.longreprtext, where)
        for _, text in report.sections:
            self.search(text, where)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run if something was found; a worker reports to its controller."""
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["canary"] = (self.records, self.found)
        elif self.found:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Collect the finds of a worker of pytest-xdist."""
        records, found = node.workeroutput.get("canary", (0, ["a worker was lost"]))
        self.records += records
        self.found += found

    @pytest.hookimpl
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> None:
        """Print how much was searched and what was found."""
        line = f"canary: {self.records} log records, {len(self.found)} finds"
        terminalreporter.write_line(line)
        for each in sorted(set(self.found))[:20]:
            terminalreporter.write_line(f"  {each}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the modes of tests/cassettes."""
    modes = ["replay", "record", "live"]
    parser.addoption("--cassettes", choices=modes, default="replay")


def pytest_configure(config: pytest.Config) -> None:
    """Start to watch; keep every test away from the user's cached catalog."""
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    os.environ[FOLDER_VARIABLE] = folder.name
    watcher = Watcher()
    config.pluginmanager.register(watcher, "canary")
    root = logging.getLogger()
    root.addHandler(watcher)
    for name in ("langchain_fal_image", "httpx", "langchain_core"):
        logging.getLogger(name).setLevel(logging.DEBUG)
