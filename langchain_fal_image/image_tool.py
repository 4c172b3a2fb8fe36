"""The part of a tool that makes images: arguments read, handles found, the run."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from langchain_core.tools import InjectedToolArg
from pydantic import PrivateAttr, model_validator

from langchain_fal_image.arguments import image_arguments, tool_arguments
from langchain_fal_image.budget import Budget
from langchain_fal_image.errors import (
    FalConfigurationError,
    FalError,
    FalInputImageError,
    shown,
)
from langchain_fal_image.library import Conversation, is_handle
from langchain_fal_image.models import FalImageEdit, FalTextToImage
from langchain_fal_image.provider import FalProvider
from langchain_fal_image.told import told_endpoint
from langchain_fal_image.tool_base import Call, FalTool, conversation_of
from langchain_fal_image.wire.effects import Flow

__all__ = ["FalImageTool"]

_Runtime = Annotated[Any, InjectedToolArg]


class FalImageTool(FalTool):
    """Base of the two tools that make images."""

    model: FalTextToImage | FalImageEdit
    """The runnable that does the work; an endpoint id is made into one."""
    expose: tuple[str, ...] = ()
    """Further options of the endpoint that the model may fill in."""

    _runnable: ClassVar[type[FalTextToImage | FalImageEdit]]
    _purpose: ClassVar[str]
    _arguments: ClassVar[tuple[str, ...]]
    _images: frozenset[str] = PrivateAttr(default=frozenset())

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)

    @model_validator(mode="before")
    @classmethod
    def _make_model(cls, given: Any) -> Any:
        settings = {name: value for name, value in given.items() if value is not None}
        model = settings.get("model")
        fal, budget = settings.pop("fal", None), settings.pop("budget", None)
        if model is None or isinstance(model, str):
            model = cls._runnable(model) if model else cls._runnable()
        changes = {"fal": fal, "budget": budget}
        changes = {name: value for name, value in changes.items() if value is not None}
        settings["model"] = model.model_copy(update=changes)
        return settings

    @model_validator(mode="after")
    def _make_schema(self) -> FalImageTool:
        _refuse_sync_mode(self.model)
        schema = self.model.endpoint
        if self.args_schema is None:
            self.args_schema = tool_arguments(
                f"{type(self).__name__}Arguments",
                schema,
                offered=self._arguments,
                bound=self.model.options,
                expose=self.expose,
            )
        self._images = image_arguments(schema, self.args)
        if not self.description:
            price = self._fal.known_price(self.model.model)
            served = told_endpoint(self.model.model, schema, price=price)
            self.description = f"{self._purpose} {served}"
        return self

    @property
    def _fal(self) -> FalProvider:
        return self.model.provider

    @property
    def _account(self) -> Budget | None:
        return self.model.budget

    def _run(
        self,
        prompt: str | None = None,
        *,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        arguments["prompt"] = prompt
        where, call = conversation_of(runtime), Call(tool_call_id, arguments)
        try:
            given = self._fal.run(self._given(arguments, where))
            earlier = self.library.earlier(call.key, conversation=where)
            result = (
                self._settled(earlier.using(self._fal).result())
                if earlier
                else self.model.invoke(given)
            )
            return self._fal.run(self._told(result, where))
        except FalError as error:
            return self._fal.run(self._failed(error, call, where))

    async def _arun(
        self,
        prompt: str | None = None,
        *,
        runtime: _Runtime = None,
        tool_call_id: str | None = None,
        **arguments: Any,
    ) -> tuple[Any, Any]:
        arguments["prompt"] = prompt
        where, call = conversation_of(runtime), Call(tool_call_id, arguments)
        try:
            given = await self._fal.arun(self._given(arguments, where))
            earlier = self.library.earlier(call.key, conversation=where)
            result = (
                self._settled(await earlier.using(self._fal).aresult())
                if earlier
                else await self.model.ainvoke(given)
            )
            return await self._fal.arun(self._told(result, where))
        except FalError as error:
            return await self._fal.arun(self._failed(error, call, where))

    def _given(
        self, arguments: dict[str, Any], where: Conversation
    ) -> Flow[dict[str, Any]]:
        """Read the arguments: handles become images."""
        pasted = yield from self.library.opened(where)
        yield from self._fal.keep(pasted)
        given = {name: value for name, value in arguments.items() if value is not None}
        for name in self._images & given.keys():
            value = given[name]
            given[name] = (
                [self._image(each, where) for each in value]
                if isinstance(value, list)
                else self._image(value, where)
            )
        return given

    def _image(self, name: str, where: Conversation) -> Any:
        if is_handle(name):
            image = self.library.get(name, conversation=where)
            if image.url is None and image.sha256 is None:
                message = (
                    f"{name} was pasted as a file that only the chat's provider has."
                )
                raise FalInputImageError(
                    message, next_step="Ask the user for the image itself, or its URL."
                )
            return image.using(self._fal)
        if name[:5].lower() == "data:":
            message = f"Images are named by handle or URL, not by {shown(name)}."
            known = ", ".join(self.library.handles(conversation=where)) or "none yet"
            raise FalInputImageError(
                message, next_step=f"Name the image by its handle. Known: {known}."
            )
        found = self.library.find_url(name, conversation=where)
        return found.using(self._fal) if found else name


def _refuse_sync_mode(model: FalTextToImage | FalImageEdit) -> None:
    wanted = {
        name.replace("_", "").lower(): value for name, value in model.options.items()
    }
    if wanted.get("syncmode") and not model.provider.has_store:
        message = (
            "sync_mode sends image bytes inside fal's answer; a tool has no place for "
            "them."
        )
        raise FalConfigurationError(
            message,
            next_step="Leave sync_mode off, or give create_fal() a store.",
        )
