"""The base of the small HTTP servers on loopback that tests start."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["LocalServer", "QuietHandler"]


class QuietHandler:
    """Makes a request handler that prints nothing."""

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


class LocalServer:
    """A server in a thread of its own, from `with` to the end of the block.

    Attributes:
        port: The port it listens on.
        url: Its URL, without a path.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
