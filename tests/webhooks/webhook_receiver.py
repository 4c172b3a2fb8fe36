"""A server that receives webhooks."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self

__all__ = ["Receiver"]


class Receiver:
    """A server that keeps the webhooks it receives.

    Attributes:
        received: The headers and the body of each webhook.
        refusals: The number of webhooks that it answers with 503 first.
        document: The response to a GET.
    """

    def __init__(self) -> None:
        receiver = self
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        self.document = b""
        self.changed = threading.Condition()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.changed:
                    receiver.received.append((dict(self.headers), body))
                    status = 503 if len(receiver.received) <= receiver.refusals else 200
                    receiver.changed.notify_all()
                self.send_response(status)
                self.end_headers()

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("content-length", str(len(receiver.document)))
                self.end_headers()
                self.wfile.write(receiver.document)

            def log_message(self, *args: Any) -> None:
                """Print nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def wait(self, number: int) -> None:
        """Wait until it has received so many webhooks."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= number, 60)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
