"""A request that fal accepted. Any process can store and resume it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Self, TypeGuard

from langchain_fal_image.errors import FalError
from langchain_fal_image.inputs.reference import InputReference, read_references
from langchain_fal_image.results._artifact import shorten_artifact
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results._parse import store_result
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

if TYPE_CHECKING:
    # Only a type checker needs the default; typing has it from Python 3.13 on.
    from typing_extensions import TypeVar

    from langchain_fal_image._session.session import Session
    from langchain_fal_image.options.kind import Kind
    from langchain_fal_image.results.image import ImageResult

    R = TypeVar("R", default=ImageResult)
else:
    from typing import TypeVar

    R = TypeVar("R")

T = TypeVar("T")

__all__ = ["FalRequest"]

_ARTIFACT_TYPE = "fal_request"
_ARTIFACT_BYTES = 1024


@dataclass(frozen=True)
class FalRequest(Bound, Generic[R]):
    """A request in fal's queue: submitted once, read as often as needed.

    Only `submit` costs money; every method here is free. Store the request with
    `to_dict()`, or only its `endpoint_id` and `request_id`. Any process with the key
    can resume it: `fal.request(endpoint_id, request_id).result()`.

    Attributes:
        endpoint_id: The endpoint, such as `fal-ai/qwen-image`.
        request_id: fal's id of the request.
        status_url: The URL of its status.
        response_url: The URL of its result.
        cancel_url: The URL that cancels it.
        payload_sha256: The digest of the payload, if this package sent it.
        options: The payload that was sent, with references instead of file bytes;
            empty if it is not known. The result contains it.
        inputs: References to the input files; empty if they are not known.
        kind: `speech` or `transcription`, if it is known that the request makes one.
    """

    endpoint_id: str
    request_id: str
    status_url: str
    response_url: str
    cancel_url: str
    payload_sha256: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    inputs: tuple[InputReference, ...] = field(default=(), repr=False, compare=False)
    kind: Kind | None = field(default=None, repr=False, compare=False)

    @classmethod
    def _of(cls, queued: QueuedRequest, *, fal: Session | None, **fields: Any) -> Self:
        """Create the request of a queued one.

        Args:
            queued: The request, as the queue API returned it.
            fal: The provider.
            **fields: `options`, `inputs` and `kind`, if they are known.
        """
        return cls(**queued.to_dict(), **fields).using(fal)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Restore a request from the dict that `to_dict` returned.

        Raises:
            ValueError: A field is missing.
        """
        return cls._of(
            QueuedRequest.from_dict(stored),
            fal=None,
            options=stored.get("options", {}),
            inputs=read_references(stored.get("inputs")),
            kind=stored.get("kind"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the request as plain JSON, without the key and without bytes."""
        stored = self._queued().to_dict()
        if self.options:
            stored["options"] = dict(self.options)
        if self.inputs:
            stored["inputs"] = [reference.to_dict() for reference in self.inputs]
        if self.kind:
            stored["kind"] = self.kind
        return stored

    def to_artifact(self, handle: str) -> dict[str, Any]:
        """Return the request as a small plain dict, for a checkpoint or a trace.

        Args:
            handle: Its handle in the thread, such as `req_1`.

        Returns:
            At most 1 KB, with a long prompt shortened; `from_dict` restores it.
        """
        artifact = {"type": _ARTIFACT_TYPE, "handle": handle, **self.to_dict()}
        return shorten_artifact(copy.deepcopy(artifact), _ARTIFACT_BYTES, essential={})

    @staticmethod
    def is_artifact(value: object) -> TypeGuard[Mapping[str, Any]]:
        """Return whether a value is the artifact of a request."""
        return isinstance(value, Mapping) and value.get("type") == _ARTIFACT_TYPE

    def status(self) -> QueueUpdate:
        """Fetch the status once.

        Raises:
            FalError: fal does not know the request, or cannot be reached.
        """
        return self._session.run(self._status_flow())

    async def astatus(self) -> QueueUpdate:
        """Fetch the status once; see `status`."""
        return await self._session.arun(self._status_flow())

    def events(self) -> Iterator[QueueUpdate]:
        """Yield each status change, with new log lines, until the request ends."""
        return self._session.iterate(self._events_flow())

    def aevents(self) -> AsyncIterator[QueueUpdate]:
        """Yield each status change until the request ends; see `events`."""
        return self._session.aiterate(self._events_flow())

    def result(self, *, timeout: float | None = None) -> R:
        """Wait until the request ends, and return its result.

        Args:
            timeout: How long to wait, in seconds; by default the provider's total.

        Raises:
            FalTimeoutError: The request has not ended yet; call `result` again later.
            FalError: The request failed; `charged` says whether it was charged.
        """
        return self._session.run(self._result_flow(timeout))

    async def aresult(self, *, timeout: float | None = None) -> R:  # noqa: ASYNC109 - the flow keeps the deadline, and its error says how to resume
        """Wait until the request ends, and return its result; see `result`."""
        return await self._session.arun(self._result_flow(timeout))

    def cancel(self) -> str:
        """Cancel the request at fal.

        Returns:
            The status that fal reports: `OK` (removed from the queue),
            `CANCELLATION_REQUESTED` (already running; it may still finish and be
            charged), `ALREADY_COMPLETED` or `NOT_FOUND`.
        """
        return self._session.run(self._cancel_flow())

    async def acancel(self) -> str:
        """Cancel the request at fal; see `cancel`."""
        return await self._session.arun(self._cancel_flow())

    def _queued(self) -> QueuedRequest:
        names = (each.name for each in fields(QueuedRequest))
        return QueuedRequest(**{name: getattr(self, name) for name in names})

    def _status_flow(self) -> Flow[QueueUpdate]:
        return self._bind_errors(
            flows.fetch_status(self._session.context, self._queued())
        )

    def _events_flow(self) -> Flow[Any]:
        return self._bind_errors(flows.watch(self._session.context, self._queued()))

    def _cancel_flow(self) -> Flow[str]:
        return self._bind_errors(flows.cancel(self._session.context, self._queued()))

    def _result_flow(self, timeout: float | None) -> Flow[R]:
        session = self._session
        output = yield from self._bind_errors(
            flows.resume(session.context, self._queued(), timeout=timeout)
        )
        result: R = yield from store_result(
            session,
            output,
            model=self.endpoint_id,
            kind=self.kind,
            options=self.options,
            inputs=self.inputs,
        )
        return result

    def _bind_errors(self, flow: Flow[T]) -> Flow[T]:
        """Run a flow, and set this request on its errors."""
        try:
            return (yield from flow)
        except FalError as error:
            if error.request is not None:
                error.request = self
            raise
