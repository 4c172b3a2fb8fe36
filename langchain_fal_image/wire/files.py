"""Uploading input files and downloading results, as flows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO
from urllib.parse import urljoin, urlsplit, urlunsplit

from langchain_fal_image._formats.safe_repr import redact
from langchain_fal_image.errors import FalDownloadError, FalError, FalResponseError
from langchain_fal_image.wire import guard
from langchain_fal_image.wire.bodies import Body, BytesSource, Source
from langchain_fal_image.wire.context import Context, exchange
from langchain_fal_image.wire.effects import (
    Flow,
    Gather,
    HttpRequest,
    HttpResponse,
    NotSent,
    TooLarge,
    TransportFailure,
)
from langchain_fal_image.wire.error_responses import (
    build_error,
    compact,
    detail_of,
    unreadable,
)
from langchain_fal_image.wire.retry import REPEATABLE

__all__ = ["DownloadedFile", "download", "upload"]

_MOST_REDIRECTS = 5
_LONGEST_URL = 300
_PARTS_AT_ONCE = 4
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STORAGE = "storage_type=fal-cdn-v3"


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that was read.

    Attributes:
        content: Its bytes; empty where they went into a file.
        content_type: What the server says it is, without parameters.
    """

    content: bytes = field(repr=False)
    content_type: str | None


def download(
    ctx: Context, url: str, *, into: BinaryIO | None = None
) -> Flow[DownloadedFile]:
    """Read a file that may lie anywhere; the key never goes along.

    Args:
        ctx: See `Context`.
        url: Each redirect is checked as this is.
        into: An open file that takes the bytes as they come.

    Raises:
        FalDownloadError: It cannot be had.
    """
    deadline = ctx.deadline()
    for _ in range(_MOST_REDIRECTS + 1):
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
                ctx, request, REPEATABLE, deadline=deadline, into=into
            )
        except guard.AccessRefused as error:
            message = f"{_named(url)} is not read: {error}."
            raise FalDownloadError(
                message, next_step="If this address is yours, configure it as base_url."
            ) from error
        except TooLarge as error:
            message = f"{_named(url)} is larger than {ctx.limits.download_bytes} bytes."
            raise FalDownloadError(
                message, next_step="Raise limits.download_bytes if that is right."
            ) from error
        except TransportFailure as error:
            message = f"{_named(url)} could not be read: {error}."
            raise FalDownloadError(message, is_retryable=False) from error
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location:
            break
        url = _joined(url, location)
    else:
        message = f"{_named(url)}: more than {_MOST_REDIRECTS} redirects."
        raise FalDownloadError(message)
    if not response.ok:
        gone = " It has expired or never was there." if response.status == 404 else ""  # noqa: PLR2004 - HTTP's
        message = f"{_named(url)} answered {response.status}.{gone}"
        raise FalDownloadError(message)
    content_type = response.headers.get("content-type", "").partition(";")[0].strip()
    return DownloadedFile(response.body, content_type or None)


def _named(url: str) -> str:
    url = redact(url)
    return url if len(url) <= _LONGEST_URL else f"{url[:_LONGEST_URL]}…"


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        message = f"{_named(url)} redirects to something that is no URL."
        raise FalDownloadError(message) from error


def upload(
    ctx: Context, content: bytes | Source, *, content_type: str, file_name: str
) -> Flow[str]:
    """Put a file into fal's storage, in parts where it is large.

    Uploaded files are public to all who know the URL.

    Args:
        ctx: See `Context`.
        content: The file; a source is read while it is sent.
        content_type: Its MIME type.
        file_name: Its name there.

    Returns:
        Its URL.

    Raises:
        FalError: It could not be uploaded; nothing was generated or charged.
    """
    # A name that a file system gave may hold what is no text.
    name = file_name.encode("utf-8", "replace").decode()
    source = BytesSource(content) if isinstance(content, bytes) else content
    size = source.size
    in_parts = size > ctx.limits.multipart_bytes
    kind = "initiate-multipart" if in_parts else "initiate"
    begun = yield from _exchanged(
        ctx,
        ctx.build_request(
            "POST",
            f"{ctx.hosts.rest}/storage/upload/{kind}?{_STORAGE}",
            headers={"content-type": "application/json"},
            content=compact({"file_name": name, "content_type": content_type}),
        ),
    )
    answer = _read(begun, "upload_url", "file_url")
    try:
        guard.check_url(answer["upload_url"], trusted=ctx.trusted_origins)
    except guard.AccessRefused as error:
        raise _unusable(error) from error
    put = HttpRequest(
        method="PUT",
        url=answer["upload_url"],
        headers={"content-type": content_type},
        read_timeout=ctx.timeouts.upload,
        max_bytes=ctx.limits.answer_bytes,
        client="media",
    )
    if in_parts:
        yield from _put_parts(ctx, put, source, size)
    else:
        yield from _exchanged(ctx, replace(put, content=Body(source, 0, size)))
    return answer["file_url"]


def _put_parts(ctx: Context, put: HttpRequest, source: Source, size: int) -> Flow[None]:
    length = ctx.limits.part_bytes
    parts = yield Gather(
        [
            _put_part(ctx, put, number, Body(source, start, min(length, size - start)))
            for number, start in enumerate(range(0, size, length), start=1)
        ],
        limit=_PARTS_AT_ONCE,
    )
    yield from _exchanged(
        ctx,
        replace(
            put,
            method="POST",
            url=_below(put.url, "complete"),
            headers={"content-type": "application/json"},
            content=compact({"parts": parts}),
        ),
    )


def _put_part(
    ctx: Context, put: HttpRequest, number: int, body: Body
) -> Flow[dict[str, Any]]:
    part = replace(put, url=_below(put.url, str(number)), content=body)
    response = yield from _exchanged(ctx, part)
    etag = response.headers.get("etag") or _read(response, "etag")["etag"]
    return {"partNumber": number, "etag": etag}


def _below(url: str, name: str) -> str:
    """Add a name to a URL's path; its query, which may be a signature, stays."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{name}"))


def _exchanged(ctx: Context, request: HttpRequest) -> Flow[HttpResponse]:
    try:
        response = yield from exchange(ctx, request, REPEATABLE)
    except guard.AccessRefused as error:
        raise _unusable(error) from error
    except TransportFailure as error:
        how = "no connection" if isinstance(error, NotSent) else str(error)
        message = f"The input file could not be uploaded: {how}. Nothing was generated."
        raise FalError(
            message, is_retryable=True, next_step="Check the network, then call again."
        ) from error
    if not response.ok:
        refused = build_error(response, model="upload of an input file")
        refused.charged = "no"  # nothing was generated yet
        raise refused
    return response


def _unusable(error: guard.AccessRefused) -> FalResponseError:
    message = f"fal named an upload address that is not used: {error}."
    return FalResponseError(
        message, charged="no", next_step="Give the file by URL instead."
    )


def _read(response: HttpResponse, *names: str) -> dict[str, str]:
    answer = response.json_or_none()
    if isinstance(answer, dict) and all(
        isinstance(answer.get(name), str) for name in names
    ):
        return answer
    message = f"fal's answer to the upload has no {' or '.join(names)}."
    raise FalResponseError(
        message,
        body=detail_of(answer) or unreadable(response.body),
        charged="no",
        next_step="Give the file by URL instead, or try again later.",
    )
