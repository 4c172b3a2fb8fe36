"""Batches that survive a crash: nothing is paid twice, nothing that was paid is lost.

```python
batch = DurableBatch(FalTextToImage(), journal="run.sqlite", images="pictures")
report = batch.run(["a red kite", {"prompt": "a blue kite", "seed": 7}])
```

Before each submit the intent is written to the journal, after it the request id, at the
end the result. Started again, a batch goes on where it was: it takes up open requests
by their ids and submits only what fal surely never had.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.durable.fingerprint import canonical, digest
from langchain_fal_image.durable.journal import Entry, Journal
from langchain_fal_image.durable.runner import Run, Settings
from langchain_fal_image.errors import (
    FalAuthError,
    FalBudgetExceededError,
    FalConfigurationError,
    FalInputImageError,
    FalInvalidInputError,
    FalJournalError,
    FalModerationError,
    FalOptionError,
)
from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.webhooks import Webhook

__all__ = ["BatchReport", "DurableBatch"]

_log = logging.getLogger("langchain_fal_image")
_SUMMARY = 80
_PATIENCE_S = 10.0
# These concern the whole batch, not one input.
_STOPS = (FalConfigurationError, FalAuthError, FalBudgetExceededError, FalJournalError)
# These are an input's own: it would fail again.
_OWN = (FalOptionError, FalInputImageError, FalInvalidInputError, FalModerationError)


@dataclass(frozen=True)
class BatchReport:
    """Where each input of a batch stands.

    Attributes:
        done: Their images are on disk (or, without a directory, their result known).
        failed: fal or a check refused them; `retry_failed=True` tries them again.
        uncertain: Nobody knows whether fal took them: look at the request list on fal's
            dashboard, then start again, with `on_uncertain="resubmit"` if it did not.
        open: fal has them; starting again waits for them, at no further charge.
        waiting: fal surely does not have them; starting again submits them.
    """

    done: tuple[Entry, ...]
    failed: tuple[Entry, ...]
    uncertain: tuple[Entry, ...]
    open: tuple[Entry, ...]
    waiting: tuple[Entry, ...]

    @property
    def is_complete(self) -> bool:
        """Whether starting it again would change nothing by itself."""
        return not (self.open or self.waiting)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Count each kind, and list what did not end well."""
        counts = ", ".join(
            f"{len(entries)} {name}" for name, entries in vars(self).items() if entries
        )
        lines = [counts or "no inputs"]
        for name in ("failed", "uncertain", "open", "waiting"):
            for each in getattr(self, name):
                why = f": {each.error['message']}" if each.error else ""
                held = f" (request {each.request_id})" if each.request_id else ""
                lines.append(f"  {name} {each.number} {each.summary}{held}{why}")
        return "\n".join(lines)


