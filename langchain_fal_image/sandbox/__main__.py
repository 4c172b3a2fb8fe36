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
        arguments: Of the command line; by default this process's.
    """
    parser = argparse.ArgumentParser(
        prog="python -m langchain_fal_image.sandbox",
        description="An offline fal on this machine; its pictures are its own.",
    )
    parser.add_argument("--port", type=int, default=8787, help="default 8787; 0: any")
    parser.add_argument("--queue-seconds", type=float, default=0.5)
    parser.add_argument("--run-seconds", type=float, default=1.0)
    parser.add_argument("--concurrency", type=int, default=10)
    given = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with Sandbox(
        port=given.port,
        queue_seconds=given.queue_seconds,
        run_seconds=given.run_seconds,
        concurrency=given.concurrency,
    ) as sandbox:
        sys.stdout.write(f"{sandbox.usage()}\nCtrl-C stops it.\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
