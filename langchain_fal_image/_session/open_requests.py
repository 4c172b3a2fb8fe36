"""The requests that somebody waits for, which can be cancelled from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_fal_image.errors import FalError
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

__all__ = ["OpenRequests", "Watch", "cancelled"]


class OpenRequests:
    """The open requests of one provider, in whichever thread they are waited for."""

    def __init__(self) -> None:
        self._open: dict[str, QueuedRequest] = {}

    def requests(self) -> list[QueuedRequest]:
        """Give those that are waited for now."""
        return list(self._open.values())

    def watch(self, on_update: Callable[[QueueUpdate], Any] | None) -> Watch:
        """Watch one flow.

        Args:
            on_update: Called with each of its updates.
        """
        return Watch(self._open, on_update)


class Watch:
    """Notes which requests are open while a flow runs, and passes its updates on."""

    def __init__(
        self,
        requests: dict[str, QueuedRequest],
        on_update: Callable[[QueueUpdate], Any] | None,
    ) -> None:
        self._requests = requests
        self._on_update = on_update
        self._mine: set[str] = set()

    def __call__(self, update: QueueUpdate) -> Any:
        """Take an update, and give what the callback returns."""
        request_id = update.request.request_id
        if request_id not in self._mine:
            self._mine.add(request_id)
            self._requests[request_id] = update.request
        return self._on_update(update) if self._on_update else None

    def done(self) -> None:
        """Forget the flow's requests: nobody waits for them any more."""
        for request_id in self._mine:
            self._requests.pop(request_id, None)


def cancelled(context: Context, request: QueuedRequest) -> Flow[str]:
    """Cancel a request; an error becomes its message, so that others are tried too."""
    from langchain_fal_image.wire import flows  # noqa: PLC0415 - needed late

    try:
        return (yield from flows.cancel(context, request))
    except FalError as error:
        return str(error)