class DurableBatch:
    """A batch over a runnable, with a journal.

    Args:
        model: What makes the images. Its options are part of the batch.
        journal: The journal's file. One process at a time.
        images: Where images are saved, as `00042.png`, or `00042_1.png` and so on where
            an input makes several; None saves none and only keeps the results.
        concurrency: How many inputs are under way at once.
        on_uncertain: What to do with inputs of which an earlier run left it unknown
            whether fal took them: leave them in the report, or submit them again.
        on_interrupt: What to do with open requests on Ctrl-C or cancellation: keep
            them, for the next start to take up, or cancel them at fal.
        retry_failed: Try inputs again that failed in an earlier run.
        progress: Show a progress bar, where tqdm is installed.
        webhook_url: Where fal is to send each result; see `complete`.
        follow: Whether to wait for results. False, with a webhook, only submits.

    Raises:
        FalConfigurationError: A setting is wrong.
    """

    def __init__(
        self,
        model: FalTextToImage | FalImageEdit,
        *,
        journal: str | os.PathLike[str],
        images: str | os.PathLike[str] | None = None,
        concurrency: int = 8,
        on_uncertain: Literal["report", "resubmit"] = "report",
        on_interrupt: Literal["keep", "cancel"] = "keep",
        retry_failed: bool = False,
        progress: bool = True,
        webhook_url: str | None = None,
        follow: bool = True,
    ) -> None:
        _check("on_uncertain", on_uncertain, ("report", "resubmit"))
        _check("on_interrupt", on_interrupt, ("keep", "cancel"))
        if isinstance(concurrency, bool) or concurrency < 1:
            message = f"concurrency={concurrency!r} must be at least 1."
            raise FalConfigurationError(message, next_step="Give a whole number.")
        if not follow and webhook_url is None:
            message = "follow=False needs a webhook_url: nothing else would finish it."
            raise FalConfigurationError(message, next_step="Give a webhook_url.")
        if model.kind != "image":
            message = f"A durable batch makes images; {type(model).__name__} does not."
            step = (
                "Use the runnable's batch or abatch, or submit and keep the requests."
            )
            raise FalConfigurationError(message, next_step=step)
        if model.mode == "sync":
            message = (
                "A durable batch needs mode='queue': a sync run cannot be taken up."
            )
            raise FalConfigurationError(message, next_step="Leave mode='queue'.")
        self.model = model
        self._journal = Path(journal)
        self._settings = Settings(
            images=None if images is None else Path(images),
            concurrency=concurrency,
            on_uncertain=on_uncertain,
            on_interrupt=on_interrupt,
            retry_failed=retry_failed,
            progress=progress,
            webhook_url=webhook_url,
            follow=follow,
        )

    def run(self, inputs: Iterable[Any]) -> BatchReport:
        """Run the batch, or go on with it, until each input has come to an end.

        Args:
            inputs: What the model's `invoke` takes; the same list at each start.

        Returns:
            Where each input stands.

        Raises:
            FalJournalError: The journal is another's, damaged, or cannot be written.
            FalError: What concerns the whole batch, such as a missing key.
            KeyboardInterrupt: Ctrl-C, after open requests were kept or cancelled.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._run_and_close(inputs))
        message = "run() was called inside a running event loop."
        raise FalConfigurationError(message, next_step="Call 'await batch.arun(…)'.")

    async def arun(self, inputs: Iterable[Any]) -> BatchReport:
        """Run the batch, or go on with it; see `run`."""
        given = list(inputs)
        with Journal(self._journal) as journal:
            journal.begin(
                model=self._identity(), inputs=[digest(each) for each in given]
            )
            for entry in journal.entries("intended"):
                journal.note(entry.number, "uncertain", error=_interrupted())
            await self._run(journal, given).finish()
            return _report(journal)

    def report(self) -> BatchReport:
        """Read where each input stands, from the journal alone.

        Raises:
            FalJournalError: The journal is in use, damaged or no journal.
        """
        with Journal(self._journal) as journal:
            return _report(journal)

    def complete(self, payload: Webhook | Mapping[str, Any]) -> bool:
        """Complete an input by what a webhook brought.

        Args:
            payload: What `langchain_fal_image.webhooks.verify` gave, or its JSON where
                it was checked elsewhere: `request_id`, `status`, `payload`, `error`.

        Returns:
            Whether it brought anything new; False for one that came twice.

        Raises:
            FalJournalError: The journal has no such request, or is in use.
            FalDownloadError: An image cannot be read; starting the batch again does.
        """
        if isinstance(payload, Webhook):
            payload = payload.to_dict()
        request_id = str(payload.get("request_id"))
        with Journal(self._journal) as journal:
            entry = journal.find(request_id)
            if entry is None or entry.request is None:
                message = f"The journal {self._journal} has no request {request_id}."
                raise FalJournalError(
                    message, next_step="Give the webhook to the batch it belongs to."
                )
            if entry.state in {"made", "done", "failed"}:
                return False
            if payload.get("status") != "OK" or not isinstance(
                payload.get("payload"), Mapping
            ):
                # The result GET decides, and words the error.
                asyncio.run(self._completed(journal, entry, None))
                return True
            request = FalRequest.from_dict(entry.request)
            result = ImageResult.from_output(
                payload["payload"],
                model=request.endpoint_id,
                request_id=request_id,
                options=request.options,
                inputs=request.inputs,
            )
            asyncio.run(self._completed(journal, entry, result))
            return True

    async def _completed(
        self, journal: Journal, entry: Entry, result: ImageResult | None
    ) -> None:
        run = self._run(journal, [])
        try:
            if result is None:
                await run.take_up(entry)
            else:
                await run.keep(entry.number, result.using(self.model.provider))
        finally:
            await self.model.provider.aclose()

    async def _run_and_close(self, inputs: Iterable[Any]) -> BatchReport:
        try:
            return await self.arun(inputs)
        finally:
            await self.model.provider.aclose()

    def _run(self, journal: Journal, inputs: list[Any]) -> Run:
        return Run(self.model, self._settings, journal=journal, inputs=inputs)

    def _identity(self) -> str:
        return json.dumps([self.model.model, canonical(self.model.options)])


def _report(journal: Journal) -> BatchReport:
    return BatchReport(
        done=tuple(journal.entries("done")),
        failed=tuple(journal.entries("failed")),
        uncertain=tuple(journal.entries("uncertain", "intended")),
        open=tuple(journal.entries("open", "made")),
        waiting=tuple(journal.entries("waiting")),
    )


def _interrupted() -> dict[str, Any]:
    message = "The process ended while its submit was under way."
    return {"type": "FalSubmitUncertainError", "message": message, "charged": "maybe"}


def _check(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name}={safe_repr(value)} is not one of {', '.join(allowed)}."
        raise FalConfigurationError(message, next_step=f"Give {' or '.join(allowed)}.")
