"""One call of a runnable: resolve options, send files, submit, return the result.

Loaded with the first call, so that creating a model takes little time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.budget.reservation import Reservation
from langchain_fal_image.errors import FalError, FalInputError, FalOptionError
from langchain_fal_image.inputs.file import read_input_file
from langchain_fal_image.inputs.file_type import AUDIO, IMAGE, FileType
from langchain_fal_image.inputs.reference import InputReference
from langchain_fal_image.inputs.upload import send_file
from langchain_fal_image.models._input import expand_results
from langchain_fal_image.options import paths
from langchain_fal_image.options.limits import check_file
from langchain_fal_image.options.resolve import ResolvedOptions
from langchain_fal_image.options.resolve import resolve_options as resolve
from langchain_fal_image.options.search import check_kind
from langchain_fal_image.results._parse import store_result
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.wire import flows, guard
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.models.base import FalModel
    from langchain_fal_image.options.endpoint import EndpointSchema

__all__ = ["generate", "resolve_options", "submit"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payload:
    """A payload that is ready to be sent.

    Attributes:
        sent: In fal's names, files as URLs or data URIs.
        options: The same without bytes, for the result.
        inputs: The files, as references.
        warnings: Messages about the options.
    """

    sent: dict[str, Any]
    options: dict[str, Any]
    inputs: tuple[InputReference, ...]
    warnings: tuple[str, ...]


def resolve_options(
    model: FalModel[R], input: Any, bound: Mapping[str, Any]
) -> ResolvedOptions:
    """Resolve and check the options of a call.

    Args:
        model: The runnable.
        input: Its input.
        bound: Options from `bind`.

    Raises:
        FalConfigurationError: The endpoint makes something else.
        FalOptionError: Names every fault.
    """
    schema = model.endpoint
    check_kind(schema, model.kind)
    layers = [
        ("defaults", model._default_options()),
        ("constructor", expand_results(model.options)),
        ("bind", expand_results(bound)),
        ("input", expand_results(model._read_input(input))),
    ]
    return resolve(
        schema,
        layers,
        check=model.check_options,
        strict=model.strict,
        nearest_size=model._takes_nearest_size,
    )


def generate(model: FalModel[R], input: Any, bound: Mapping[str, Any]) -> Flow[R]:
    """Make one request, and return its result.

    Args:
        model: The runnable.
        input: Its input.
        bound: Options from `bind`.
    """
    resolved = resolve_options(model, input, bound)
    session = model._session
    with Reservation(
        model.budget, (yield from _estimate(model, resolved))
    ) as reservation:
        payload = yield from _send_files(model, resolved)
        try:
            output = yield from flows.generate(
                session.context,
                model.model,
                payload.sent,
                mode=model.mode,
                on_cancel=model.on_cancel,
                timeout=model.timeout,
            )
        except FalError as error:
            if isinstance(error.request, QueuedRequest):
                error.request = _create_request(error.request, model, payload)
            raise
        reservation.request_id = output.request_id
        reservation.set_billed_units(output.headers.get("x-fal-billable-units"))
        result = yield from store_result(
            session,
            output,
            model=model.model,
            kind=model.kind,
            options=payload.options,
            warnings=payload.warnings,
            inputs=payload.inputs,
        )
        reservation.images = len(result.files) if result.kind == "image" else 0
        reservation.seed = result.seed
    return cast("R", result)


def submit(
    model: FalModel[R], input: Any, bound: Mapping[str, Any], webhook_url: str | None
) -> Flow[FalRequest[R]]:
    """Submit a request without waiting for its result.

    Args:
        model: The runnable.
        input: Its input.
        bound: Options from `bind`.
        webhook_url: The URL that fal sends the result to.
    """
    resolved = resolve_options(model, input, bound)
    with Reservation(
        model.budget, (yield from _estimate(model, resolved))
    ) as reservation:
        payload = yield from _send_files(model, resolved)
        queued = yield from flows.submit(
            model._session.context, model.model, payload.sent, webhook_url=webhook_url
        )
        reservation.request_id = queued.request_id
    return _create_request(queued, model, payload)


def _estimate(model: FalModel[R], resolved: ResolvedOptions) -> Flow[RequestEstimate]:
    if model.budget is None:
        return RequestEstimate(model.model)
    session = model._session
    price = yield from session.prices.fetch(session.context, model.model)
    return replace(model._estimate(resolved.payload), price=price)


def _send_files(model: FalModel[R], resolved: ResolvedOptions) -> Flow[_Payload]:
    """Replace the files of a payload by URLs. All are recognised before one is sent."""
    session = model._session
    files = [
        (
            path,
            read_input_file(
                paths.get(resolved.payload, path),
                option=paths.format_path(path),
                session=session,
                file_type=_find_file_type(model.endpoint, path),
            ),
        )
        for path in resolved.files
    ]
    _check_urls(session, resolved)
    sent, options = paths.copy(resolved.payload), paths.copy(resolved.payload)
    references = []
    for path, file in files:
        found = yield from send_file(file, session, check=_make_check(model, path))
        reference = found.reference
        paths.put(sent, path, found.url)
        paths.put(options, path, reference.url or f"sha256:{reference.sha256}")
        references.append(reference)
    return _Payload(
        sent=sent,
        options=options,
        inputs=tuple(references),
        warnings=resolved.warnings,
    )


def _check_urls(session: Session, resolved: ResolvedOptions) -> None:
    """Refuse private URLs in other options that fal reads, such as `video_url`."""
    files = {path[0] for path in resolved.files}  # these are checked one by one
    for name, value in resolved.payload.items():
        if name in files or not name.endswith(("_url", "_urls")):
            continue
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str) or "://" not in text:
                continue
            try:
                guard.check_url(text, trusted=session.context.trusted_origins)
            except guard.AccessRefused as error:
                message = f"{name}={safe_repr(text)} is refused: {error}."
                step = "Pass a public http(s) URL."
                raise FalInputError(message, next_step=step) from error


def _find_file_type(schema: EndpointSchema | None, path: paths.Path) -> FileType:
    """Return the type of file that an option takes: by its contract, else its name."""
    shape = schema.get_shape(path) if schema else None
    kinds = {each.file for each in shape.alternatives} if shape else set()
    if "audio" in kinds:
        return AUDIO
    is_image = bool(kinds & {"image", "mask"}) or "audio" not in str(path)
    return IMAGE if is_image else AUDIO


def _make_check(model: FalModel[R], path: paths.Path) -> Callable[[int, Any], None]:
    def check(size: int, found: Any) -> None:
        fault = model.check_options and check_file(
            model.endpoint,
            path,
            size=size,
            mime_type=found.mime_type,
            width=getattr(found, "width", None),
            height=getattr(found, "height", None),
            has_alpha=getattr(found, "has_alpha", None),
        )
        if fault:
            raise FalOptionError.from_faults((fault,), model=model.model)

    return check


def _create_request(
    queued: QueuedRequest, model: FalModel[R], payload: _Payload
) -> FalRequest[Any]:
    return FalRequest._of(
        queued,
        fal=model._session,
        options=payload.options,
        inputs=payload.inputs,
        kind=None if model.kind == "image" else model.kind,
    )
