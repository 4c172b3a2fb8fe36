"""One call of a runnable: send files, submit the request, return the result.

Imported with the first call, so that creating a model is fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, patch_config

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.budget.reservation import Reservation
from langchain_fal_image.errors import FalError, FalInputError, FalOptionError
from langchain_fal_image.inputs.file import read_input_file
from langchain_fal_image.inputs.file_type import AUDIO, IMAGE, FileType
from langchain_fal_image.inputs.reference import InputReference
from langchain_fal_image.inputs.upload import send_file
from langchain_fal_image.models._events import report_updates
from langchain_fal_image.models._trace import start_run, trace_input
from langchain_fal_image.options import paths
from langchain_fal_image.options.limits import check_file
from langchain_fal_image.options.resolve import ResolvedOptions
from langchain_fal_image.results._parse import store_result
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.wire import flows, guard
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import Call, Flow
from langchain_fal_image.wire.queue import QueuedRequest

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.budget.budget import Budget
    from langchain_fal_image.options.endpoint import EndpointSchema
    from langchain_fal_image.options.kind import Kind

__all__ = ["ModelCall", "generate", "run_traced", "submit"]

_HTTP_URL = re.compile(r"\s*https?:\S+\s*", re.IGNORECASE)
# Options whose text fal does not fetch, even if it is a URL.
_PROSE = re.compile("prompt|text|lyrics|caption|description|instruction")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCall:
    """One call of a runnable: its options, and how they are sent.

    Attributes:
        model: The endpoint id.
        kind: What the endpoint makes.
        schema: The endpoint's contract; None for an unknown endpoint.
        session: Sends the request.
        options: The options, resolved and checked.
        check_files: Whether files must have a known format and fit the contract.
        estimate: Estimates what a payload requests; called only if there is a budget.
        budget: Refuses a request that would exceed it.
        mode: See `FalModel.mode`.
        timeout: See `FalModel.timeout`.
        on_cancel: See `FalModel.on_cancel`.
    """

    model: str
    kind: Kind
    schema: EndpointSchema | None
    session: Session
    options: ResolvedOptions
    check_files: bool
    estimate: Callable[[Mapping[str, Any]], RequestEstimate]
    budget: Budget | None
    mode: Literal["queue", "sync"]
    timeout: float | None
    on_cancel: Literal["cancel", "keep"]

    @property
    def context(self) -> Context:
        """The session's context with the settings of this call."""
        context, settings = self.session.context, self.options.settings
        retry = context.retry
        if settings.max_retries is not None:
            retry = replace(retry, submit_attempts=settings.max_retries + 1)
        return replace(context, headers=settings.headers, retry=retry)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    """A payload that is ready to be sent.

    Attributes:
        sent: The options in fal's names; files are URLs or data URIs.
        options: The same without bytes, for the result.
        inputs: The files, as references.
    """

    sent: dict[str, Any]
    options: dict[str, Any]
    inputs: tuple[InputReference, ...]


def run_traced(
    prepare: Callable[[], ModelCall],
    *,
    name: str,
    input: Any,
    config: RunnableConfig | None,
) -> Flow[Any]:
    """Make one request as a LangChain run, as `Runnable._call_with_config` does.

    The flow calls the callbacks through effects, so that a tool can run it in its own
    flow.

    Args:
        prepare: Returns the call; an error that it raises is an error of the run.
        name: The run's name, unless the config has one.
        input: The run's input.
        config: The run's config.
    """
    config = ensure_config(config)
    run = yield start_run(name, trace_input(input), config)
    child = patch_config(config, callbacks=run.get_child())
    try:
        result = yield from report_updates(generate(prepare()), child)
    except GeneratorExit:
        raise
    except BaseException as error:
        failure = error
        yield Call(
            lambda: run.on_chain_error(failure), lambda: run.on_chain_error(failure)
        )
        raise
    yield Call(lambda: run.on_chain_end(result), lambda: run.on_chain_end(result))
    return result


