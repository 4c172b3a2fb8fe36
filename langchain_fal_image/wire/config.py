"""Every host, time and size that the wire uses, in one place.

Times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from langchain_fal_image.errors import FalConfigurationError

__all__ = ["Hosts", "Limits", "Polling", "Timeouts"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Where fal is spoken to, each without a slash at its end.

    Attributes:
        queue: Takes submits and knows their state.
        run: Runs a request while the caller waits.
        rest: Takes uploads.
        platform: Knows models and prices.
        openapi: Serves fal's documents of endpoints; asked without the key.
    """

    queue: str = "https://queue.fal.run"
    run: str = "https://fal.run"
    rest: str = "https://rest.fal.ai"
    platform: str = "https://api.fal.ai/v1"
    openapi: str = "https://fal.ai/api/openapi/queue/openapi.json"

    @classmethod
    def sandbox(cls, url: str) -> Hosts:
        """Give those of a sandbox.

        Args:
            url: Where it serves.
        """
        return cls(
            queue=f"{url}/queue",
            run=f"{url}/run",
            rest=f"{url}/rest",
            platform=f"{url}/platform",
            openapi=f"{url}/openapi.json",
        )

    def urls(self) -> tuple[str, ...]:
        """Give all of them."""
        return tuple(getattr(self, each.name) for each in fields(self))

    def api_urls(self) -> tuple[str, ...]:
        """Give those that get the key."""
        return (self.queue, self.run, self.rest, self.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        total: For one generation, from the submit to its result. Only the answer to
            a submit is waited for a little longer (`submit_grace`): without it the
            request could be paid for and lost.
        connect: For a connection to open.
        read: For the answer to an ordinary call.
        submit: For the answer to a submit.
        submit_grace: For the answer to a submit where `total` leaves less.
        stream_silence: Without a sign of life on the status stream, which sends one
            every 15 seconds.
        download: For the next bytes of a download.
        upload: For the answer to an upload.
        cancel: For the answer to a cancel.

    Raises:
        FalConfigurationError: One of them is not above 0.
    """

    total: float = 600.0
    connect: float = 10.0
    read: float = 60.0
    submit: float = 120.0
    submit_grace: float = 5.0
    stream_silence: float = 40.0
    download: float = 120.0
    upload: float = 300.0
    cancel: float = 2.0

    def __post_init__(self) -> None:
        _above_zero(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How often the state is asked for where the status stream cannot be had.

    Attributes:
        first: The first pause, in seconds.
        factor: By what each further pause is longer.
        longest: The longest pause, in seconds.
        streams: How often the stream is tried before only polling is left.
    """

    first: float = 0.25
    factor: float = 1.5
    longest: float = 5.0
    streams: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes, in bytes where nothing else is said.

    Attributes:
        inline_bytes: Input images up to this size go along as data URIs, larger ones
            are uploaded first.
        multipart_bytes: Uploads above this size go in parts.
        part_bytes: The size of a part.
        upload_bytes: The largest input image.
        download_bytes: The largest download.
        answer_bytes: The largest JSON answer; `sync_mode` puts images into it.
        image_pixels: The largest picture that is decoded, in pixels.

    Raises:
        FalConfigurationError: One of them is not above 0.
    """

    inline_bytes: int = MIB
    multipart_bytes: int = 90 * MIB
    part_bytes: int = 10 * MIB
    upload_bytes: int = 512 * MIB
    download_bytes: int = 256 * MIB
    answer_bytes: int = 256 * MIB
    image_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        _above_zero(self)


def _above_zero(settings: Timeouts | Limits) -> None:
    for each in fields(settings):
        value = getattr(settings, each.name)
        if not isinstance(value, int | float) or not value > 0:
            message = f"{type(settings).__name__}.{each.name}={value!r} is not above 0."
            raise FalConfigurationError(message, next_step="Give a positive number.")
