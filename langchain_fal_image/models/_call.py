"""What a call of a runnable does: options resolved, files sent, one request made.

Loaded with the first call, so that building a model costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.budget.reservation import Reservation
from langchain_fal_image.errors import FalError, FalInputError, FalOptionError
from langchain_fal_image.inputs.file import IMAGE, Medium, input_file, send
from langchain_fal_image.models._input import as_options, spread
from langchain_fal_image.options import paths
from langchain_fal_image.options.limits import check_file
from langchain_fal_image.options.quantity import count_images, count_pixels
from langchain_fal_image.options.resolve import ResolvedOptions, resolve_options
from langchain_fal_image.options.search import check_kind
from langchain_fal_image.results.request import FalRequest
from langchain_fal_image.wire import flows, guard
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import QueuedRequest

if TYPE_CHECKING:
    from langchain_fal_image.models.base import FalModel
    from langchain_fal_image.options.endpoint import EndpointSchema
    from langchain_fal_image.provider import FalProvider

__all__ = ["generated", "resolved", "submitted"]

R = TypeVar("R")


def resolved(
    model: FalModel[R], given: Any, bound: Mapping[str, Any]
) -> ResolvedOptions:
    """Resolve and check what a call would send.

    Args:
        model: The runnable.
        given: Its input.
        bound: Options, as `bind` gives them.

    Raises:
        FalConfigurationError: The endpoint makes something else.
        FalOptionError: Naming every fault.
    """
    schema = model.endpoint
    check_kind(schema, model.kind)
    layers = [
        ("defaults", _defaults(model)),
        ("constructor", spread(model.options)),
        ("bind", spread(bound)),
        ("input", spread(_options_of(model, given))),
    ]
    return resolve_options(
        schema,
        layers,
        check=model.check_options,
        strict=model.strict,
        nearest_size=getattr(model, "nearest_size", False),
    )


def _options_of(model: FalModel[Any], given: Any) -> Mapping[str, Any]:
    if model.kind == "image":
        takes_images = getattr(model, "takes_image_input", False)
        return as_options(given, model=model.model, takes_images=takes_images)
    from langchain_fal_image.models._audio_call import options_of  # noqa: PLC0415 - few need it

    return options_of(model, given)


def _defaults(model: FalModel[Any]) -> Mapping[str, Any]:
    if model.kind == "image":
        return {}
    from langchain_fal_image.models._audio_call import defaults  # noqa: PLC0415 - few need it

    return defaults(model)


def generated(model: FalModel[R], what: ResolvedOptions) -> Flow[R]:
    """Make one request and give its result.

    Args:
        model: The runnable.
        what: As `resolved` gives it.
    """
    fal = model.provider
    asked = yield from _asked(model, what.payload)
    with Reservation(model.budget, asked) as spent:
        payload, known = yield from _sendable(model, what)
        try:
            output = yield from flows.generate(
                fal.context,
                model.model,
                payload,
                mode=model.mode,
                on_cancel=model.on_cancel,
                timeout=model.timeout,
            )
        except FalError as error:
            if isinstance(error.request, QueuedRequest):
                error.request = _request(error.request, model, known)
            raise
        spent.request_id = output.request_id
        spent.set_billed_units(output.headers.get("x-fal-billable-units"))
        result = yield from fal.result_of(
            output, model=model.model, kind=model.kind, **known
        )
        images = getattr(result, "images", ())
        spent.images, spent.seed = len(images), result.seed
    return cast("R", result)


def submitted(
    model: FalModel[R], what: ResolvedOptions, webhook_url: str | None
) -> Flow[FalRequest[R]]:
    """Submit a request and do not wait for it.

    Args:
        model: The runnable.
        what: As `resolved` gives it.
        webhook_url: Where fal is to send the result.
    """
    fal = model.provider
    asked = yield from _asked(model, what.payload)
    with Reservation(model.budget, asked) as spent:
        payload, known = yield from _sendable(model, what)
        queued = yield from flows.submit(
            fal.context, model.model, payload, webhook_url=webhook_url
        )
        spent.request_id = queued.request_id
    return _request(queued, model, known)


def _asked(model: FalModel[R], payload: Mapping[str, Any]) -> Flow[RequestEstimate]:
    """Tell the budget what a payload asks for, and what that costs."""
    if model.budget is None:
        return RequestEstimate(model.model)
    price = yield from model.provider.priced(model.model)
    if model.kind != "image":
        from langchain_fal_image.models._audio_call import asked  # noqa: PLC0415 - few need it

        return replace(asked(model, payload), price=price)
    schema = model.endpoint
    return RequestEstimate(
        model.model,
        images=count_images(schema, payload),
        pixels=count_pixels(schema, payload),
        price=price,
    )


def _sendable(
    model: FalModel[R], what: ResolvedOptions
) -> Flow[tuple[dict[str, Any], dict[str, Any]]]:
    """Turn files into URLs; give the payload and what a result keeps of it."""
    fal = model.provider
    recognised = [
        (
            path,
            input_file(
                paths.get(what.payload, path),
                option=paths.format_path(path),
                fal=fal,
                medium=_medium(model.endpoint, path),
            ),
        )
        for path in what.files
    ]
    _check_urls(fal, what)
    payload, kept = paths.copy(what.payload), paths.copy(what.payload)
    references = []
    for path, file in recognised:
        sent = yield from send(file, fal, check=_file_check(model, path))
        paths.put(payload, path, sent.url)
        reference = sent.reference
        paths.put(kept, path, reference.url or f"sha256:{reference.sha256}")
        references.append(reference)
    known = {
        "options": kept,
        "warnings": what.warnings,
        "inputs": tuple(references),
    }
    return payload, known


def _check_urls(fal: FalProvider, what: ResolvedOptions) -> None:
    """Refuse private URLs under options that fal reads, such as `video_url`."""
    files = {path[0] for path in what.files}  # these are looked at one by one
    for name, value in what.payload.items():
        if name in files or not name.endswith(("_url", "_urls")):
            continue
        for text in value if isinstance(value, list) else [value]:
            if not isinstance(text, str) or "://" not in text:
                continue
            try:
                guard.check_url(text, trusted=fal.context.trusted_origins)
            except guard.AccessRefused as error:
                message = f"{name}={safe_repr(text)} is refused: {error}."
                step = "Give a public http(s) URL."
                raise FalInputError(message, next_step=step) from error


def _medium(schema: EndpointSchema | None, path: paths.Path) -> Medium:
    """Tell what an option takes: by its contract, else by its name."""
    shape = schema.get_shape(path) if schema else None
    kinds = {each.file for each in shape.alternatives} if shape else set()
    if "audio" not in kinds and (kinds & {"image", "mask"} or "audio" not in str(path)):
        return IMAGE
    from langchain_fal_image.inputs._audio import AUDIO  # noqa: PLC0415 - few need it

    return AUDIO


def _file_check(model: FalModel[R], path: paths.Path) -> Callable[[int, Any], None]:
    def check(size: int, kind: Any) -> None:
        fault = model.check_options and check_file(
            model.endpoint,
            path,
            size=size,
            mime_type=kind.mime_type,
            width=getattr(kind, "width", None),
            height=getattr(kind, "height", None),
            has_alpha=getattr(kind, "has_alpha", None),
        )
        if fault:
            raise FalOptionError.from_faults((fault,), model=model.model)

    return check


def _request(
    queued: QueuedRequest, model: FalModel[R], known: Mapping[str, Any]
) -> FalRequest[Any]:
    return FalRequest.of(
        queued,
        fal=model.provider,
        options=known["options"],
        inputs=known["inputs"],
        kind=None if model.kind == "image" else model.kind,
    )
