"""One start of a durable batch: every input brought to an end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_fal_image.budget.reservation import settle_request
from langchain_fal_image.durable.journal import Entry, Journal
from langchain_fal_image.errors import (
    FalAuthError,
    FalBudgetExceededError,
    FalConfigurationError,
    FalDownloadError,
    FalError,
    FalInputImageError,
    FalInvalidInputError,
    FalJournalError,
    FalModerationError,
    FalOptionError,
    FalSubmitUncertainError,
)
from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.request import FalRequest

__all__ = ["Run", "Settings"]

_log = logging.getLogger("langchain_fal_image")
_PATIENCE_S = 10.0
# These concern the whole batch, not one input.
_STOPS = (FalConfigurationError, FalAuthError, FalBudgetExceededError, FalJournalError)
# These are an input's own: it would fail again.
_OWN = (FalOptionError, FalInputImageError, FalInvalidInputError, FalModerationError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a batch is run; see `DurableBatch`."""

    images: Path | None
    concurrency: int
    on_uncertain: Literal["report", "resubmit"]
    on_interrupt: Literal["keep", "cancel"]
    retry_failed: bool
    progress: bool
    webhook_url: str | None
    follow: bool


class Run:
    """One start of a batch.

    Args:
        model: What makes the images.
        settings: The batch's.
        journal: Open.
        inputs: In the journal's order.
    """

    def __init__(
        self,
        model: FalTextToImage | FalImageEdit,
        settings: Settings,
        *,
        journal: Journal,
        inputs: Sequence[Any],
    ) -> None:
        self._model = model
        self._settings = settings
        self._journal = journal
        self._inputs = inputs

    async def finish(self) -> None:
        """Bring every input to an end."""
        again = {"waiting", "open", "made"}
        if self._settings.on_uncertain == "resubmit":
            again.add("uncertain")
        if self._settings.retry_failed:
            again.add("failed")
        entries = self._journal.entries()
        todo = [entry for entry in entries if entry.state in again]
        left = iter(todo)
        with _bar(
            total=len(entries),
            done=len(entries) - len(todo),
            shown=self._settings.progress,
        ) as tick:

            async def work() -> None:
                for entry in left:
                    await self._one(entry)
                    tick()

            workers = [
                asyncio.create_task(work())
                for _ in range(min(self._settings.concurrency, len(todo)))
            ]
            try:
                await asyncio.gather(*workers)
            except BaseException as error:
                for worker in workers:
                    worker.cancel()
                ended = asyncio.gather(*workers, return_exceptions=True)
                await _waited(ended, 2 * _PATIENCE_S)
                if isinstance(error, asyncio.CancelledError):
                    await self._interrupted()
                raise

    async def _one(self, entry: Entry) -> None:
        if entry.state == "made" and entry.artifact:
            fal = self._model.provider
            result = ImageResult.from_artifact(entry.artifact, fal=fal)
            await self._save(entry.number, result)
        elif entry.state == "open":
            await self.take_up(entry)
        else:
            await self._submit(entry)

    async def _submit(self, entry: Entry) -> None:
        number, given = entry.number, self._inputs[entry.number]
        try:
            self._model.payload(given)
        except FalError as error:
            self._journal.note(number, "failed", error=_error(error), request=None)
            return
        self._journal.note(number, "intended", error=None, request=None)
        try:
            request = await self._submitted(number, given)
        except FalSubmitUncertainError as error:
            self._journal.note(number, "uncertain", error=_error(error))
            return
        except _OWN as error:
            self._journal.note(number, "failed", error=_error(error))
            return
        except FalError as error:
            state: Any = "waiting" if error.charged == "no" else "uncertain"
            self._journal.note(number, state, error=_error(error))
            if isinstance(error, _STOPS):
                raise
            return
        if self._settings.follow:
            await self._result(number, request)

    async def _submitted(self, number: int, given: Any) -> FalRequest:
        """Submit and write the id down; not even an interrupt comes in between."""
        submit = asyncio.ensure_future(
            self._model.asubmit(given, webhook_url=self._settings.webhook_url)
        )
        interrupted: asyncio.CancelledError | None = None
        try:
            request = await asyncio.shield(submit)
        except asyncio.CancelledError as error:
            interrupted = error
            # It is on its way: its id is worth waiting for, however often we are told
            # to stop.
            await _waited(submit, _PATIENCE_S)
            if not submit.done():
                submit.cancel()
                raise
            request = submit.result()
        try:
            self._journal.note(number, "open", request=request.to_dict())
        except FalJournalError as error:
            error.request, error.request_id = request, request.request_id
            error.charged = "maybe"
            _log.error(
                "request %s of input %d could not be written to the journal: take it "
                "up with fal.request(%r, %r)",
                request.request_id,
                number,
                request.endpoint_id,
                request.request_id,
            )
            raise
        if interrupted:
            raise interrupted
        return request

    async def take_up(self, entry: Entry) -> None:
        """Wait for a request that an earlier start submitted."""
        request = FalRequest.from_dict(entry.request or {})
        await self._result(entry.number, request.using(self._model.provider))

    async def _result(self, number: int, request: FalRequest) -> None:
        try:
            result = await request.aresult(timeout=self._model.timeout)
        except FalError as error:
            if isinstance(error, (FalConfigurationError, FalAuthError)):
                raise
            is_over = error.charged == "no" or isinstance(error, _OWN)
            is_gone = getattr(error, "status_code", None) == 404  # noqa: PLR2004 - HTTP's
            state: Any = "failed" if is_over or is_gone else "open"
            self._journal.note(number, state, error=_error(error))
            return
        await self.keep(number, result)

    async def keep(self, number: int, result: ImageResult) -> None:
        """Write a result down and save its images."""
        self._journal.note(number, "made", artifact=result.to_artifact(), error=None)
        settle_request(
            self._model.budget,
            result.request_id,
            images=len(result.images),
            seed=result.seed,
        )
        await self._save(number, result)

    async def _save(self, number: int, result: ImageResult) -> None:
        files = []
        for index, image in enumerate(result.images):
            if (folder := self._settings.images) is None:
                break
            place = f"_{index + 1}" if len(result.images) > 1 else ""
            try:
                path = await image.asave(folder / f"{number:05d}{place}")
            except FalDownloadError as error:
                self._journal.note(number, "made", error=_error(error))
                return
            except OSError as error:
                message = f"{folder} cannot be written: {error.strerror or error}."
                raise FalJournalError(
                    message,
                    request=None,
                    request_id=result.request_id,
                    charged="yes",
                    next_step="Make room there, then start the batch again: the image "
                    "is paid for and will be read again.",
                ) from error
            files.append(path.name)
        self._journal.note(number, "done", files=files, error=None)

    async def _interrupted(self) -> None:
        """Keep or cancel what is open at fal."""
        entries = self._journal.entries("open")
        if self._settings.on_interrupt == "keep":
            _log.warning(
                "%d requests go on at fal; start the batch again to take them up",
                len(entries),
            )
            return

        async def cancel(entry: Entry) -> None:
            request = FalRequest.from_dict(entry.request or {})
            try:
                word = await request.using(self._model.provider).acancel()
            except FalError as error:
                _log.warning("%s was not cancelled: %s", entry.request_id, error)
                return
            if word != "ALREADY_COMPLETED":
                told = f"It was cancelled at fal: {word}."
                error_ = {"type": "FalCancelledError", "message": told,
                          "charged": "no" if word == "OK" else "maybe"}  # fmt: skip
                self._journal.note(entry.number, "failed", error=error_)

        await asyncio.gather(*map(cancel, entries))


async def _waited(task: asyncio.Future[Any], seconds: float) -> None:
    """Wait for a task, also through further cancellations."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not task.done() and (left := end - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=left)


def _error(error: FalError) -> dict[str, Any]:
    return {
        "type": type(error).__name__,
        "message": error.message,
        "charged": error.charged,
    }


@contextlib.contextmanager
def _bar(*, total: int, done: int, shown: bool) -> Iterator[Any]:
    """Show a progress bar, where one is wanted and can be had."""
    if not shown:
        yield lambda: None
        return
    try:
        from tqdm import tqdm  # noqa: PLC0415 - an extra
    except ImportError:
        yield lambda: None
        return
    with tqdm(total=total, initial=done, unit="image", desc="fal") as bar:
        yield lambda: bar.update(1)
