"""Batches that survive a crash, without paying twice or losing an image.

```python
batch = DurableBatch(FalTextToImage(), journal="run.sqlite", images="images")
report = batch.run(["a red kite", {"prompt": "a blue kite", "seed": 7}])
```

The journal records the intent before each submit, the request id after it, and the
result at the end. A batch that starts again continues: it resumes open requests by
their ids and submits only inputs that fal certainly did not accept.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.durable.fingerprint import (
    compute_digest,
    summarize,
    to_canonical_json,
)
from langchain_fal_image.durable.journal import Entry, Journal, State
from langchain_fal_image.durable.runner import BatchRun, Settings, describe_error
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalJournalError,
    FalSubmitUncertainError,
    FalWebhookError,
)
from langchain_fal_image.models.image import FalImageEdit, FalTextToImage
from langchain_fal_image.options.call_settings import is_call_setting
from langchain_fal_image.results._parse import parse_output
from langchain_fal_image.webhooks import Webhook

__all__ = ["BatchReport", "DurableBatch"]


@dataclass(frozen=True)
class BatchReport:
    """The state of each input of a batch.

    Attributes:
        done: The images are on disk; without a directory, the results are known.
        failed: fal or a check refused the input; `retry_failed=True` tries it again.
        uncertain: fal may or may not have accepted the input. Check the request list
            on fal's dashboard; if it did not, start again with
            `on_uncertain="resubmit"`.
        open: fal accepted the input. The next start waits for the result without a
            further charge.
        waiting: fal certainly did not accept the input. The next start submits it.
    """

    done: tuple[Entry, ...]
    failed: tuple[Entry, ...]
    uncertain: tuple[Entry, ...]
    open: tuple[Entry, ...]
    waiting: tuple[Entry, ...]

    @property
    def is_complete(self) -> bool:
        """Whether another start with the same settings would do nothing."""
        return not (self.open or self.waiting)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return the number of inputs by state, then a line for each unfinished one."""
        counts = ", ".join(
            f"{len(entries)} {name}" for name, entries in vars(self).items() if entries
        )
        lines = [counts or "no inputs"]
        for name in ("failed", "uncertain", "open", "waiting"):
            for each in getattr(self, name):
                error = f": {each.error['message']}" if each.error else ""
                request = f" (request {each.request_id})" if each.request_id else ""
                lines.append(f"  {name} {each.number} {each.summary}{request}{error}")
        return "\n".join(lines)


