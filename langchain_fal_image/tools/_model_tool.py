"""The part of a tool that makes a request: arguments read, files found, the run."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from langchain_core.tools import InjectedToolArg
from pydantic import PrivateAttr, SkipValidation, model_validator

from langchain_fal_image._formats.safe_repr import safe_repr
from langchain_fal_image._session.session import Session
from langchain_fal_image.budget.budget import Budget
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalError,
    FalInputAudioError,
    FalInputError,
    FalInputImageError,
)
from langchain_fal_image.library.handles import is_handle
from langchain_fal_image.library.library import LibraryFiles
from langchain_fal_image.library.thread import FileKind, Thread
from langchain_fal_image.models.base import FalModel
from langchain_fal_image.options.endpoint import Kind
from langchain_fal_image.options.search import check_kind
from langchain_fal_image.tools._args_schema import file_arguments, tool_arguments
from langchain_fal_image.tools._messages import told_endpoint
from langchain_fal_image.tools.base import Call, FalTool, read_thread
from langchain_fal_image.wire.effects import Flow

__all__ = ["FalModelTool"]

_LONGEST_PATH = 400
_LIBRARY = {"image": "images", "audio": "audio"}
_Runtime = Annotated[Any, InjectedToolArg]


_ERRORS: dict[FileKind, type[FalInputError]] = {
    "image": FalInputImageError,
    "audio": FalInputAudioError,
}


class FalModelTool(FalTool):
    """Base of the tools that make a request."""

    model: SkipValidation[FalModel[Any]]
    """The runnable that does the work; an endpoint id is made into one."""
    expose: tuple[str, ...] = ()
    """Further options of the endpoint that the model may fill in."""

    _runnable: ClassVar[type[FalModel[Any]]]
    _input_kind: ClassVar[FileKind]
    _purpose: ClassVar[str]
    _arguments: ClassVar[tuple[str, ...]]
    _files: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    @model_validator(mode="before")
    @classmethod
    def _make_model(cls, given: Any) -> Any:
        settings = {name: value for name, value in given.items() if value is not None}
        model = settings.get("model")
        fal, budget = settings.pop("fal", None), settings.pop("budget", None)
        if model is None or isinstance(model, str):
            named = {"model": model} if model else {}
            model = cls._runnable(**named)
        changes = {"fal": fal, "budget": budget}
        changes = {name: value for name, value in changes.items() if value is not None}
        settings["model"] = model.model_copy(update=changes)
        return settings

    @model_validator(mode="after")
    def _make_schema(self) -> Self:
        _refuse_sync_mode(self.model)
        schema = self.model.endpoint
        check_kind(schema, self.model.kind)
        if self.args_schema is None:
            self.args_schema = tool_arguments(
                f"{type(self).__name__}Arguments",
                schema,
                offered=self._arguments,
                bound=self.model.options,
                expose=self.expose,
            )
        self._files = file_arguments(schema, self.args)
        if not self.description:
            price = self._fal.prices.cached(self.model.model)
            served = told_endpoint(self.model.model, schema, price=price)
            self.description = f"{self._purpose} {served}"
        return self

    def _kind(self, error: FalError) -> Kind:  # noqa: ARG002 - as the base says
        return self.model.kind

    @property
    def _fal(self) -> Session:
        return self.model._session

    @property
    def _account(self) -> Budget | None:
        return self.model.budget

    def _run(
        self,
        *given: Any,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        # A text alone is the first argument.
        arguments = {**dict(zip(self.args, given, strict=False)), **arguments}
        where, call = read_thread(runtime), Call(tool_call_id, arguments)
        try:
            options = self._fal.run(self._given(arguments, where))
            earlier = self._threads.find_request(call.key, thread=where)
            result = (
                self._settled(earlier.using(self._fal).result())
                if earlier
                else self.model.invoke(options)
            )
            return self._fal.run(self._told(result, where))
        except FalError as error:
            return self._fal.run(self._failed(error, call, where))

    async def _arun(
        self,
        *given: Any,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        # A text alone is the first argument.
        arguments = {**dict(zip(self.args, given, strict=False)), **arguments}
        where, call = read_thread(runtime), Call(tool_call_id, arguments)
        try:
            options = await self._fal.arun(self._given(arguments, where))
            earlier = self._threads.find_request(call.key, thread=where)
            result = (
                self._settled(await earlier.using(self._fal).aresult())
                if earlier
                else await self.model.ainvoke(options)
            )
            return await self._fal.arun(self._told(result, where))
        except FalError as error:
            return await self._fal.arun(self._failed(error, call, where))

    def _given(self, arguments: dict[str, Any], where: Thread) -> Flow[dict[str, Any]]:
        """Read the arguments: handles become files."""
        pasted = yield from self._threads.load(where)
        yield from self._fal.store_bytes(pasted)
        given = {name: value for name, value in arguments.items() if value is not None}
        for name in self._files & given.keys():
            value = given[name]
            given[name] = (
                [self._file(each, where) for each in value]
                if isinstance(value, list)
                else self._file(value, where)
            )
        return given

    def _file(self, name: str, where: Thread) -> Any:
        """Find the file that a handle or a URL means."""
        kind = self._input_kind
        files: LibraryFiles[Any] = getattr(self.library, _LIBRARY[kind])
        if name[:5].lower() == "data:" or _is_content(name):
            message = f"Name the {kind} by its handle or URL, not by {safe_repr(name)}."
            known = ", ".join(files.handles(thread=where))
            step = f"Use one of these handles: {known}." if known else "Use its URL."
            raise _ERRORS[kind](message, next_step=step)
        if is_handle(name):
            file = files.get(name, thread=where)
            if file.url is None and file.sha256 is None:
                message = f"Only the provider of the chat model has the file {name}."
                step = f"Ask the user for the {kind} itself, or its URL."
                raise _ERRORS[kind](message, next_step=step)
            return file.using(self._fal)
        found = files.find_url(name, thread=where)
        return found.using(self._fal) if found else name


def _is_content(name: str) -> bool:
    """Tell whether a model wrote a file itself, in base64, in place of its name."""
    return len(name) > _LONGEST_PATH and "://" not in name


def _refuse_sync_mode(model: FalModel[Any]) -> None:
    wanted = {
        name.replace("_", "").lower(): value for name, value in model.options.items()
    }
    is_hex = wanted.get("outputformat") == "hex"
    if not (wanted.get("syncmode") or is_hex) or model._session.has_store:
        return
    option = "output_format='hex'" if is_hex else "sync_mode"
    message = (
        f"{option} sends the bytes inside fal's answer; a tool has no place for them."
    )
    raise FalConfigurationError(
        message, next_step=f"Leave {option} off, or give create_fal() a store."
    )
