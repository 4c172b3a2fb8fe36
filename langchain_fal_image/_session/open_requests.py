"""The requests that calls wait for, so that another thread can cancel them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_fal_image.errors import FalError
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

__all__ = ["OpenRequests", "Watch", "cancel_request"]


class OpenRequests:
    """The open requests of one session, from any thread."""

    def __init__(self) -> None:
        self._open: dict[str, QueuedRequest] = {}

    def list(self) -> list[QueuedRequest]:
        """Return the requests that a call waits for now."""
        return list(self._open.values())

    def watch(self, on_update: Callable[[QueueUpdate], Any] | None) -> Watch:
        """Watch one flow.

        Args:
            on_update: Called with each of its updates.
        """
        return Watch(self._open, on_update)


class Watch:
    """Records which requests are open while a flow runs, and passes updates on."""

    def __init__(
        self,
        requests: dict[str, QueuedRequest],
        on_update: Callable[[QueueUpdate], Any] | None,
    ) -> None:
        self._requests = requests
        self._on_update = on_update
        self._own: set[str] = set()

    def __call__(self, update: QueueUpdate) -> Any:
        """Record the update's request; return what the callback returns."""
        request_id = update.request.request_id
        if request_id not in self._own:
            self._own.add(request_id)
            self._requests[request_id] = update.request
        return self._on_update(update) if self._on_update else None

    def stop(self) -> None:
        """Forget the flow's requests: nothing waits for them now."""
        for request_id in self._own:
            self._requests.pop(request_id, None)


def cancel_request(context: Context, request: QueuedRequest) -> Flow[str]:
    """Cancel a request; return an error's message, so that the next one follows."""
    # Loaded with the first cancellation, not with the package.
    from langchain_fal_image.wire import flows  # noqa: PLC0415

    try:
        return (yield from flows.cancel(context, request))
    except FalError as error:
        return str(error)
