"""A request that fal accepted, as a value that can be stored and taken up again."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Generic, Self, TypeGuard

from langchain_fal_image.errors import FalError
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results._generated_image import InputReference
from langchain_fal_image.results._output import fitted
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest, QueueUpdate

if TYPE_CHECKING:
    # Only a type checker needs the default; typing has it from Python 3.13 on.
    from typing_extensions import TypeVar

    from langchain_fal_image.options.endpoint import Kind
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.results.image import ImageResult

    R = TypeVar("R", default=ImageResult)
else:
    from typing import TypeVar

    R = TypeVar("R")

__all__ = ["FalRequest", "is_request_artifact"]

_ARTIFACT_TYPE = "fal_request"
_ARTIFACT_BYTES = 1024


@dataclass(frozen=True)
class FalRequest(Bound, Generic[R]):
    """One request in fal's queue: submitted once, asked after as often as you like.

    Only `submit` costs money; everything here is free. Store it with `to_dict()`,
    or just its `endpoint_id` and `request_id`; any process with the key can take it
    up again: `fal.request(endpoint_id, request_id).result()`.

    Attributes:
        endpoint_id: Such as `fal-ai/qwen-image`.
        request_id: fal's id.
        status_url: Where its state is asked for.
        response_url: Where its result lies.
        cancel_url: Where it is cancelled.
        payload_sha256: The digest of what was sent, where this package sent it.
        options: The payload as sent, input images as references, where it is known:
            its result then knows its prompt and what it was made from.
        inputs: The files it was given, as references.
        kind: What it makes, where that is no image and this package sent it.
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
    def of(
        cls, request: QueuedRequest, *, fal: FalProvider | None = None, **known: Any
    ) -> Self:
        """Bind what the wire knows of a request to a provider.

        Args:
            request: As the wire knows it.
            fal: The provider.
            **known: `options`, `inputs` and `kind`, where they are known.
        """
        return cls(**request.to_dict(), **known).using(fal)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Restore a request from what `to_dict` gave.

        Raises:
            ValueError: A part is missing.
        """
        request = QueuedRequest.from_dict(stored)
        inputs = tuple(InputReference(**each) for each in stored.get("inputs", ()))
        known = {"options": stored.get("options", {}), "kind": stored.get("kind")}
        return cls.of(request, inputs=inputs, **known)

    def to_dict(self) -> dict[str, Any]:
        """Give the request as plain JSON; it holds no key and no bytes."""
        stored = self._queued().to_dict()
        if self.options:
            stored["options"] = dict(self.options)
        if self.inputs:
            stored["inputs"] = [reference.to_dict() for reference in self.inputs]
        if self.kind:
            stored["kind"] = self.kind
        return stored

    def to_artifact(self, handle: str) -> dict[str, Any]:
        """Give the request as a small plain dict, fit for a checkpoint or a trace.

        Args:
            handle: Its short name in the conversation, such as `req_1`.

        Returns:
            At most 1 KB, a long prompt shortened; `from_dict` restores it.
        """
        artifact = {"type": _ARTIFACT_TYPE, "handle": handle, **self.to_dict()}
        return fitted(copy.deepcopy(artifact), _ARTIFACT_BYTES)

    def status(self) -> QueueUpdate:
        """Ask once how far it is.

        Raises:
            FalError: fal does not know it, or cannot be reached.
        """
        return self._provider.run(self._status())

    async def astatus(self) -> QueueUpdate:
        """Ask once how far it is; see `status`."""
        return await self._provider.arun(self._status())

    def events(self) -> Iterator[QueueUpdate]:
        """Follow it: each change of state and its new log lines, until it is done."""
        fal = self._provider
        return fal.iterate(flows.watch(fal.context, self._queued()))

    def aevents(self) -> AsyncIterator[QueueUpdate]:
        """Follow it; see `events`."""
        fal = self._provider
        return fal.aiterate(flows.watch(fal.context, self._queued()))

    def result(self, *, timeout: float | None = None) -> R:
        """Wait until it is done and give its result.

        Args:
            timeout: How long to wait, in seconds; by default the provider's.

        Raises:
            FalTimeoutError: It is not done yet; ask again later.
            FalError: It failed; `charged` says whether it was paid for.
        """
        return self._provider.run(self._result(timeout))

    async def aresult(self, *, timeout: float | None = None) -> R:  # noqa: ASYNC109 - the deadline belongs to the flow, and says how to go on
        """Wait until it is done and give its result; see `result`."""
        return await self._provider.arun(self._result(timeout))

    def cancel(self) -> str:
        """Ask fal to cancel it.

        Returns:
            fal's word: `OK` (taken from the queue), `CANCELLATION_REQUESTED` (it had
            begun; it may still finish and be charged), `ALREADY_COMPLETED` or
            `NOT_FOUND`.
        """
        return self._provider.run(self._cancel())

    async def acancel(self) -> str:
        """Ask fal to cancel it; see `cancel`."""
        return await self._provider.arun(self._cancel())

    def _queued(self) -> QueuedRequest:
        names = (each.name for each in fields(QueuedRequest))
        return QueuedRequest(**{name: getattr(self, name) for name in names})

    def _status(self) -> Flow[QueueUpdate]:
        return flows.fetch_status(self._provider.context, self._queued())

    def _cancel(self) -> Flow[str]:
        return flows.cancel(self._provider.context, self._queued())

    def _result(self, timeout: float | None) -> Flow[R]:
        fal = self._provider
        try:
            output = yield from flows.resume(
                fal.context, self._queued(), timeout=timeout
            )
        except FalError as error:
            if error.request is not None:
                error.request = self
            raise
        result: R = yield from fal.result_of(
            output,
            model=self.endpoint_id,
            kind=self.kind,
            options=self.options,
            inputs=self.inputs,
        )
        return result


def is_request_artifact(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a value is what `FalRequest.to_artifact` gives."""
    return isinstance(value, Mapping) and value.get("type") == _ARTIFACT_TYPE
