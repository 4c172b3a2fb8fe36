"""What a call of a runnable does: options resolved, images sent, one request made.

Loaded with the first call, so that building a model costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from langchain_fal_image.errors import FalError, FalOptionError
from langchain_fal_image.given import as_options, spread
from langchain_fal_image.inputs import input_image, send
from langchain_fal_image.options import place
from langchain_fal_image.options.asked import images_asked, pixels_asked
from langchain_fal_image.options.resolve import Path, Resolved, check_file, resolve
from langchain_fal_image.request import FalRequest
from langchain_fal_image.spending import Asked, Spent
from langchain_fal_image.wire import flows
from langchain_fal_image.wire.effects import Flow, QueuedRequest

if TYPE_CHECKING:
    from langchain_fal_image.models import FalImageModel
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.results import ImageResult
    from langchain_fal_image.sniff import ImageType

__all__ = ["generated", "resolved", "submitted"]


def resolved(model: FalImageModel, given: Any, bound: Mapping[str, Any]) -> Resolved:
    """Resolve and check what a call would send.

    Args:
        model: The runnable.
        given: Its input.
        bound: Options, as `bind` gives them.

    Raises:
        FalOptionError: Naming every fault.
    """
    options = as_options(given, model=model.model, takes_images=model.takes_image_input)
    layers = [
        ("constructor", spread(model.options)),
        ("bind", spread(bound)),
        ("input", spread(options)),
    ]
    return resolve(
        model.endpoint,
        layers,
        check=model.check_options,
        strict=model.strict,
        nearest_size=model.nearest_size,
    )


def generated(model: FalImageModel, what: Resolved) -> Flow[ImageResult]:
    """Make images.

    Args:
        model: The runnable.
        what: As `resolved` gives it.
    """
    fal = model.provider
    asked = yield from _asked(model, what.payload)
    with Spent(model.budget, asked) as spent:
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
                error.request = _request(error.request, fal, known)
            raise
        spent.request_id = output.request_id
        spent.billed(output.headers.get("x-fal-billable-units"))
        result = yield from fal.result_of(output, model=model.model, **known)
        spent.images, spent.seed = len(result.images), result.seed
    return result


def submitted(
    model: FalImageModel, what: Resolved, webhook_url: str | None
) -> Flow[FalRequest]:
    """Submit a request and do not wait for it.

    Args:
        model: The runnable.
        what: As `resolved` gives it.
        webhook_url: Where fal is to send the result.
    """
    fal = model.provider
    asked = yield from _asked(model, what.payload)
    with Spent(model.budget, asked) as spent:
        payload, known = yield from _sendable(model, what)
        queued = yield from flows.submit(
            fal.context, model.model, payload, webhook_url=webhook_url
        )
        spent.request_id = queued.request_id
    return _request(queued, fal, known)


def _asked(model: FalImageModel, payload: Mapping[str, Any]) -> Flow[Asked]:
    """Tell the budget what a payload asks for, and what that costs."""
    if model.budget is None:
        return Asked(model.model)
    schema = model.endpoint
    return Asked(
        model.model,
        images=images_asked(schema, payload),
        pixels=pixels_asked(schema, payload),
        price=(yield from model.provider.priced(model.model)),
    )


def _sendable(
    model: FalImageModel, what: Resolved
) -> Flow[tuple[dict[str, Any], dict[str, Any]]]:
    """Turn images into URLs; give the payload and what a result keeps of it."""
    fal = model.provider
    recognised = [
        (
            path,
            input_image(
                place.at(what.payload, path), option=place.dotted(path), fal=fal
            ),
        )
        for path in what.files
    ]
    payload, kept = place.copied(what.payload), place.copied(what.payload)
    references = []
    for path, image in recognised:
        sent = yield from send(image, fal, check=_file_check(model, path))
        place.put(payload, path, sent.url)
        reference = sent.reference
        place.put(kept, path, reference.url or f"sha256:{reference.sha256}")
        references.append(reference)
    known = {
        "options": kept,
        "warnings": what.warnings,
        "inputs": tuple(references),
    }
    return payload, known


def _file_check(model: FalImageModel, path: Path) -> Callable[[int, ImageType], None]:
    def check(size: int, kind: ImageType) -> None:
        fault = model.check_options and check_file(
            model.endpoint,
            path,
            size=size,
            mime_type=kind.mime_type,
            width=kind.width,
            height=kind.height,
            has_alpha=kind.has_alpha,
        )
        if fault:
            raise FalOptionError.of((fault,), model=model.model)

    return check


def _request(
    queued: QueuedRequest, fal: FalProvider, known: Mapping[str, Any]
) -> FalRequest:
    return FalRequest.of(
        queued, fal=fal, options=known["options"], inputs=known["inputs"]
    )
