"""The sandbox as an object: it runs while it is used, and tells what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from langchain_fal_image.sandbox.api.app import Fal
from langchain_fal_image.sandbox.api.request_log import ReceivedRequest
from langchain_fal_image.sandbox.faults.script import Faults

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider

__all__ = ["Sandbox"]


class Sandbox:
    """A fal on this machine, in a thread of its own.

    Args:
        port: On loopback; 0 takes a free one.
        queue_seconds: How long each request waits in the queue at least.
        run_seconds: How long each request runs at least.
        concurrency: How many requests run at once; fal gives new accounts 2.
        heartbeat_seconds: How often a status stream says that it is alive.
        unknown_endpoints: Whether endpoints outside the catalog are served, with a
            plain output; otherwise they are answered with 404.
        seed: From which seeds are drawn for requests that have none.
        prices: What the platform API tells, in USD: a price for an image, or a price
            and its unit, by endpoint id. Made up by whoever gives them: the sandbox
            knows no price of fal's, and what is not named has none.

    Example:
        ```python
        with Sandbox() as sandbox:
            fal = sandbox.provider()
            FalTextToImage(fal=fal).invoke("Mount Fuji in spring")
            assert sandbox.submits == 1
        ```
    """

    def __init__(
        self,
        *,
        port: int = 0,
        queue_seconds: float = 0.0,
        run_seconds: float = 0.0,
        concurrency: int = 10,
        heartbeat_seconds: float = 15.0,
        unknown_endpoints: bool = False,
        seed: int = 0,
        prices: Mapping[str, float | tuple[float, str]] | None = None,
    ) -> None:
        self.faults = Faults()
        """What is to go wrong."""
        self._fal = Fal(
            faults=self.faults,
            heartbeat_seconds=heartbeat_seconds,
            unknown_endpoints=unknown_endpoints,
            prices=prices or {},
            queue_seconds=queue_seconds,
            run_seconds=run_seconds,
            concurrency=concurrency,
            seed=seed,
        )
        self.files = self._fal.media
        """The files it serves."""
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: Future[asyncio.AbstractEventLoop] = Future()

    @property
    def url(self) -> str:
        """Where it is, such as `http://127.0.0.1:49152`."""
        return self._fal.url

    @property
    def requests(self) -> list[ReceivedRequest]:
        """Everything it was asked, in order."""
        return list(self._fal.record.requests)

    @property
    def submits(self) -> int:
        """How many requests it accepted: what fal would charge for."""
        return len(self._fal.queue.jobs)

    @property
    def accepted(self) -> dict[str, Any]:
        """The payloads of the requests it accepted, by request id, in order."""
        jobs = self._fal.queue.jobs
        return {request_id: job.payload for request_id, job in list(jobs.items())}

    def sign_webhook(
        self, body: bytes, request_id: str, *, at: float
    ) -> dict[str, str]:
        """Make the headers of a webhook, as if it came from fal.

        Args:
            body: What is sent.
            request_id: Of the request it is about.
            at: When it was signed, in seconds since 1970.
        """
        return self._fal.webhooks.signed(body, request_id, at=at)

    def renew_webhook_keys(self) -> None:
        """Sign with another key from here on, as fal may at any time."""
        self._fal.webhooks.renew()

    @property
    def uncertain_submits(self) -> list[str | None]:
        """The submits whose true answer never reached the client whole.

        The request's id where the sandbox took it, None where it did not: the client
        cannot tell the one from the other.
        """
        return list(self._fal.record.spoiled)

    @property
    def most_in_flight(self) -> int:
        """How many accepted requests were not done yet, at most."""
        return self._fal.queue.most_in_flight

    @property
    def leaks(self) -> list[str]:
        """Requests for files that had a key on them; there should be none."""
        return list(self._fal.record.leaks)

    @contextlib.contextmanager
    def refuse_connections(self) -> Iterator[None]:
        """Refuse connections meanwhile, and close those that are open."""
        server = self._server
        if server is None:
            message = "The sandbox does not run."
            raise RuntimeError(message)
        loop = self._loop.result()

        async def close() -> None:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            for each in server.servers:
                each.close()
            for connection in list(server.server_state.connections):
                connection.transport.abort()

        async def listen(listener: socket.socket) -> None:
            made: Any = server.config.http_protocol_class
            protocol = functools.partial(
                made,
                config=server.config,
                server_state=server.server_state,
                app_state={},
            )
            server.servers = [await loop.create_server(protocol, sock=listener)]

        asyncio.run_coroutine_threadsafe(close(), loop).result()
        try:
            yield
        finally:
            port = int(self.url.rpartition(":")[2])
            listener = _listener(port)
            asyncio.run_coroutine_threadsafe(listen(listener), loop).result()

    def wait_for(
        self, condition: Callable[[Sandbox], bool], *, timeout: float = 10.0
    ) -> None:
        """Wait, in a test, until the sandbox has seen something.

        Args:
            condition: Such as `lambda sandbox: sandbox.submits == 1`; looked at again
                with every request.
            timeout: In seconds.

        Raises:
            TimeoutError: It did not come to be.
        """
        with self._fal.record.changed:
            if not self._fal.record.changed.wait_for(lambda: condition(self), timeout):
                message = f"It did not come to be within {timeout:g} s."
                raise TimeoutError(message)

    def provider(self, *, api_key: str = "sandbox", **settings: Any) -> FalProvider:
        """Make a provider whose fal this is.

        Args:
            api_key: Any will do.
            **settings: Further arguments of `create_fal`.
        """
        from langchain_fal_image.provider import create_fal  # noqa: PLC0415
        from langchain_fal_image.wire.config import Hosts  # noqa: PLC0415

        hosts = Hosts.sandbox(self.url)
        urls = {
            "base_url": hosts.queue,
            "run_url": hosts.run,
            "rest_url": hosts.rest,
            "platform_url": hosts.platform,
            "openapi_url": hosts.openapi,
        }
        return create_fal(api_key, **{**urls, **settings})

    def usage(self) -> str:
        """Say in a few lines how other programs use it."""
        return (
            f"sandbox: {self.url} (open it in a browser to watch the requests)\n"
            f"in Python: export FAL_SANDBOX_URL={self.url}\n"
            f"@fal-ai/client: fal.config({{ credentials: 'sandbox', "
            f"proxyUrl: {{ url: '{self.url}/proxy', when: 'always' }} }})\n"
            f"curl -X POST -H 'Authorization: Key sandbox' "
            f'{self.url}/queue/fal-ai/qwen-image -d \'{{"prompt": "a red kite"}}\''
        )

    def start(self) -> None:
        """Begin to serve; requests are taken from here on.

        Raises:
            OSError: The port is taken.
        """
        listener = _listener(self._port)
        self._fal.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._fal.media.base_url = self._fal.url
        self._loop = Future()
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._fal.app,
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_level="warning",
                access_log=False,
                timeout_keep_alive=60,
            )
        )
        self._thread = threading.Thread(
            target=self._serve, args=(listener,), name="fal-sandbox", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End; requests that still run are dropped."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self, listener: socket.socket) -> None:
        server = self._server
        if server is None:
            return

        async def serve() -> None:
            self._loop.set_result(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        with listener:
            asyncio.run(serve())


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY).
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(1024)
    return listener
