"""Decompress the body of a response in small pieces."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from langchain_fal_image._formats.hidden import HiddenBytes
from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.wire.effects import BadEncoding, ReplyLost, TooLarge

__all__ = ["Decompressor"]

_PIECE_BYTES = 256 * 1024
_GZIP = zlib.MAX_WBITS | 16


class Decompressor:
    """Decompresses gzip, the only content encoding that requests accept.

    Args:
        encoding: The header `content-encoding`; empty for a plain body.
        max_bytes: The largest body, before and after decompression.

    Raises:
        BadEncoding: The encoding is another one, or there are several.
    """

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        names = [each.strip().lower() for each in encoding.split(",")]
        names = [each for each in names if each not in {"", "identity"}]
        if names not in ([], ["gzip"], ["x-gzip"]):
            message = f"its content encoding {safe_repr(encoding)} was not requested"
            raise BadEncoding(message)
        self._inflate = zlib.decompressobj(_GZIP) if names else None
        self._max_bytes = max_bytes
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the decompressed bytes of a chunk, in pieces of bounded size.

        Raises:
            TooLarge: More than `max_bytes` have arrived.
            ReplyLost: It is not gzip.
        """
        if self._inflate is None:
            yield chunk
            return
        self._size += len(chunk)
        if self._size > self._max_bytes:
            message = f"more than {self._max_bytes} bytes"
            raise TooLarge(message)
        try:
            while chunk and not self._inflate.eof:
                if piece := self._inflate.decompress(chunk, _PIECE_BYTES):
                    yield HiddenBytes(piece)
                chunk = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise ReplyLost.from_error(error) from error

    def finish(self) -> bytes:
        """Return the last bytes.

        Raises:
            ReplyLost: The compressed body is incomplete.
        """
        if self._inflate is None or not self._size:
            return b""
        rest = self._inflate.flush()
        if not self._inflate.eof:
            message = "its compressed body is incomplete"
            raise ReplyLost(message)
        return rest
