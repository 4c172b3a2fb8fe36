"""What the runnables share: options gathered, one request made, its result given."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.runnables.config import merge_configs
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.models._events import aevents, events
from langchain_fal_image.models._input_schema import create_input_model
from langchain_fal_image.options.endpoint import EndpointSchema, Kind
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.provider import fal as default_fal
from langchain_fal_image.results._audio_base import AudioResult
from langchain_fal_image.results.file import GeneratedFile
from langchain_fal_image.results.image import ImageResult
from langchain_fal_image.wire.effects import Flow

if TYPE_CHECKING:
    from langchain_fal_image.options.resolve import ResolvedOptions
    from langchain_fal_image.results.request import FalRequest

__all__ = ["FalModel"]

R = TypeVar("R")

_SHORT = 64
_OPTION_TYPES = (
    *(str, bool, int, float, bytes, bytearray),
    *(GeneratedFile, ImageResult, AudioResult, os.PathLike),
)


class FalModel(RunnableSerializable[Any, R]):
    """What the runnables share.

    An argument that is no field is an option of the endpoint, in camelCase or
    snake_case: `FalTextToImage(guidance_scale=4)`. An option that bears the name of
    a field goes into `options`.
    """

    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
    )

    model: str
    """The endpoint id, such as `fal-ai/qwen-image`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options for every call; `bind`, the input and `providerOptions.fal` override."""
    fal: FalProvider | None = Field(default=None, exclude=True, repr=False)
    """The provider; None stands for the default instance."""
    mode: Literal["queue", "sync"] = "queue"
    """`queue` survives a dropped connection; `sync` is one POST that does not."""
    timeout: float | None = Field(default=None, gt=0)
    """The total time of one call in seconds; by default the provider's."""
    strict: bool = False
    """Refuse an option that the contract does not name, instead of warning."""
    check_options: bool = True
    """Check options against the endpoint's contract before anything is sent."""
    on_cancel: Literal["cancel", "keep"] = "cancel"
    """What happens at fal when the waiting call is cancelled or interrupted."""
    budget: Budget | None = Field(default=None, exclude=True, repr=False)
    """Refuses requests that would go over it, before they are sent."""

    kind: ClassVar[Kind]
    """What its endpoints make."""

    @model_validator(mode="before")
    @classmethod
    def _gather_options(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        settings = dict(given)
        options = dict(settings.get("options") or {})
        for name in [each for each in settings if each not in cls.model_fields]:
            if not _is_option_value(settings[name]):
                continue  # pydantic refuses it as an extra field
            value = settings.pop(name)
            if name in options and options[name] != value:
                message = (
                    f"{name} is given twice with different values: {safe_repr(value)} "
                    f"as an argument, {safe_repr(options[name])} in options."
                )
                raise ValueError(message)
            options[name] = value
        return {**settings, "options": options}

    @field_validator("model")
    @classmethod
    def _is_endpoint_id(cls, model: str) -> str:
        if "/" not in model.strip("/") or "://" in model:
            message = (
                f"{model!r} is no endpoint id; they look like 'fal-ai/qwen-image' "
                f"(owner/name, maybe with more parts)."
            )
            raise ValueError(message)
        return model.strip("/")

    @property
    def endpoint(self) -> EndpointSchema | None:
        """The endpoint's contract; None where we do not know the endpoint."""
        return self.provider.contract(self.model)

    @property
    def provider(self) -> FalProvider:
        """The provider in use."""
        return self.fal or default_fal

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> R:
        """Make one request and wait for its result.

        Args:
            input: See the class.
            config: As for every runnable.
            **kwargs: Options, as `bind` gives them.

        Raises:
            FalOptionError: Options the endpoint does not take; nothing was sent.
            FalError: See `langchain_fal_image.errors`; `charged` says what it cost.
        """

        def generate(_: Any, run_manager: Any, config: RunnableConfig) -> R:
            return self.provider.run(self.generation(input, **kwargs), events(config))

        return self._call_with_config(generate, _traced(input), self._named(config))

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> R:
        """Make one request and wait for its result; see `invoke`."""

        async def generate(_: Any, run_manager: Any, config: RunnableConfig) -> R:
            flow = self.generation(input, **kwargs)
            return await self.provider.arun(flow, aevents(config))

        return await self._acall_with_config(
            generate, _traced(input), self._named(config)
        )

    def submit(
        self, input: Any, *, webhook_url: str | None = None, **kwargs: Any
    ) -> FalRequest[R]:
        """Submit a request and do not wait for it.

        Args:
            input: As for `invoke`.
            webhook_url: Where fal is to send the result, beside keeping it; see
                `langchain_fal_image.webhooks`.
            **kwargs: Options, as `bind` gives them.

        Returns:
            The request; `request.result()` waits for it, in any process.

        Raises:
            FalError: As for `invoke`.
        """
        return self.provider.run(self._submission(input, kwargs, webhook_url))

    async def asubmit(
        self, input: Any, *, webhook_url: str | None = None, **kwargs: Any
    ) -> FalRequest[R]:
        """Submit a request and do not wait for it; see `submit`."""
        return await self.provider.arun(self._submission(input, kwargs, webhook_url))

    @property
    def InputType(self) -> Any:  # noqa: N802 - LangChain's name
        """What it takes; see the class."""
        return Any

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Describe a dict input: the endpoint's own options."""
        return create_input_model(
            f"{type(self).__name__}Input", self.endpoint, kind=self.kind
        )

    def _named(self, config: RunnableConfig | None) -> RunnableConfig:
        """Name endpoint and price in a run's metadata, as LangSmith's filters do."""
        told: dict[str, Any] = {"ls_provider": "fal", "ls_model_name": self.model}
        price = self.provider.known_price(self.model)
        if price is not None:
            told["fal_price"] = f"{price.unit_price} {price.currency} per {price.unit}"
        return merge_configs({"metadata": told}, config)

    # --- What is sent ---

    def payload(self, input: Any, **kwargs: Any) -> ResolvedOptions:
        """Resolve and check what would be sent, without sending it.

        Args:
            input: As for `invoke`.
            **kwargs: Options, as `bind` gives them.

        Returns:
            The payload in fal's names, and the warnings.

        Raises:
            FalOptionError: Naming every fault.
        """
        from langchain_fal_image.models._call import resolved  # noqa: PLC0415 - see there

        return resolved(self, input, kwargs)

    def _submission(
        self, given: Any, bound: Mapping[str, Any], webhook_url: str | None
    ) -> Flow[FalRequest[R]]:
        from langchain_fal_image.models._call import submitted  # noqa: PLC0415 - see there

        return submitted(self, self.payload(given, **bound), webhook_url)

    def generation(self, input: Any, **kwargs: Any) -> Flow[R]:
        """Make one request, as a flow that `FalProvider.run` and `arun` drive.

        Args:
            input: As for `invoke`.
            **kwargs: Options, as `bind` gives them.
        """
        from langchain_fal_image.models._call import generated  # noqa: PLC0415 - see there

        return generated(self, self.payload(input, **kwargs))


def _traced(given: Any) -> Any:
    # A text with a space near its beginning is a prompt: the usual case, and quick.
    if isinstance(given, str) and (len(given) < _SHORT or " " in given[:_SHORT]):
        return given if given[:5].lower() != "data:" else safe_repr(given)
    from langchain_fal_image.models._input import traced  # noqa: PLC0415 - see generation.py

    return traced(given)


def _is_option_value(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) for key in value) and all(
            map(_is_option_value, value.values())
        )
    if isinstance(value, list | tuple):
        return all(map(_is_option_value, value))
    return (
        value is None or isinstance(value, _OPTION_TYPES) or hasattr(value, "getbands")
    )
