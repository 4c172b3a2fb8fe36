"""fal's HTTP API on one server, with a path for each of fal's hosts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from langchain_fal_image.sandbox.api import openapi
from langchain_fal_image.sandbox.api.files import Files
from langchain_fal_image.sandbox.api.models_api import list_models
from langchain_fal_image.sandbox.api.pricing import Pricing
from langchain_fal_image.sandbox.api.queue import Queue
from langchain_fal_image.sandbox.api.queue_routes import QueueRoutes
from langchain_fal_image.sandbox.api.request_log import RequestLog
from langchain_fal_image.sandbox.api.responses import reject_without_key
from langchain_fal_image.sandbox.api.storage import Storage, may_have_key
from langchain_fal_image.sandbox.api.tokens import issue_token
from langchain_fal_image.sandbox.api.webhooks import Webhooks
from langchain_fal_image.sandbox.dashboard.dashboard import (
    ASSETS,
    describe_queue,
    read_asset,
)
from langchain_fal_image.sandbox.faults.injector import ConnectionControl, FaultInjector
from langchain_fal_image.sandbox.faults.script import Faults

__all__ = ["Api"]

_ANY_METHOD = ("GET", "POST", "PUT")


class Api:
    """The state and routes of one sandbox; see `Sandbox` for the settings."""

    def __init__(
        self,
        *,
        faults: Faults,
        heartbeat_seconds: float,
        unknown_endpoints: bool,
        prices: Mapping[str, float | tuple[float, str]],
        **queue_settings: Any,
    ) -> None:
        self.files = Files()
        self.log = RequestLog()
        self.queue = Queue(self.files, **queue_settings)
        self.webhooks = Webhooks(self.queue)
        self.injector = FaultInjector(faults, self.log.notify)
        self._storage = Storage(self.files)
        self._pricing = Pricing(prices)
        self._requests = QueueRoutes(
            self.queue,
            webhooks=self.webhooks,
            injector=self.injector,
            heartbeat_seconds=heartbeat_seconds,
            unknown_endpoints=unknown_endpoints,
        )
        routes = [
            Route("/", self._get_asset),
            Route("/state.json", self._get_state),
            Route("/queue/{path:path}", self._handle_queue, methods=_ANY_METHOD),
            Route("/run/{path:path}", self._handle_run, methods=_ANY_METHOD),
            Route("/rest/.well-known/jwks.json", self._get_jwks),
            Route("/rest/{path:path}", self._handle_rest, methods=["POST"]),
            Route("/files/{path:path}", self._handle_files, methods=_ANY_METHOD),
            Route("/proxy", self._handle_proxy, methods=_ANY_METHOD),
            Route("/openapi.json", self._get_document),
            Route("/platform/models", self._list_models),
            Route("/platform/models/pricing", self._get_prices),
            Route("/{name}", self._get_asset),
        ]
        self.app: ASGIApp = ConnectionControl(Starlette(routes=routes))

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self.files.base_url

    async def _get_asset(self, request: Request) -> Response:
        """Return a file of the dashboard."""
        name = request.path_params.get("name", "page.html")
        if name not in ASSETS:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return Response(read_asset(name), media_type=ASSETS[name])

    async def _get_state(self, _: Request) -> Response:
        return JSONResponse(describe_queue(self.queue))

    async def _handle_queue(self, request: Request) -> Response:
        path, base_url = request.path_params["path"], f"{self.url}/queue"
        payload = await self.log.read(request)
        return await self._requests.handle_queue(
            request, path, payload, base_url=base_url
        )

    async def _handle_run(self, request: Request) -> Response:
        payload = await self.log.read(request)
        endpoint_id = request.path_params["path"]
        return await self._requests.handle_run(request, endpoint_id, payload)

    async def _handle_proxy(self, request: Request) -> Response:
        """Handle a request that a client, such as @fal-ai/client, sends to a proxy."""
        target = urlsplit(request.headers.get("x-fal-target-url", ""))
        host, path = target.netloc, target.path.strip("/")
        request.scope["query_string"] = target.query.encode()
        payload = await self.log.read(request)
        if host == "queue.fal.run":
            return await self._requests.handle_queue(
                request, path, payload, base_url=f"https://{host}"
            )
        if host == "fal.run":
            return await self._requests.handle_run(request, path, payload)
        if host == "rest.fal.ai":
            return await self._handle_rest_call(request, path, payload)
        return JSONResponse({"detail": f"No proxy for {host!r}"}, status_code=412)

    async def _handle_rest(self, request: Request) -> Response:
        payload = await self.log.read(request)
        path = request.path_params["path"].strip("/")
        return await self._handle_rest_call(request, path, payload)

    async def _handle_rest_call(
        self, request: Request, path: str, payload: Any
    ) -> Response:
        if rejection := reject_without_key(request):
            return rejection
        if path == "tokens":
            return issue_token(payload)
        return await self.injector.respond(
            "upload", request, lambda: self._storage.initiate(request, path, payload)
        )

    async def _handle_files(self, request: Request) -> Response:
        path = request.path_params["path"]
        content = await request.body()
        self.log.add(request)
        has_key = request.headers.get("authorization", "").startswith("Key ")
        if has_key and not may_have_key(request):
            self.log.add_leak(request)
            detail = "A file host must not receive an API key"
            return JSONResponse({"detail": detail}, status_code=403)
        if request.method == "GET":
            return await self.injector.respond(
                "file", request, lambda: self._storage.download(path)
            )
        return await self.injector.respond(
            "upload", request, lambda: self._storage.upload(request, path, content)
        )

    async def _get_document(self, request: Request) -> Response:
        self.log.add(request)
        endpoint_id = request.query_params.get("endpoint_id", "")
        document = openapi.make_document(endpoint_id)
        if document is None:
            return JSONResponse({"detail": "Not Found"}, status_code=404)
        return JSONResponse(document)

    async def _get_jwks(self, request: Request) -> Response:
        self.log.add(request)
        if "authorization" in request.headers:
            self.log.add_leak(request)
        return JSONResponse(self.webhooks.get_jwks())

    async def _list_models(self, request: Request) -> Response:
        self.log.add(request)

        async def respond() -> Response:
            return list_models(request)

        return await self.injector.respond("models", request, respond)

    async def _get_prices(self, request: Request) -> Response:
        self.log.add(request)
        return reject_without_key(request) or self._pricing.respond(request)
