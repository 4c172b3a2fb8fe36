"""The error classes.

```
FalError                      (LangChain: ModelError)
├── FalConfigurationError     a missing key or a wrong setting
├── FalOptionError            invalid options; nothing was sent (ValueError)
├── FalInputError             an unusable input file; nothing was sent (ValueError)
│   ├── FalInputImageError      an image
│   └── FalInputAudioError      audio
├── FalRequestError           fal rejected the request, or it failed
│   ├── FalAuthError            401, 403
│   ├── FalInvalidInputError    400, 422: fal rejected the input
│   ├── FalModerationError      the content checker refused
│   ├── FalRateLimitError       429
│   ├── FalServerError          5xx
│   └── FalConnectionError      no connection was opened
├── FalSubmitUncertainError   the submit was sent, its response was lost
├── FalTimeoutError           waited too long; fal may still finish (TimeoutError)
├── FalCancelledError         the request was cancelled at fal
├── FalDownloadError          a generated file could not be downloaded
├── FalResponseError          fal's response cannot be used
├── FalBudgetExceededError    the budget does not allow it; nothing was sent
├── FalJournalError           a durable batch's journal cannot be read or written
└── FalWebhookError           a webhook is not from fal, too old or unreadable
```

On each error, `charged` says whether the request was charged, `next_step` what to
do, and `is_retryable` whether the same call can safely run again. LangChain's retry
middleware reads `is_retryable`. It is False if fal may have accepted the request: a
second run would be charged again. All errors can be pickled.
"""

from __future__ import annotations

import copyreg
from dataclasses import dataclass
from typing import Any, Literal

from langchain_core import exceptions as _langchain

__all__ = [
    "Charged",
    "FalAuthError",
    "FalBudgetExceededError",
    "FalCancelledError",
    "FalConfigurationError",
    "FalConnectionError",
    "FalDownloadError",
    "FalError",
    "FalInputAudioError",
    "FalInputError",
    "FalInputImageError",
    "FalInvalidInputError",
    "FalJournalError",
    "FalModerationError",
    "FalOptionError",
    "FalRateLimitError",
    "FalRequestError",
    "FalResponseError",
    "FalServerError",
    "FalSubmitUncertainError",
    "FalTimeoutError",
    "FalWebhookError",
    "OptionFault",
]

Charged = Literal["no", "maybe", "yes"]

# langchain-core has this class since 1.7.5.
_ModelRefusalError: type[_langchain.ModelError] = getattr(
    _langchain, "ModelRefusalError", _langchain.ModelInvalidRequestError
)


class FalError(_langchain.ModelError):
    """Base of all errors of this package.

    Args:
        message: What went wrong, in one sentence.
        model: The endpoint id, such as `fal-ai/qwen-image`.
        request_id: fal's request id, if there is one.
        request: The request to resume, if fal accepted one: a `FalRequest` on every
            error that a public method raises.
        charged: Whether the request was charged: `"no"`, `"maybe"` or `"yes"`.
        is_retryable: Whether running the same call again is safe and may help.
        next_step: What to do, in one sentence.
    """

    charged: Charged = "no"
    next_step: str = ""

    def __init__(
        self,
        message: str,
        *,
        model: str | None = None,
        request_id: str | None = None,
        request: Any = None,
        charged: Charged | None = None,
        is_retryable: bool = False,
        next_step: str | None = None,
    ) -> None:
        # Some LangChain bases require more arguments, so skip their initialisers.
        Exception.__init__(self, message)
        self.message = message
        self.model = model
        self.request = request
        self.request_id = request_id or getattr(request, "request_id", None)
        self.is_retryable = is_retryable
        self.charged = charged or self.charged
        self.next_step = self.next_step if next_step is None else next_step

    def __str__(self) -> str:
        """Return the message and the next step."""
        between = "" if self.message.endswith("\n") else " "
        return f"{self.message}{between}{self.next_step}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the class, message and attributes, without calling `__init__`."""
        return copyreg.__newobj__, (type(self), self.message), self.__dict__.copy()  # type: ignore[attr-defined]  # missing in typeshed


class FalConfigurationError(FalError):
    """A setting is missing or wrong; only the developer can fix it."""


@dataclass(frozen=True, slots=True)
class OptionFault:
    """One problem with one option.

    Attributes:
        option: fal's name of the option, with its path if nested (`loras[0].scale`).
        value: A short representation of it, without bytes; empty if it is private.
        problem: What is wrong with it.
        allowed: A description of the allowed values; empty if unknown.
        nearest: The name or value that was probably meant.
    """

    option: str
    value: str
    problem: str
    allowed: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        """Return the problem as one sentence."""
        text = f"{'='.join(filter(None, (self.option, self.value)))} {self.problem}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        return text


