"""Servers on loopback: one that must not receive a request, one that answers alike."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

from servers import LocalServer, QuietHandler

__all__ = ["FixedResponse", "Trap"]


class Trap(LocalServer):
    """A server that must not receive a request.

    Attributes:
        requests: The requests that it received, with their headers.
    """

    def __init__(self) -> None:
        trap = self
        self.requests: list[str] = []

        class Handler(QuietHandler, BaseHTTPRequestHandler):
            def _record(self) -> None:
                trap.requests.append(f"{self.command} {self.path} {self.headers}")
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = do_HEAD = _record  # noqa: N815 - http.server's names

        super().__init__(Handler)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        assert self.requests == []


class FixedResponse(LocalServer):
    """A server whose responses are all the same.

    Args:
        headers: The headers of each response.
        status: Its status.
        body: Its body.
        may_receive_key: Whether a request may contain a key.

    Attributes:
        requests: The number of requests that it received.
        encodings: The content encodings that each request accepts.
    """

    def __init__(
        self,
        headers: dict[str, str],
        *,
        status: int = 302,
        body: bytes = b"",
        may_receive_key: bool = False,
    ) -> None:
        server = self
        self._may_receive_key = may_receive_key
        self.requests = 0
        self.keys: list[str] = []
        self.encodings: list[str | None] = []

        class Handler(QuietHandler, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests += 1
                server.keys.append(self.headers.get("authorization", ""))
                server.encodings.append(self.headers.get("accept-encoding"))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Handler)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        assert self._may_receive_key or not any(self.keys)
