"""Everything that can go wrong, in one tree.

```
FalError                      (LangChain: ModelError)
├── FalConfigurationError     no key, a bad setting: a person must mend it
├── FalOptionError            options refused before any request (ValueError)
├── FalInputError             an input file refused before any request (ValueError)
│   ├── FalInputImageError      an image
│   └── FalInputAudioError      audio
├── FalRequestError           fal, or the way to it, refused or failed
│   ├── FalAuthError            401, 403
│   ├── FalInvalidInputError    400, 422: fal did not take the input
│   ├── FalModerationError      the content checker said no
│   ├── FalRateLimitError       429
│   ├── FalServerError          5xx
│   └── FalConnectionError      no connection could be opened
├── FalSubmitUncertainError   the submit went out, its answer was lost
├── FalTimeoutError           the wait ended, fal may still finish (TimeoutError)
├── FalCancelledError         the request was cancelled at fal
├── FalDownloadError          a file could not be read; do not generate it again
├── FalResponseError          fal answered something that cannot be used
├── FalBudgetExceededError    the budget refused it before any request
├── FalJournalError           a durable batch's journal cannot be used or written
└── FalWebhookError           a webhook is not fal's, too old, or cannot be read
```

Each error says in `charged` whether the request was or may have been paid for,
in `next_step` what to do, and in `is_retryable` whether running the very same
call again is safe. LangChain's retry middleware reads `is_retryable`; here it is
False as soon as fal may have accepted a job, because a second run is a second
charge.

Messages never hold the API key or image bytes, and every error can be pickled.
"""

from __future__ import annotations

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

# langchain-core has this class from 1.7.5 on.
_ModelRefusalError: type[_langchain.ModelError] = getattr(
    _langchain, "ModelRefusalError", _langchain.ModelInvalidRequestError
)


class FalError(_langchain.ModelError):
    """Base of all errors of this package.

    Args:
        message: What went wrong, in a sentence.
        model: The endpoint id, such as `fal-ai/qwen-image`.
        request_id: fal's id of the request, where there is one.
        request: The request to take up again, where fal accepted one. Its class is
            `FalRequest` once the error has left the provider.
        charged: Whether the request was paid for: `"no"`, `"maybe"` or `"yes"`.
        is_retryable: Whether running the same call again is safe and may help.
        next_step: What to do about it, in a sentence.
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
        # Exception's own initialiser: some LangChain bases ask for more arguments.
        Exception.__init__(self, message)
        self.message = message
        self.model = model
        self.request = request
        self.request_id = request_id or getattr(request, "request_id", None)
        self.is_retryable = is_retryable
        if charged is not None:
            self.charged = charged
        if next_step is not None:
            self.next_step = next_step

    def __str__(self) -> str:
        """Give the message and what to do about it."""
        between = "" if self.message.endswith("\n") else " "
        return f"{self.message}{between}{self.next_step}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by class, message and attributes; arguments are keyword-only."""
        return _restore, (type(self), self.message, self.__dict__.copy())


def _restore(cls: type[FalError], message: str, attributes: dict[str, Any]) -> FalError:
    error = cls.__new__(cls, message)
    error.args = (message,)
    error.__dict__.update(attributes)
    return error


class FalConfigurationError(FalError):
    """A setting is missing or wrong; only the developer can mend it."""


@dataclass(frozen=True, slots=True)
class OptionFault:
    """One thing wrong with one option.

    Attributes:
        option: fal's name of the option, with its place where nested
            (`loras[0].scale`).
        value: The value that was given, as `safe_repr` shows it.
        problem: What is wrong with it.
        allowed: What is allowed, in words; empty where nothing can be said.
        nearest: The name or value that was probably meant.
    """

    option: str
    value: str
    problem: str
    allowed: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        """Give the fault in one sentence."""
        text = f"{self.option}={self.value} {self.problem}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.nearest:
            text += f"; did you mean {self.nearest!r}?"
        return text