def generate(call: ModelCall) -> Flow[Any]:
    """Make one request, and return its result."""
    session = call.session
    estimate = yield from _estimate(call)
    with Reservation(call.budget, estimate) as reservation:
        payload = yield from _send_files(call)
        try:
            output = yield from flows.generate(
                call.context,
                call.model,
                payload.sent,
                mode=call.mode,
                on_cancel=call.on_cancel,
                timeout=call.timeout,
            )
        except FalError as error:
            if isinstance(error.request, QueuedRequest):
                error.request = _create_request(error.request, call, payload)
            raise
        reservation.request_id = output.request_id
        reservation.set_billed_units(output.headers.get("x-fal-billable-units"))
        result = yield from store_result(
            session,
            output,
            model=call.model,
            kind=call.kind,
            options=payload.options,
            warnings=call.options.warnings,
            inputs=payload.inputs,
        )
        reservation.images = len(result.files) if call.kind == "image" else 0
        reservation.seed = result.seed
    return result


def submit(call: ModelCall, webhook_url: str | None) -> Flow[FalRequest[Any]]:
    """Submit a request without waiting for its result.

    Args:
        call: The call.
        webhook_url: The URL that fal sends the result to.
    """
    estimate = yield from _estimate(call)
    with Reservation(call.budget, estimate) as reservation:
        payload = yield from _send_files(call)
        queued = yield from flows.submit(
            call.context, call.model, payload.sent, webhook_url=webhook_url
        )
        reservation.request_id = queued.request_id
    return _create_request(queued, call, payload)


def _estimate(call: ModelCall) -> Flow[RequestEstimate]:
    if call.budget is None:
        return RequestEstimate(call.model)
    price = yield from call.session.prices.fetch(call.session.context, call.model)
    return replace(call.estimate(call.options.payload), price=price)


def _send_files(call: ModelCall) -> Flow[_Payload]:
    """Replace the files of a payload by URLs; recognise all before sending any."""
    session, payload = call.session, call.options.payload
    files = [
        (
            path,
            read_input_file(
                paths.get(payload, path),
                option=paths.format_path(path),
                session=session,
                file_type=_find_file_type(call.schema, path),
            ),
        )
        for path in call.options.files
    ]
    _check_urls(call)
    if not files:
        return _Payload(sent=payload, options=payload, inputs=())
    sent, options = paths.copy(payload), paths.copy(payload)
    references = []
    for path, file in files:
        check = _make_check(call, path) if call.check_files else None
        sent_file = yield from send_file(file, session, check=check)
        reference = sent_file.reference
        paths.put(sent, path, sent_file.url)
        paths.put(options, path, reference.url or f"sha256:{reference.sha256}")
        references.append(reference)
    return _Payload(sent=sent, options=options, inputs=tuple(references))


def _check_urls(call: ModelCall) -> None:
    """Refuse private URLs in other options that fal reads, such as `loras[0].path`."""
    files = set(call.options.files)  # read_input_file checked these
    for path, text in paths.find_texts(call.options.payload):
        name = next((each for each in reversed(path) if isinstance(each, str)), "")
        if path in files or not _is_url(name, text):
            continue
        try:
            guard.check_url(text.strip(), trusted=call.session.context.trusted_origins)
        except guard.AccessRefused as error:
            message = (
                f"{paths.format_path(path)}={safe_repr(text)} is refused: {error}."
            )
            step = "Pass a public http(s) URL."
            raise FalInputError(message, next_step=step) from error


def _is_url(name: str, text: str) -> bool:
    if name.endswith(("_url", "_urls")):
        return "://" in text
    return bool(_HTTP_URL.fullmatch(text)) and not _PROSE.search(name)


def _find_file_type(schema: EndpointSchema | None, path: paths.Path) -> FileType:
    """Return the type of file that an option takes, from its contract or its name."""
    shape = schema.get_shape(path) if schema else None
    kinds = {each.file for each in shape.alternatives} if shape else set()
    if "audio" in kinds:
        return AUDIO
    is_image = bool(kinds & {"image", "mask"}) or "audio" not in str(path)
    return IMAGE if is_image else AUDIO


def _make_check(call: ModelCall, path: paths.Path) -> Callable[[int, Any], None]:
    def check(size: int, found: Any) -> None:
        fault = check_file(
            call.schema,
            path,
            size=size,
            mime_type=found.mime_type,
            width=getattr(found, "width", None),
            height=getattr(found, "height", None),
            has_alpha=getattr(found, "has_alpha", None),
        )
        if fault:
            raise FalOptionError.from_faults((fault,), model=call.model)

    return check


def _create_request(
    queued: QueuedRequest, call: ModelCall, payload: _Payload
) -> FalRequest[Any]:
    return FalRequest._of(
        queued,
        fal=call.session,
        options=payload.options,
        inputs=payload.inputs,
        kind=None if call.kind == "image" else call.kind,
    )
