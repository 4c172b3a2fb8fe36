"""Uploads of input files and downloads of results, as flows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit, urlunsplit

from langchain_fal_image._formats.safe_repr import redact
from langchain_fal_image.errors import FalDownloadError, FalError, FalResponseError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import Body, BytesSource, Source
from langchain_fal_image.wire.context import Context
from langchain_fal_image.wire.effects import (
    Flow,
    Gather,
    HttpRequest,
    HttpResponse,
    NotSent,
    TooLarge,
    TransportFailure,
    encode_json,
)
from langchain_fal_image.wire.error_responses import (
    build_error,
    format_detail,
    quote_body,
)
from langchain_fal_image.wire.exchange import REPEATABLE, exchange

__all__ = ["DownloadedFile", "download", "upload"]

_MAX_REDIRECTS = 5
_MAX_URL_LENGTH = 300
_CONCURRENT_PARTS = 4
_SLOWEST_UPLOAD = 32 * 1024  # bytes per second, in addition to `Timeouts.total`
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_JSON = {"content-type": "application/json"}
# The upload requests follow libs/client/src/storage.ts of fal-js.
_STORAGE = "storage_type=fal-cdn-v3"


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A downloaded file.

    Attributes:
        content: Its bytes; empty if they were written into a file.
        content_type: The MIME type that the server reports, without parameters.
    """

    content: bytes = field(repr=False)
    content_type: str | None


def download(
    ctx: Context, url: str, *, into: BinaryIO | None = None
) -> Flow[DownloadedFile]:
    """Download a file from any host, without the key.

    Args:
        ctx: Settings and clock.
        url: The URL; it and each redirect are checked.
        into: An open file that receives the bytes as they arrive.

    Raises:
        FalDownloadError: The file cannot be downloaded.
    """
    deadline = ctx.start_deadline()
    for _ in range(_MAX_REDIRECTS + 1):
        request = HttpRequest(
            method="GET",
            url=url,
            read_timeout=ctx.timeouts.download,
            max_bytes=ctx.limits.download_bytes,
            client="media",
        )
        try:
            guard.check_url(url, trusted=ctx.trusted_origins)
            response = yield from exchange(
                ctx, request, rule=REPEATABLE, deadline=deadline, into=into
            )
        except guard.AccessRefused as error:
            message = f"{_shorten(url)} was not downloaded: {error}."
            raise FalDownloadError(
                message,
                next_step="If this is your own server, configure its URL as base_url.",
            ) from error
        except TooLarge as error:
            largest = ctx.limits.download_bytes
            message = f"{_shorten(url)} is larger than {largest} bytes."
            raise FalDownloadError(
                message, next_step="Raise limits.download_bytes to allow it."
            ) from error
        except TransportFailure as error:
            message = f"{_shorten(url)} could not be downloaded: {error}."
            raise FalDownloadError(message, is_retryable=False) from error
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location:
            break
        url = _resolve_redirect(url, location)
    else:
        message = f"{_shorten(url)}: more than {_MAX_REDIRECTS} redirects."
        raise FalDownloadError(message)
    if not response.is_success:
        is_missing = response.status == 404  # noqa: PLR2004 - HTTP status codes
        reason = " It has expired or never existed." if is_missing else ""
        message = f"{_shorten(url)} answered {response.status}.{reason}"
        raise FalDownloadError(message)
    content_type = response.headers.get("content-type", "").partition(";")[0].strip()
    return DownloadedFile(response.body, content_type or None)


def _shorten(url: str) -> str:
    url = redact(url)
    return url if len(url) <= _MAX_URL_LENGTH else f"{url[:_MAX_URL_LENGTH]}…"