class FalOptionError(FalError, _langchain.ModelInvalidRequestError, ValueError):
    """Options that the endpoint does not take; nothing was sent.

    Attributes:
        faults: Every fault that was found, not only the first.
    """

    next_step = "Correct the named options and call again; nothing was sent to fal."

    def __init__(
        self,
        message: str,
        *,
        faults: tuple[OptionFault, ...] = (),
        model: str | None = None,
        next_step: str | None = None,
    ) -> None:
        super().__init__(message, model=model, next_step=next_step)
        self.faults = faults

    @classmethod
    def of(
        cls,
        faults: tuple[OptionFault, ...],
        *,
        model: str | None,
        warnings: tuple[str, ...] = (),
    ) -> FalOptionError:
        """Make one error that names every fault, and what else was noticed.

        Args:
            faults: At least one.
            model: The endpoint id.
            warnings: What would have been warned of, such as a likely typo.
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

    next_step = "Give another file and call again; nothing was sent to fal."


class FalInputImageError(FalInputError):
    """An input image that cannot be used; nothing was sent."""

    next_step = "Give another image and call again; nothing was sent to fal."


class FalInputAudioError(FalInputError):
    """Input audio that cannot be used; nothing was sent."""

    next_step = "Give other audio and call again; nothing was sent to fal."


class FalRequestError(FalError):
    """fal, or the way to it, refused or failed.

    Attributes:
        status_code: The HTTP status, where there was an answer.
        error_type: fal's own word for the error, such as `image_load_error`.
        body: fal's answer, parsed where it was JSON; no image bytes.
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
    """fal did not accept the key, or the key may not do this (401, 403)."""

    next_step = (
        "A person must check the fal key (FAL_API_KEY or FAL_KEY) and the "
        "account's balance; calling again will not help."
    )


class FalInvalidInputError(FalRequestError, _langchain.ModelInvalidRequestError):
    """fal refused the input (400, 422); a 422 may be charged if compute was used."""

    next_step = "Change the input as the message says; the same input will fail again."


class FalModerationError(FalRequestError, _ModelRefusalError):  # type: ignore[valid-type,misc]  # the base depends on the installed version
    """The content checker refused the prompt, an input image or the output."""

    next_step = "Change the prompt or the input; the same one will be refused again."
    raw_message: Any = None


class FalRateLimitError(FalRequestError, _langchain.ModelRateLimitError):
    """Too many requests (429); this one was not accepted."""

    next_step = "Wait a little, then call again; nothing was charged."


class FalServerError(FalRequestError, _langchain.ModelAPIError):
    """fal failed (5xx); fal does not charge for these."""

    next_step = "This is fal's fault, not the input's; it may work later."


class FalConnectionError(FalRequestError, _langchain.ModelConnectionError):
    """No connection to fal could be opened; nothing was sent."""

    next_step = "Check the network, the proxy and base_url, then call again."


class FalSubmitUncertainError(FalError, _langchain.ModelConnectionError):
    """A submit went out and its answer was lost: fal may or may not have taken it.

    Sending it again could be a second charge, so this package never does.
    """

    charged: Charged = "maybe"
    next_step = (
        "Look at the request list on fal's dashboard before you run it again: "
        "a second run may be a second charge."
    )


class FalTimeoutError(FalError, _langchain.ModelTimeoutError, TimeoutError):
    """The wait ended before fal was done; the request itself may still finish.

    Attributes:
        request: The `FalRequest`: `error.request.result()` waits for it again,
            at no further charge.
    """

    charged: Charged = "maybe"
    next_step = (
        "Take the request up again with error.request.result(); do not submit it "
        "anew, that would be a second charge."
    )


class FalCancelledError(FalError):
    """The request was cancelled at fal; it may have been charged if it had begun."""

    charged: Charged = "maybe"
    next_step = "Submit it again if it is still wanted."


class FalDownloadError(FalError):
    """A finished file could not be read; it was paid for, and is not made again."""

    charged: Charged = "yes"
    next_step = "Read it again later, or open its URL; do not generate it again."


class FalResponseError(FalError):
    """fal answered something that cannot be used.

    Attributes:
        body: What fal answered, without image bytes.
    """

    charged: Charged = "maybe"
    next_step = "Look at error.body; fetching the result again by its id is free."

    def __init__(self, message: str, *, body: Any = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.body = body


class FalBudgetExceededError(FalError):
    """The budget does not allow the request; nothing was sent."""

    next_step = "Ask a person for a larger budget, or stop here."


class FalJournalError(FalError):
    """The journal of a durable batch cannot be used or written.

    What fal had accepted is not lost: it stands in the journal, and where the journal
    could not be written, in `request`.
    """


class FalWebhookError(FalError):
    """A webhook is not fal's, too old, or cannot be read; nothing was done."""

    next_step = "Answer it with an error status and do nothing."