class FalOptionError(FalError, _langchain.ModelInvalidRequestError, ValueError):
    """Options that the endpoint does not accept; nothing was sent.

    Attributes:
        faults: All problems that were found, not only the first.
    """

    next_step = "Fix the named options and call again; nothing was sent to fal."

    def __init__(
        self, message: str, *, faults: tuple[OptionFault, ...] = (), **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.faults = faults

    @classmethod
    def from_faults(
        cls,
        faults: tuple[OptionFault, ...],
        *,
        model: str | None,
        warnings: tuple[str, ...] = (),
    ) -> FalOptionError:
        """Create one error that lists every fault.

        Args:
            faults: At least one.
            model: The endpoint id.
            warnings: What else was found.
        """
        where = f" for {model}" if model else ""
        if len(faults) == 1:
            end = "" if faults[0].nearest else "."
            message = f"Wrong option{where}: {faults[0]}{end}"
        else:
            lines = "".join(f"\n- {fault}" for fault in faults)
            message = f"{len(faults)} wrong options{where}:{lines}\n"
        if warnings:
            message = f"{message.rstrip()}\nAlso: {' '.join(warnings)}\n"
        return cls(message, faults=faults, model=model)


class FalInputError(FalError, _langchain.ModelInvalidRequestError, ValueError):
    """An input file that cannot be used; nothing was sent."""

    next_step = "Use another file and call again; nothing was sent to fal."


class FalInputImageError(FalInputError):
    """An input image that cannot be used; nothing was sent."""

    next_step = "Use another image and call again; nothing was sent to fal."


class FalInputAudioError(FalInputError):
    """Input audio that cannot be used; nothing was sent."""

    next_step = "Use other audio and call again; nothing was sent to fal."


class FalRequestError(FalError):
    """fal rejected the request, or the request failed.

    Attributes:
        status_code: The HTTP status, if there was a response.
        error_type: fal's error type, such as `image_load_error`.
        body: The response body, parsed if it is JSON, without image bytes.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        error_type: str | None = None,
        body: Any = None,
        **details: Any,
    ) -> None:
        super().__init__(message, **details)
        self.status_code = status_code
        self.error_type = error_type
        self.body = body


class FalAuthError(FalRequestError, _langchain.ModelAuthenticationError):
    """fal rejected the key, or the key lacks a permission (401, 403)."""

    next_step = (
        "Check the fal key (FAL_API_KEY or FAL_KEY) and the account's balance; "
        "calling again does not help."
    )


class FalInvalidInputError(FalRequestError, _langchain.ModelInvalidRequestError):
    """fal rejected the input (400, 422); fal may charge for a 422."""

    next_step = "Change the input as the message says; the same input fails again."


class FalModerationError(FalRequestError, _ModelRefusalError):  # type: ignore[valid-type,misc]  # the base depends on the installed version
    """The content checker refused the prompt, an input image or the output."""

    next_step = "Change the prompt or the input; the same ones are refused again."
    raw_message: Any = None  # an attribute of ModelRefusalError


class FalRateLimitError(FalRequestError, _langchain.ModelRateLimitError):
    """Too many requests (429); fal did not accept this one."""

    next_step = "Wait a little, then call again; nothing was charged."


class FalServerError(FalRequestError, _langchain.ModelAPIError):
    """fal failed (5xx); not charged (docs.fal.ai/model-endpoints/reliability)."""

    next_step = "The failure is at fal, not in the input; it may work later."


class FalConnectionError(FalRequestError, _langchain.ModelConnectionError):
    """No connection to fal was opened; nothing was sent."""

    next_step = "Check the network, the proxy and base_url, then call again."


class FalSubmitUncertainError(FalError, _langchain.ModelConnectionError):
    """A submit was sent and its response was lost; fal may have accepted it.

    A second submit could be a second charge, so this package never sends one.
    """

    charged: Charged = "maybe"
    next_step = (
        "Check the request list on fal's dashboard before you run it again: "
        "a second run may be a second charge."
    )


class FalTimeoutError(FalError, _langchain.ModelTimeoutError, TimeoutError):
    """The result did not arrive in time; the request may still finish.

    `error.request.result()` waits again.
    """

    charged: Charged = "maybe"
    next_step = (
        "Resume the request with error.request.result(); do not submit it again, "
        "that would be a second charge."
    )


class FalCancelledError(FalError):
    """The request was cancelled; a running one may still finish and be charged."""

    charged: Charged = "maybe"
    next_step = "Submit it again if you still need it."


class FalDownloadError(FalError):
    """A generated file could not be downloaded; it was charged, so keep its URL."""

    charged: Charged = "yes"
    next_step = "Read it again later or open its URL; do not generate it again."


class FalResponseError(FalError):
    """fal's response cannot be used.

    Attributes:
        body: The response body, without image bytes.
    """

    charged: Charged = "maybe"
    next_step = "See error.body; fetching the result again by request id is free."

    def __init__(self, message: str, *, body: Any = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.body = body


class FalBudgetExceededError(FalError):
    """The request would exceed the budget; nothing was sent."""

    next_step = "Stop here, or ask for a larger budget."


class FalJournalError(FalError):
    """The journal of a durable batch cannot be read or written.

    `request` is the accepted request that could not be written to it, if there is one.
    """


class FalWebhookError(FalError):
    """A webhook is not from fal, too old or unreadable."""

    next_step = "Respond with an error status and ignore it."
