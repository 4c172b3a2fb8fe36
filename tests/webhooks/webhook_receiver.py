"""A server that receives webhooks."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler

from servers import LocalServer, QuietHandler

__all__ = ["Receiver"]


class Receiver(LocalServer):
    """A server that keeps the webhooks it receives.

    Attributes:
        received: The headers and the body of each webhook.
        refusals: The number of webhooks that it answers with 503 first.
        document: The response to a GET.
        fetches: The number of GETs.
    """

    def __init__(self) -> None:
        receiver = self
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.refusals = 0
        self.document = b""
        self.fetches = 0
        self.changed = threading.Condition()

        class Handler(QuietHandler, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver.changed:
                    receiver.received.append((dict(self.headers), body))
                    status = 503 if len(receiver.received) <= receiver.refusals else 200
                    receiver.changed.notify_all()
                self.send_response(status)
                self.end_headers()

            def do_GET(self) -> None:
                receiver.fetches += 1
                self.send_response(200)
                self.send_header("content-length", str(len(receiver.document)))
                self.end_headers()
                self.wfile.write(receiver.document)

        super().__init__(Handler)
        self.url += "/hook"

    def wait(self, number: int) -> None:
        """Wait until it has received so many webhooks."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= number, 60)
