"""One start of a durable batch, which processes every unfinished input."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_fal_image.budget.reservation import settle_request
from langchain_fal_image.durable.journal import Entry, Journal, State
from langchain_fal_image.errors import (
    FalAuthError,
    FalBudgetExceededError,
    FalCancelledError,
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

__all__ = ["BatchRun", "Settings", "describe_error"]

_log = logging.getLogger("langchain_fal_image")
_GRACE_S = 10.0
# Errors that stop the whole batch.
_BATCH_ERRORS = (
    FalConfigurationError,
    FalAuthError,
    FalBudgetExceededError,
    FalJournalError,
)
# Errors of one input, which would fail again.
_INPUT_ERRORS = (
    FalOptionError,
    FalInputImageError,
    FalInvalidInputError,
    FalModerationError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a batch, as `DurableBatch` documents them."""

    images: Path | None
    concurrency: int
    on_uncertain: Literal["report", "resubmit"]
    on_interrupt: Literal["keep", "cancel"]
    retry_failed: bool
    progress: bool
    webhook_url: str | None
    follow: bool


class BatchRun:
    """One start of a batch.

    Args:
        model: The runnable that makes the images.
        settings: The settings of the batch.
        journal: The open journal.
        inputs: The inputs, in the journal's order.
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

    async def run(self) -> None:
        """Process every unfinished input."""
        unfinished = {"waiting", "open", "made"}
        if self._settings.on_uncertain == "resubmit":
            unfinished.add("uncertain")
        if self._settings.retry_failed:
            unfinished.add("failed")
        entries = self._journal.entries()
        todo = [entry for entry in entries if entry.state in unfinished]
        remaining = iter(todo)
        with _show_progress(
            total=len(entries),
            done=len(entries) - len(todo),
            is_shown=self._settings.progress,
        ) as advance:

            async def work() -> None:
                for entry in remaining:
                    await self._process(entry)
                    advance()

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
                await _wait_despite_cancellation(ended, 2 * _GRACE_S)
                if isinstance(error, asyncio.CancelledError):
                    await self._keep_or_cancel_open()
                raise

    async def resume(self, entry: Entry) -> None:
        """Wait for a request that an earlier start submitted, and save its result."""
        request = self._journal.restore_request(entry).using(self._model._session)
        await self._await_result(entry.number, request)

    async def save_result(self, number: int, result: ImageResult) -> None:
        """Record a result and save its images."""
        self._journal.update(number, "made", artifact=result.to_artifact(), error=None)
        settle_request(
            self._model.budget,
            result.request_id,
            images=len(result.images),
            seed=result.seed,
        )
        await self._save_images(number, result)

    async def _process(self, entry: Entry) -> None:
        if entry.state == "made":
            result = self._journal.restore_result(entry).using(self._model._session)
            await self._save_images(entry.number, result)
        elif entry.state == "open":
            await self.resume(entry)
        else:
            await self._submit(entry.number)

    async def _submit(self, number: int) -> None:
        try:
            self._model.payload(self._inputs[number])
        except FalError as error:
            self._record_error(number, "failed", error, request=None)
            return
        self._journal.update(number, "intended", error=None, request=None)
        try:
            request = await self._submit_and_record(number)
        except FalSubmitUncertainError as error:
            self._record_error(number, "uncertain", error)
        except _INPUT_ERRORS as error:
            self._record_error(number, "failed", error)
        except FalError as error:
            state: State = "waiting" if error.charged == "no" else "uncertain"
            self._record_error(number, state, error)
            if isinstance(error, _BATCH_ERRORS):
                raise
        else:
            if self._settings.follow:
                await self._await_result(number, request)

    async def _submit_and_record(self, number: int) -> FalRequest:
        """Submit an input and record its request id; then raise a pending interrupt."""
        submit = asyncio.ensure_future(
            self._model.asubmit(
                self._inputs[number], webhook_url=self._settings.webhook_url
            )
        )
        interrupt: asyncio.CancelledError | None = None
        try:
            request = await asyncio.shield(submit)
        except asyncio.CancelledError as error:
            interrupt = error
            # The submit may have been sent: wait for its id despite more interrupts.
            await _wait_despite_cancellation(submit, _GRACE_S)
            if not submit.done():
                submit.cancel()
                raise
            request = submit.result()
        try:
            self._journal.update(number, "open", request=request.to_dict())
        except FalJournalError as error:
            error.request, error.request_id = request, request.request_id
            error.charged = "maybe"
            _log.error(
                "request %s of input %d could not be written to the journal; resume "
                "it with fal.request(%r, %r)",
                request.request_id,
                number,
                request.endpoint_id,
                request.request_id,
            )
            raise
        if interrupt:
            raise interrupt
        return request

    async def _await_result(self, number: int, request: FalRequest) -> None:
        try:
            result = await request.aresult(timeout=self._model.timeout)
        except FalError as error:
            if isinstance(error, (FalConfigurationError, FalAuthError)):
                raise
            is_final = error.charged == "no" or isinstance(error, _INPUT_ERRORS)
            is_gone = getattr(error, "status_code", None) == 404  # noqa: PLR2004 - HTTP's Not Found
            self._record_error(
                number, "failed" if is_final or is_gone else "open", error
            )
        else:
            await self.save_result(number, result)

    async def _save_images(self, number: int, result: ImageResult) -> None:
        files = []
        folder = self._settings.images
        for index, image in enumerate(result.images):
            if folder is None:
                break
            suffix = f"_{index + 1}" if len(result.images) > 1 else ""
            try:
                saving = image._save_flow(folder, stem=f"{number:05d}{suffix}")
                path = await self._model._session.arun(saving)
            except FalDownloadError as error:
                self._record_error(number, "made", error)
                return
            except OSError as error:
                message = f"{folder} cannot be written: {error.strerror or error}."
                raise FalJournalError(
                    message,
                    request_id=result.request_id,
                    charged="yes",
                    next_step="Free some disk space, then start the batch again: it "
                    "downloads the image, which is already paid.",
                ) from error
            files.append(path.name)
        self._journal.update(number, "done", files=files, error=None)

    def _record_error(
        self, number: int, state: State, error: FalError, **columns: Any
    ) -> None:
        self._journal.update(number, state, error=describe_error(error), **columns)

    async def _keep_or_cancel_open(self) -> None:
        entries = self._journal.entries("open")
        if self._settings.on_interrupt == "keep":
            _log.warning(
                "%d requests continue at fal; start the batch again to get their "
                "results",
                len(entries),
            )
        else:
            await asyncio.gather(*map(self._cancel, entries))

    async def _cancel(self, entry: Entry) -> None:
        try:
            request = self._journal.restore_request(entry)
            status = await request.using(self._model._session).acancel()
        except FalError as error:
            _log.warning("request %s was not cancelled: %s", entry.request_id, error)
            return
        if status != "ALREADY_COMPLETED":
            cancelled = FalCancelledError(
                f"The request was cancelled at fal: {status}.",
                charged="no" if status == "OK" else "maybe",
            )
            self._record_error(entry.number, "failed", cancelled)


def describe_error(error: FalError) -> dict[str, Any]:
    """Return an error as JSON for the journal."""
    return {
        "type": type(error).__name__,
        "message": error.message,
        "charged": error.charged,
    }


async def _wait_despite_cancellation(task: asyncio.Future[Any], seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not task.done() and (left := end - loop.time()) > 0:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=left)


@contextlib.contextmanager
def _show_progress(
    *, total: int, done: int, is_shown: bool
) -> Iterator[Callable[[], Any]]:
    """Show a progress bar, if tqdm is installed; yield the function to advance it."""
    if not is_shown:
        yield lambda: None
        return
    try:
        from tqdm import tqdm  # noqa: PLC0415 - an extra
    except ImportError:
        yield lambda: None
        return
    with tqdm(total=total, initial=done, unit="image", desc="fal") as bar:
        yield lambda: bar.update(1)
