"""The sandbox: a server in a thread, with a record of its requests."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from langchain_fal_image.sandbox.api.app import Api
from langchain_fal_image.sandbox.api.realtime import RealtimeRejection
from langchain_fal_image.sandbox.api.request_log import ReceivedRequest
from langchain_fal_image.sandbox.faults.script import Faults

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider

__all__ = ["Sandbox"]


class Sandbox:
    """A local stand-in for fal's API that runs in its own thread.

    Args:
        port: The port on 127.0.0.1; 0 for any free one.
        queue_seconds: The minimum time that a request waits in the queue.
        run_seconds: The minimum time that a request runs.
        concurrency: How many requests run at once. fal gives new accounts 2.
        heartbeat_seconds: How long a status stream may be silent before it sends a
            comment.
        unknown_endpoints: Whether endpoints outside the catalog are served, with a
            simple output, instead of a 404 response.
        seed: Determines the seeds of requests that do not pass one.
        prices: By endpoint id, a price in USD per image, or a price and its unit. The
            sandbox does not know fal's prices: other endpoints have none.

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
        """The faults for the next requests."""
        self._api = Api(
            faults=self.faults,
            heartbeat_seconds=heartbeat_seconds,
            unknown_endpoints=unknown_endpoints,
            prices=prices or {},
            queue_seconds=queue_seconds,
            run_seconds=run_seconds,
            concurrency=concurrency,
            seed=seed,
        )
        self.files = self._api.files
        """The files that it serves."""
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: Future[asyncio.AbstractEventLoop] = Future()

    @property
    def url(self) -> str:
        """Its URL, such as `http://127.0.0.1:49152`."""
        return self._api.url

    @property
    def requests(self) -> list[ReceivedRequest]:
        """All requests that it received, in order."""
        return list(self._api.log.requests)

    @property
    def submits(self) -> int:
        """The number of accepted requests, for which fal would charge."""
        return len(self._api.queue.jobs)

    @property
    def accepted(self) -> dict[str, Any]:
        """The payloads of the accepted requests by request id, in order."""
        jobs = self._api.queue.jobs
        return {request_id: job.payload for request_id, job in list(jobs.items())}

    def sign_webhook(
        self, body: bytes, request_id: str, *, at: float
    ) -> dict[str, str]:
        """Return the headers of a webhook, as if it came from fal.

        Args:
            body: The webhook's body.
            request_id: The id of the request that the webhook reports.
            at: The time of the signature, in seconds since 1970.
        """
        return self._api.webhooks.sign(body, request_id, at=at)

    def renew_webhook_keys(self) -> None:
        """Replace the key that signs webhooks, as fal may do at any time."""
        self._api.webhooks.renew()

    @property
    def uncertain_submits(self) -> list[str | None]:
        """The submits whose complete response did not reach the client.

        An entry is the request id if the sandbox accepted the request, else None. The
        client cannot tell these two cases apart.
        """
        return list(self._api.injector.uncertain_submits)

    @property
    def most_in_flight(self) -> int:
        """The highest number of accepted requests that were unfinished at one time."""
        return self._api.queue.most_in_flight

    @property
    def leaks(self) -> list[str]:
        """Requests for files or public keys that wrongly carried an API key."""
        return list(self._api.log.leaks)

    @contextlib.contextmanager
    def refuse_connections(self) -> Iterator[None]:
        """Refuse connections inside the block, and close the open ones."""
        server = self._server
        if server is None:
            message = "The sandbox is not running."
            raise RuntimeError(message)
        loop = self._loop.result()

        async def close() -> None:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for this
                await asyncio.sleep(0.01)
            for each in server.servers:
                each.close()
            for connection in list(server.server_state.connections):
                connection.transport.abort()

        async def listen(listener: socket.socket) -> None:
            protocol_class: Any = server.config.http_protocol_class
            protocol = functools.partial(
                protocol_class,
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
            listener = _listen(port)
            asyncio.run_coroutine_threadsafe(listen(listener), loop).result()

    def wait_for(
        self, condition: Callable[[Sandbox], bool], *, timeout: float = 10.0
    ) -> None:
        """Wait until a condition is true.

        Args:
            condition: Such as `lambda sandbox: sandbox.submits == 1`; checked after
                every request.
            timeout: In seconds.

        Raises:
            TimeoutError: The condition did not become true in time.
        """
        with self._api.log.changed:
            if not self._api.log.changed.wait_for(lambda: condition(self), timeout):
                message = f"The condition did not become true within {timeout:g} s."
                raise TimeoutError(message)

    def provider(self, *, api_key: str = "sandbox", **settings: Any) -> FalProvider:
        """Create a provider that uses this sandbox.

        Args:
            api_key: Any text.
            **settings: Further arguments of `create_fal`.
        """
        # The sandbox starts without LangChain; only a provider needs it.
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
        """Return instructions to connect other programs."""
        return (
            f"sandbox: {self.url} (open in a browser to see the requests)\n"
            f"in Python: export FAL_SANDBOX_URL={self.url}\n"
            f"@fal-ai/client: fal.config({{ credentials: 'sandbox', "
            f"proxyUrl: {{ url: '{self.url}/proxy', when: 'always' }} }})\n"
            f"curl -X POST -H 'Authorization: Key sandbox' "
            f'{self.url}/queue/fal-ai/qwen-image -d \'{{"prompt": "a red kite"}}\''
        )

    def start(self) -> None:
        """Start the server.

        Raises:
            OSError: The port is in use.
        """
        listener = _listen(self._port)
        port = listener.getsockname()[1]
        self._api.files.base_url = f"http://127.0.0.1:{port}"
        self._loop = Future()
        self._server = _Server(
            uvicorn.Config(
                self._api.app,
                http="h11",
                ws=RealtimeRejection,
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
        """Stop the server and abort its unfinished requests."""
        if self._server and self._thread and self._thread.is_alive():
            self._server.should_exit = True
            self._server.force_exit = True
            self._loop.result().call_soon_threadsafe(self._server.wake.set)
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
            server.wake = asyncio.Event()
            self._loop.set_result(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        with listener:
            asyncio.run(serve())


def _listen(port: int) -> socket.socket:
    # asyncio sets TCP_NODELAY only on sockets whose protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise
    listener.listen(1024)
    return listener


class _Server(uvicorn.Server):
    """A server that stops at once; uvicorn checks `should_exit` only every 0.1 s."""

    wake: asyncio.Event

    async def main_loop(self) -> None:
        """Run `on_tick` every 0.1 s, as uvicorn does, and as soon as `wake` is set."""
        for tick in itertools.count():
            if await self.on_tick(tick % 864_000):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.1):
                    await self.wake.wait()
