"""The base of all runnables: settings, options, and one request for each call."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, TypeVar

from langchain_core.runnables import RunnableConfig, RunnableSerializable
from langchain_core.runnables.config import merge_configs
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    field_validator,
    model_validator,
)

from langchain_fal_image._formats.hidden import hide_base64
from langchain_fal_image._session.default import default_session
from langchain_fal_image._session.session import Session
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.models._input_schema import create_input_model
from langchain_fal_image.models._settings import check_keywords, validate_settings
from langchain_fal_image.options.credentials import has_credential
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.issues import is_same
from langchain_fal_image.options.kind import Kind
from langchain_fal_image.wire.effects import Flow
from langchain_fal_image.wire.queue import check_endpoint_id

if TYPE_CHECKING:
    from langchain_fal_image.budget.ledger import RequestEstimate
    from langchain_fal_image.models._call import ModelCall
    from langchain_fal_image.options.resolve import ResolvedOptions
    from langchain_fal_image.results.request import FalRequest

__all__ = ["FalModel", "add_owner"]

R = TypeVar("R")

# Modules that only a call needs (`_call`, `_input`, `options.resolve`) are imported
# inside methods, so that creating a model is fast.


class FalModel(RunnableSerializable[Any, R], abc.ABC):
    """Base of the runnables.

    An argument that is not a field is an option of the endpoint, in camelCase or
    snake_case: `FalTextToImage(guidance_scale=4)`. If it is neither, it raises
    FalConfigurationError. Pass an option in `options` if it has the name of a field,
    or if the contract does not have it yet.
    """

    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, protected_namespaces=()
    )

    model: str
    """The endpoint id, such as `fal-ai/qwen-image`."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of every call, overridden by `bind`, the input, `providerOptions.fal`.

    Unknown ones are sent with a warning.
    """
    fal: Session | None = Field(default=None, exclude=True, repr=False)
    """The provider (`FalProvider`); None for the default instance."""
    mode: Literal["queue", "sync"] = "queue"
    """`queue` can resume after a connection loss; `sync` is a single POST request."""
    timeout: float | None = Field(default=None, gt=0)
    """The total time of one call in seconds; by default the provider's."""
    strict: bool = False
    """Whether an unknown option, or a value that a contract which may be wrong does not
    allow, is an error instead of a warning."""
    check_options: bool = True
    """Whether to check options and the formats of files before anything is sent."""
    on_cancel: Literal["cancel", "keep"] = "cancel"
    """What happens to the request at fal when the waiting call is cancelled."""
    budget: Budget | None = Field(default=None, exclude=True, repr=False)
    """Refuses requests that would exceed it, before they are sent."""

    kind: ClassVar[Kind]
    """What its endpoints make."""
    result_type: ClassVar[type[Any]]
    """The class of its results."""

    @model_validator(mode="wrap")
    @classmethod
    def _check_settings(
        cls, values: Any, handler: ModelWrapValidatorHandler[Self]
    ) -> Self:
        if not isinstance(values, Mapping):
            return handler(values)
        settings = {k: v for k, v in values.items() if k in cls.model_fields}
        keywords = {k: v for k, v in values.items() if k not in cls.model_fields}
        settings["options"] = _merge_options(settings.get("options"), keywords)
        model = validate_settings(cls, settings, handler)
        # Creating a model with the default endpoint does not load the catalog.
        if model.model != cls.model_fields["model"].default:
            model._check_endpoint(model.endpoint)
        if keywords or has_credential(model.options):
            check_keywords(
                cls,
                keywords,
                {k: v for k, v in model.options.items() if k not in keywords},
                schema=model.endpoint,
                check=model.check_options,
            )
        return model

    @field_validator("model")
    @classmethod
    def _check_endpoint_id(cls, model: str) -> str:
        try:
            return check_endpoint_id(model)
        except FalConfigurationError as error:
            from langchain_fal_image.options.search import find_nearest_id  # noqa: PLC0415

            if nearest := find_nearest_id(model[:100]):
                error.next_step += f" Did you mean {nearest}?"
            raise

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Return the settings for `repr`, without file bytes and secret headers."""
        from langchain_fal_image.models._trace import trace_input  # noqa: PLC0415

        for name, value in super().__repr_args__():
            yield name, trace_input(value) if name == "options" else value

    def _check_endpoint(self, schema: EndpointSchema | None) -> str:
        from langchain_fal_image.options.search import check_endpoint  # noqa: PLC0415

        return check_endpoint(self.model, schema, self.kind, check=self.check_options)

    @property
    def endpoint(self) -> EndpointSchema | None:
        """The endpoint's contract; None for an unknown endpoint."""
        return self._session.contracts.get(self.model)

    @property
    def _session(self) -> Session:
        return self.fal or default_session()

    def invoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> R:
        """Make one request and wait for its result.

        Args:
            input: See the class.
            config: The run's config, as for every runnable.
            **kwargs: Options, as in `bind`.

        Raises:
            FalOptionError: The endpoint does not take the options; nothing was sent.
            FalError: The request failed; see `langchain_fal_image.errors`.
        """
        input = hide_base64(input)  # noqa: A001 - LangChain's name
        return self._session.run(self._invoke_flow(input, config, **kwargs))

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> R:
        """Make one request and wait for its result; see `invoke`."""
        input = hide_base64(input)  # noqa: A001 - LangChain's name
        return await self._session.arun(self._invoke_flow(input, config, **kwargs))

    def submit(
        self, input: Any, *, webhook_url: str | None = None, **kwargs: Any
    ) -> FalRequest[R]:
        """Submit a request without waiting for its result.

        Args:
            input: See `invoke`.
            webhook_url: A URL to which fal sends the result too; see
                `langchain_fal_image.webhooks`.
            **kwargs: Options, as in `bind`.

        Returns:
            The request; `request.result()` waits for it, in any process.

        Raises:
            FalError: See `invoke`.
        """
        input = hide_base64(input)  # noqa: A001 - LangChain's name
        return self._session.run(self._submit_flow(input, kwargs, webhook_url))

    async def asubmit(
        self, input: Any, *, webhook_url: str | None = None, **kwargs: Any
    ) -> FalRequest[R]:
        """Submit a request without waiting for its result; see `submit`."""
        input = hide_base64(input)  # noqa: A001 - LangChain's name
        return await self._session.arun(self._submit_flow(input, kwargs, webhook_url))

    def payload(self, input: Any, **kwargs: Any) -> ResolvedOptions:
        """Resolve and check the payload of a call, without sending it.

        Args:
            input: See `invoke`.
            **kwargs: Options, as in `bind`.

        Returns:
            The payload in fal's names, and the warnings.

        Raises:
            FalOptionError: The endpoint does not take the options; the error lists
                every fault.
        """
        return self._create_call(input, kwargs).options

    @property
    def InputType(self) -> Any:  # noqa: N802 - LangChain's name
        """The type of the input; see the class."""
        return Any

    @property
    def OutputType(self) -> type[R]:  # noqa: N802 - LangChain's name
        """The class of the results."""
        return self.result_type

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        """Return the schema of a dict input: the endpoint's own options."""
        return create_input_model(
            f"{type(self).__name__}Input", self.endpoint, kind=self.kind
        )

    # --- Flows, which tools and recipes include in theirs ---

    def _invoke_flow(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Flow[R]:
        """Make one request as a LangChain run."""
        from langchain_fal_image.models import _call  # noqa: PLC0415

        # LangSmith filters runs by the names that start with `ls_`.
        metadata: dict[str, Any] = {"ls_provider": "fal", "ls_model_name": self.model}
        price = self._session.prices.cached(self.model)
        if price is not None:
            metadata["fal_price"] = (
                f"{price.unit_price} {price.currency} per {price.unit}"
            )
        return _call.run_traced(
            lambda: self._create_call(input, kwargs),
            name=self.get_name(),
            input=input,
            config=merge_configs({"metadata": metadata}, config),
        )

    def _generate_flow(self, input: Any, **kwargs: Any) -> Flow[R]:
        """Make one request.

        Raises:
            FalOptionError: When this method is called, before the flow starts.
        """
        from langchain_fal_image.models import _call  # noqa: PLC0415

        return _call.generate(self._create_call(input, kwargs))

    def _submit_flow(
        self, input: Any, bound: Mapping[str, Any], webhook_url: str | None
    ) -> Flow[FalRequest[R]]:
        from langchain_fal_image.models import _call  # noqa: PLC0415

        return _call.submit(self._create_call(input, bound), webhook_url)

    def _create_call(self, input: Any, bound: Mapping[str, Any]) -> ModelCall:
        from langchain_fal_image.models._call import ModelCall  # noqa: PLC0415
        from langchain_fal_image.models._input import expand_results  # noqa: PLC0415
        from langchain_fal_image.options.resolve import resolve_options  # noqa: PLC0415

        session = self._session
        schema = session.contracts.get(self.model)
        warning = self._check_endpoint(schema)
        read = self._read_input(input, schema)
        is_message = "images" in read and not isinstance(input, Mapping)
        layers = {
            "defaults": self._default_options(schema),
            "constructor": self.options,
            "bind": bound,
            "message" if is_message else "input": read,
        }
        options = resolve_options(
            schema,
            list(expand_results(layers).items()),
            check=self.check_options,
            strict=self.strict,
            nearest_size=getattr(self, "nearest_size", False),
        )
        warnings = (warning, *options.warnings) if warning else options.warnings
        payload = hide_base64(options.payload)
        options = replace(options, payload=payload, warnings=warnings)
        return ModelCall(
            model=self.model,
            kind=self.kind,
            schema=schema,
            session=session,
            options=options,
            check_files=self.check_options,
            estimate=self._estimate,
            budget=self.budget,
            mode=self.mode,
            timeout=self.timeout,
            on_cancel=self.on_cancel,
        )

    # --- What subclasses define ---

    @abc.abstractmethod
    def _read_input(
        self, input: Any, schema: EndpointSchema | None
    ) -> Mapping[str, Any]:
        """Convert the input to options."""

    def _default_options(
        self,
        schema: EndpointSchema | None,
    ) -> Mapping[str, Any]:
        """Return the options that are sent unless the caller sets them."""
        return {}

    @abc.abstractmethod
    def _estimate(self, payload: Mapping[str, Any]) -> RequestEstimate:
        """Estimate what a payload requests, for the budget."""


def add_owner(model: Any, kind: Kind) -> Any:
    """Add `fal-ai/` to an endpoint id if the catalog has the resulting id."""
    if not isinstance(model, str) or model.startswith("fal-ai/"):
        return model
    # The catalog is loaded only for an id that may lack its owner.
    from langchain_fal_image.options import catalog  # noqa: PLC0415

    endpoint_id = f"fal-ai/{model}"
    return endpoint_id if endpoint_id in catalog.list_endpoint_ids(kind) else model


def _merge_options(options: Any, keywords: Mapping[str, Any]) -> Any:
    """Merge the argument `options` and the other arguments that are no settings."""
    if options is not None and not isinstance(options, Mapping):
        return options  # pydantic describes what is wrong
    merged = {**(options or {}), **keywords}
    for name in keywords:
        if options and name in options and not is_same(options[name], keywords[name]):
            message = f"{name} has two values: one as an argument, another in options."
            raise FalConfigurationError(message, next_step="Pass it once.")
    return merged
