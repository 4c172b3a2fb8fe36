"""Run the sandbox for other processes: `python -m langchain_fal_image.sandbox`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from langchain_fal_image.sandbox import Sandbox


def main(arguments: list[str] | None = None) -> int:
    """Run until Ctrl-C or SIGTERM.

    Args:
        arguments: Command-line arguments; by default those of the process.
    """
    parser = argparse.ArgumentParser(
        prog="python -m langchain_fal_image.sandbox",
        description="A local stand-in for fal's API. It draws its images itself.",
    )
    parser.add_argument(
        "--port", type=int, default=8787, help="default 8787; 0 for any free port"
    )
    parser.add_argument("--queue-seconds", type=float, default=0.5, help="default 0.5")
    parser.add_argument("--run-seconds", type=float, default=1.0, help="default 1.0")
    parser.add_argument("--concurrency", type=int, default=10, help="default 10")
    options = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Sandbox(
        port=options.port,
        queue_seconds=options.queue_seconds,
        run_seconds=options.run_seconds,
        concurrency=options.concurrency,
    ) as sandbox:
        sys.stdout.write(f"{sandbox.usage()}\nPress Ctrl-C to stop.\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
