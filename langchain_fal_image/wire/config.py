"""Settings of the protocol: hosts, timeouts, sizes, polling, retries.

Times are in seconds, sizes in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from langchain_fal_image.errors import FalConfigurationError

__all__ = ["Hosts", "Limits", "Polling", "Retry", "Timeouts"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Base URLs of fal's services, without a slash at the end.

    The defaults are those of fal_client/client.py and of docs.fal.ai.

    Attributes:
        queue: Accepts submits and reports their status.
        run: Runs a request while the caller waits.
        rest: Accepts uploads.
        platform: Lists models and prices.
        openapi: Serves the OpenAPI documents of endpoints; requested without the key.
    """

    queue: str = "https://queue.fal.run"
    run: str = "https://fal.run"
    rest: str = "https://rest.fal.ai"
    platform: str = "https://api.fal.ai/v1"
    openapi: str = "https://fal.ai/api/openapi/queue/openapi.json"

    @classmethod
    def sandbox(cls, url: str) -> Hosts:
        """Return the base URLs of a sandbox.

        Args:
            url: The sandbox's own URL.
        """
        return cls(
            queue=f"{url}/queue",
            run=f"{url}/run",
            rest=f"{url}/rest",
            platform=f"{url}/platform",
            openapi=f"{url}/openapi.json",
        )

    def urls(self) -> tuple[str, ...]:
        """Return all base URLs."""
        return tuple(getattr(self, each.name) for each in fields(self))

    def api_urls(self) -> tuple[str, ...]:
        """Return the base URLs that receive the key."""
        return (self.queue, self.run, self.rest, self.platform)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Timeouts in seconds.

    Attributes:
        total: One generation, from the submit to its result. Also the longest time of
            every other call, such as a status, a download or a step of an upload.
        connect: Opening a connection.
        read: The response to an ordinary call.
        submit: The response to a submit.
        submit_grace: The minimum for the response to a submit, even if `total` leaves
            less. Without that response, a request could be paid for and lost.
        stream_silence: Silence on the status stream. fal sends a comment every
            15 seconds.
        download: The next bytes of a download.
        upload: The response to an upload.
        cancel: The response to a cancel.

    Raises:
        FalConfigurationError: A value is not a number above 0.
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
        _check_above_zero(self, *_names(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How a request's status is polled while its status stream is not available.

    Attributes:
        first_pause: The first pause between two polls, in seconds.
        factor: Each further pause is this many times longer.
        longest_pause: The longest pause, in seconds.
        stream_attempts: How often to open the status stream before only polling; 0
            never opens it.

    Raises:
        FalConfigurationError: A value is out of its range.
    """

    first_pause: float = 0.25
    factor: float = 1.5
    longest_pause: float = 5.0
    stream_attempts: int = 4

    def __post_init__(self) -> None:
        _check_above_zero(self, "first_pause", "longest_pause")
        _check(self, "factor", "a number of at least 1", lambda value: value >= 1)
        _check_count(self, "stream_attempts", least=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Retries of failed HTTP exchanges: how often, and after which pauses.

    The pause doubles (`factor`) from `first_pause` to `longest_pause`; part of it is
    random (`jitter`), so that many clients do not retry at the same moment. A
    `Retry-After` header of the response replaces the pause. Retries end at
    `Timeouts.total`.

    A submit is only sent again if fal certainly did not accept it: no connection
    could be opened, or the response was 429.

    Attributes:
        attempts: How often status, result, cancel, upload and download requests are
            sent, the first time included.
        submit_attempts: How often a submit is sent, the first time included.
        first_pause: The pause after the first attempt, in seconds.
        factor: Each further pause is this many times longer.
        longest_pause: The longest pause, in seconds; `Retry-After` may be longer.
        jitter: The random part of a pause, from 0 (none) to 1 (all of it).
        longest_retry_after: The longest `Retry-After` that a call without a deadline
            waits for, in seconds: `FalRequest.status()`, `.cancel()` and uploads.

    Raises:
        FalConfigurationError: A value is out of its range.
    """

    attempts: int = 5
    submit_attempts: int = 4
    first_pause: float = 0.5
    factor: float = 2.0
    longest_pause: float = 20.0
    jitter: float = 0.5
    longest_retry_after: float = 60.0

    def __post_init__(self) -> None:
        _check_count(self, "attempts", least=1)
        _check_count(self, "submit_attempts", least=1)
        _check_above_zero(self, "longest_retry_after")
        for name in ("first_pause", "longest_pause"):
            _check(self, name, "a number of at least 0", lambda value: value >= 0)
        _check(self, "factor", "a number of at least 1", lambda value: value >= 1)
        _check(self, "jitter", "a number from 0 to 1", lambda value: 0 <= value <= 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes, in bytes unless stated otherwise.

    Attributes:
        inline_bytes: Input files up to this size are sent as data URIs inside the
            request; larger ones are uploaded first.
        multipart_bytes: Uploads above this size are sent in parts.
        part_bytes: The size of a part.
        upload_bytes: The largest input file.
        download_bytes: The largest download.
        answer_bytes: The largest JSON response; `sync_mode` puts images into it.
        image_pixels: The largest image that is decoded, in pixels.

    Raises:
        FalConfigurationError: A value is not a number above 0.
    """

    inline_bytes: int = MIB
    multipart_bytes: int = 90 * MIB  # as libs/client/src/storage.ts of fal-js
    part_bytes: int = 10 * MIB  # as in the same file
    upload_bytes: int = 512 * MIB
    download_bytes: int = 256 * MIB
    answer_bytes: int = 256 * MIB
    image_pixels: int = 100_000_000

    def __post_init__(self) -> None:
        _check_above_zero(self, *_names(self))


def _names(settings: Timeouts | Limits) -> tuple[str, ...]:
    return tuple(each.name for each in fields(settings))


def _check_above_zero(settings: object, *names: str) -> None:
    for name in names:
        _check(settings, name, "a number above 0", lambda value: value > 0)


def _check_count(settings: object, name: str, *, least: int) -> None:
    _check(
        settings,
        name,
        f"a whole number of at least {least}",
        lambda value: isinstance(value, int) and value >= least,
    )


def _check(
    settings: object, name: str, allowed: str, is_allowed: Callable[[float], bool]
) -> None:
    value = getattr(settings, name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and is_allowed(value):
        return
    message = f"{type(settings).__name__}({name}={value!r}): {name} must be {allowed}."
    raise FalConfigurationError(message, next_step=f"Set {name} to {allowed}.")