class DurableBatch:
    """A batch of inputs for one runnable, with a journal.

    Args:
        model: The runnable that makes the images. The batch can only continue with
            the same endpoint and options.
        journal: The journal's file. Only one process at a time can open it, and only
            this user can read it.
        images: The directory for images. They are named `00042.png`, or `00042_1.png`
            and so on if an input makes several; another file of that name stays, and a
            number is added. None records only the results.
        concurrency: The maximum number of inputs to process at the same time.
        on_uncertain: Whether to report inputs that an earlier run left uncertain, or to
            submit them again.
        on_interrupt: Whether to keep open requests on Ctrl-C or cancellation, for the
            next start, or to cancel them at fal.
        retry_failed: Whether to submit inputs again that failed in an earlier run.
        progress: Whether to show a progress bar, if tqdm is installed.
        webhook_url: The URL to which fal sends each result; see `complete`.
        follow: Whether to wait for results. With False, the batch only submits its
            inputs; this requires a `webhook_url`.

    Raises:
        FalConfigurationError: A setting is invalid.
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
        _check_choice("on_uncertain", on_uncertain, ("report", "resubmit"))
        _check_choice("on_interrupt", on_interrupt, ("keep", "cancel"))
        if isinstance(concurrency, bool) or concurrency < 1:
            message = f"concurrency={concurrency!r} must be at least 1."
            raise FalConfigurationError(message, next_step="Use a whole number from 1.")
        if not follow and webhook_url is None:
            message = "follow=False needs a webhook_url, to deliver the results."
            raise FalConfigurationError(message, next_step="Set webhook_url.")
        if model.kind != "image":
            message = f"A durable batch makes images; {type(model).__name__} does not."
            raise FalConfigurationError(
                message,
                next_step="Use the runnable's batch or abatch, or call submit and "
                "keep the requests.",
            )
        if model.mode == "sync":
            message = (
                "A durable batch needs mode='queue': mode='sync' cannot be resumed."
            )
            raise FalConfigurationError(message, next_step="Use mode='queue'.")
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
        """Run the batch, or continue it: process every unfinished input.

        Args:
            inputs: Inputs for the model's `invoke`; the same ones at each start.

        Returns:
            The state of each input.

        Raises:
            FalJournalError: The journal belongs to another batch, is damaged, in use,
                or cannot be written.
            FalError: An error that concerns the whole batch, such as a missing key.
            KeyboardInterrupt: On Ctrl-C, after open requests were kept or cancelled.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self._run_and_close(inputs))
        message = "run() was called inside a running event loop."
        raise FalConfigurationError(message, next_step="Call 'await batch.arun(…)'.")

    async def arun(self, inputs: Iterable[Any]) -> BatchReport:
        """Run the batch, or continue it; the async version of `run`."""
        inputs = list(inputs)
        with Journal(self._journal) as journal:
            journal.begin(
                model=self._describe_model(),
                inputs=[(compute_digest(each), summarize(each)) for each in inputs],
            )
            for entry in journal.entries("intended"):
                error = FalSubmitUncertainError("The process ended during the submit.")
                journal.update(entry.number, "uncertain", error=describe_error(error))
            await self._start(journal, inputs).run()
            return _read_report(journal)

    def report(self) -> BatchReport:
        """Return the state of each input, without a request to fal.

        Raises:
            FalJournalError: The journal is in use, damaged or not a journal.
        """
        with Journal(self._journal) as journal:
            return _read_report(journal)

    def complete(self, payload: Webhook | Mapping[str, Any]) -> bool:
        """Complete an input with the result that a webhook delivered.

        Args:
            payload: A webhook from `langchain_fal_image.webhooks.verify`, or its JSON
                if you verified it elsewhere: `request_id`, `status`, `payload`,
                `error`.

        Returns:
            Whether the webhook was new; False for a repeated one.

        Raises:
            FalJournalError: The journal has no such request, is damaged or in use.
            FalResponseError: The payload has no image.
            FalWebhookError: The payload has no request id.
            FalDownloadError: An image cannot be downloaded; the next start tries again.
        """
        if isinstance(payload, Webhook):
            payload = payload.to_dict()
        request_id = payload.get("request_id") if isinstance(payload, Mapping) else None
        if not isinstance(request_id, str):
            message = "This is not a webhook of fal: it has no request_id."
            raise FalWebhookError(message)
        with Journal(self._journal) as journal:
            entry = journal.find(request_id)
            if entry is None:
                message = (
                    f"The journal {self._journal} has no request "
                    f"{safe_repr(request_id)}."
                )
                raise FalJournalError(
                    message, next_step="Pass the webhook to the batch it belongs to."
                )
            if entry.state in {"made", "done", "failed"}:
                return False
            output = payload.get("payload")
            is_result = payload.get("status") == "OK" and isinstance(output, Mapping)
            asyncio.run(self._complete(journal, entry, output if is_result else None))
            return True

    async def _complete(
        self, journal: Journal, entry: Entry, output: Mapping[str, Any] | None
    ) -> None:
        """Complete an input; without an output, fetch it from fal's queue.

        The queue returns the full error of a failed request.
        """
        run, session = self._start(journal, []), self.model._session
        try:
            if output is None:
                await run.resume(entry)
                return
            request = journal.restore_request(entry)
            result, contents = parse_output(
                output,
                schema=None,
                kind="image",
                model=request.endpoint_id,
                request_id=request.request_id,
                options=request.options,
                inputs=request.inputs,
            )
            await session.arun(session.store_bytes(contents))
            await run.save_result(entry.number, result.using(session))
        finally:
            await session.aclose()

    async def _run_and_close(self, inputs: Iterable[Any]) -> BatchReport:
        try:
            return await self.arun(inputs)
        finally:
            await self.model._session.aclose()

    def _start(self, journal: Journal, inputs: list[Any]) -> BatchRun:
        return BatchRun(self.model, self._settings, journal=journal, inputs=inputs)

    def _describe_model(self) -> str:
        # Settings of the call do not change the images, and headers may be secret.
        options = {
            name: value
            for name, value in self.model.options.items()
            if not is_call_setting(name)
        }
        return json.dumps([self.model.model, to_canonical_json(options)])


def _read_report(journal: Journal) -> BatchReport:
    entries = journal.entries()

    def choose(*states: State) -> tuple[Entry, ...]:
        return tuple(entry for entry in entries if entry.state in states)

    return BatchReport(
        done=choose("done"),
        failed=choose("failed"),
        uncertain=choose("uncertain", "intended"),
        open=choose("open", "made"),
        waiting=choose("waiting"),
    )


def _check_choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"{name}={safe_repr(value)} is not one of {', '.join(allowed)}."
        raise FalConfigurationError(message, next_step=f"Use {' or '.join(allowed)}.")