def _resolve_redirect(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        message = f"{_shorten(url)} redirects to an invalid URL."
        raise FalDownloadError(message) from error


def upload(
    ctx: Context, content: bytes | Source, *, content_type: str, file_name: str
) -> Flow[str]:
    """Upload a file to fal's storage, a large one in parts.

    Everyone who knows the URL of an uploaded file can read it.

    Args:
        ctx: Settings and clock.
        content: The file; a source is read while it is sent.
        content_type: Its MIME type.
        file_name: Its name in the storage.

    Returns:
        Its URL.

    Raises:
        FalError: It could not be uploaded; nothing was generated or charged.
    """
    # A file name may contain bytes that are not valid text.
    name = file_name.encode("utf-8", "replace").decode()
    source = BytesSource(content) if isinstance(content, bytes) else content
    size = source.size
    in_parts = size > ctx.limits.multipart_bytes
    action = "initiate-multipart" if in_parts else "initiate"
    response = yield from _exchange(
        ctx,
        HttpRequest(
            method="POST",
            url=f"{ctx.hosts.rest}/storage/upload/{action}?{_STORAGE}",
            headers=_JSON,
            content=encode_json({"file_name": name, "content_type": content_type}),
            read_timeout=ctx.timeouts.read,
            max_bytes=ctx.limits.answer_bytes,
        ),
    )
    urls = _parse_fields(response, "upload_url", "file_url")
    try:
        guard.check_url(urls["upload_url"], trusted=ctx.trusted_origins)
    except guard.AccessRefused as error:
        raise _build_address_error(error) from error
    put = HttpRequest(
        method="PUT",
        url=urls["upload_url"],
        headers={"content-type": content_type},
        read_timeout=ctx.timeouts.upload,
        max_bytes=ctx.limits.answer_bytes,
        client="media",
    )
    if in_parts:
        yield from _put_parts(ctx, put, source, size)
    else:
        yield from _exchange(ctx, replace(put, content=Body(source, 0, size)))
    return urls["file_url"]


def _put_parts(ctx: Context, put: HttpRequest, source: Source, size: int) -> Flow[None]:
    length = ctx.limits.part_bytes
    parts = yield Gather(
        [
            _put_part(ctx, put, number, Body(source, start, min(length, size - start)))
            for number, start in enumerate(range(0, size, length), start=1)
        ],
        limit=_CONCURRENT_PARTS,
    )
    yield from _exchange(
        ctx,
        replace(
            put,
            method="POST",
            url=_append_path(put.url, "complete"),
            headers=_JSON,
            content=encode_json({"parts": parts}),
        ),
    )


def _put_part(
    ctx: Context, put: HttpRequest, number: int, body: Body
) -> Flow[dict[str, Any]]:
    part = replace(put, url=_append_path(put.url, str(number)), content=body)
    response = yield from _exchange(ctx, part)
    etag = response.headers.get("etag") or _parse_fields(response, "etag")["etag"]
    return {"partNumber": number, "etag": etag}


def _append_path(url: str, name: str) -> str:
    """Append a name to a URL's path and keep its query, which may be a signature."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _exchange(ctx: Context, request: HttpRequest) -> Flow[HttpResponse]:
    size = request.content.size if isinstance(request.content, Body) else 0
    seconds = ctx.timeouts.total + size / _SLOWEST_UPLOAD
    deadline = ctx.start_deadline(seconds)
    try:
        response = yield from exchange(ctx, request, rule=REPEATABLE, deadline=deadline)
    except guard.AccessRefused as error:
        raise _build_address_error(error) from error
    except TransportFailure as error:
        reason = "no connection" if isinstance(error, NotSent) else str(error)
        message = (
            f"The input file could not be uploaded: {reason}. Nothing was generated."
        )
        raise FalError(
            message, is_retryable=True, next_step="Check the network, then call again."
        ) from error
    if not response.is_success:
        refusal = build_error(response, model="upload of an input file")
        refusal.charged = "no"  # nothing has been generated
        raise refusal
    return response


def _build_address_error(error: guard.AccessRefused) -> FalResponseError:
    message = f"fal returned an upload URL that is not allowed: {error}."
    return FalResponseError(
        message, charged="no", next_step="Pass the file as a URL instead."
    )


def _parse_fields(response: HttpResponse, *names: str) -> dict[str, str]:
    body = response.json_or_none()
    if isinstance(body, dict) and all(
        isinstance(body.get(name), str) for name in names
    ):
        return body
    message = f"fal's response to the upload has no {' or '.join(names)}."
    raise FalResponseError(
        message,
        body=format_detail(body) or quote_body(response.body),
        charged="no",
        next_step="Pass the file as a URL instead, or try again later.",
    )
