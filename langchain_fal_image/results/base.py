"""The base of all results: what one request to fal returned."""

from __future__ import annotations

import abc
import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeGuard

from langchain_fal_image._formats.plain_json import clean_json
from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.inputs.reference import (
    InputReference,
    OutputFiles,
    read_references,
)
from langchain_fal_image.results._artifact import keep_smallest, measure
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results.response import ResponseMetadata

if TYPE_CHECKING:
    from langchain_fal_image._session.session import Session
    from langchain_fal_image.options.kind import Kind
    from langchain_fal_image.results.file import GeneratedFile

__all__ = ["FalResult"]

# A longer output is reduced before it is copied into an artifact.
_COPIED_BYTES = 256 * 1024
_MAX_SEED = 2**64
_MAX_NAMED = 16
_MAX_NAME = 500


@dataclass(frozen=True, repr=False, kw_only=True)
class FalResult(Bound, OutputFiles, abc.ABC):
    """Base of the results.

    Attributes:
        model: The endpoint id.
        request_id: fal's id of the request.
        options: The payload that was sent, with references instead of file bytes.
        raw: fal's response, without file bytes.
        warnings: Messages for the caller, such as about an unknown option.
        inputs: References to the input files.
        metadata: Plain JSON that the caller added with `with_metadata`.
        is_shortened: Whether texts were shortened to fit an artifact; see
            `to_artifact`.
        response: The id, time and HTTP headers of fal's response.
    """

    model: str
    request_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    inputs: tuple[InputReference, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_shortened: bool = False
    response: ResponseMetadata = field(compare=False)

    kind: ClassVar[Kind]
    """What the endpoint makes."""
    artifact_type: ClassVar[str]
    """The `type` of this class's artifacts."""
    _files_field: ClassVar[str | None] = None
    _output_noun: ClassVar[str]
    _not_metadata: ClassVar[frozenset[str]]

    @property
    def files(self) -> tuple[GeneratedFile, ...]:
        """The files, in fal's order; none for a transcription."""
        return getattr(self, self._files_field) if self._files_field else ()

    @property
    def seed(self) -> int | None:
        """The seed that fal used, if the endpoint has one."""
        seed = self.raw.get("seed", self.options.get("seed"))
        is_seed = isinstance(seed, int) and not isinstance(seed, bool)
        return seed if is_seed and abs(seed) < _MAX_SEED else None

    @property
    def timings(self) -> Mapping[str, Any]:
        """The timings that fal reports, in seconds, such as `{"inference": 2.3}`."""
        timings = self.raw.get("timings")
        return timings if isinstance(timings, Mapping) else {}

    @property
    def provider_metadata(self) -> dict[str, Any]:
        """The metadata that @ai-sdk/fal returns: fal's response without the output."""
        hidden = self._not_metadata
        return {"fal": {k: v for k, v in self.raw.items() if k not in hidden}}

    def using(self, fal: Session | None) -> Self:
        """Return a copy that uses another provider; its files use it too.

        Args:
            fal: The provider; None for the default instance.
        """
        return self._with_files([file.using(fal) for file in self.files], _fal=fal)

    def with_handles(self, handles: Sequence[str]) -> Self:
        """Return a copy whose files have handles.

        Args:
            handles: One for each file, in order.
        """
        named = zip(self.files, handles, strict=True)
        return self._with_files([file._with(handle=handle) for file, handle in named])

    def with_metadata(self, **metadata: Any) -> Self:
        """Return a copy with more metadata.

        Args:
            **metadata: Plain JSON, such as the sources that an image illustrates. It
                is part of artifacts and checkpoints.

        Raises:
            ValueError: It is not plain JSON.
        """
        try:
            json.dumps(metadata, allow_nan=False)
        except (TypeError, ValueError) as error:
            message = f"metadata is not plain JSON: {error}"
            raise ValueError(message) from error
        return self._with(metadata={**self.metadata, **metadata})

    def _with_files(self, files: Sequence[GeneratedFile], **changes: Any) -> Self:
        if self._files_field:
            changes[self._files_field] = tuple(files)
        return self._with(**changes)

    def _name_files(self) -> str:
        """Return the handles, URLs or digests of the first files, for a repr."""
        names = [
            (file.handle or file.url or f"sha256:{file.sha256}")[:_MAX_NAME]
            for file in self.files[:_MAX_NAMED]
        ]
        return ", ".join([*names, *(["…"] if len(self.files) > _MAX_NAMED else [])])

    @abc.abstractmethod
    def to_html(self) -> str:
        """Return the result as HTML."""

    def _repr_html_(self) -> str:
        return self.to_html()

    # --- Artifacts ---

    def to_artifact(self) -> dict[str, Any]:
        """Return the result as a small plain dict, for a checkpoint or a trace.

        It contains no file bytes and no HTTP headers. For images and speech it takes at
        most 1 KB for each file, for a transcription 64 KB; longer texts are shortened,
        and `shortened` is then True. You can fetch the complete result again without a
        charge: `fal.request(model, request_id).result()`.

        Returns:
            A dict for `from_artifact`.
        """
        # fal repeats some options in its response; the artifact stores them once.
        echo = [
            key
            for key, value in self.raw.items()
            if key in self.options and self.options[key] == value
        ]
        raw = {key: value for key, value in self.raw.items() if key not in echo}
        essential = self._reduce()
        is_long = measure(raw) > _COPIED_BYTES
        if is_long:
            extras = {key: raw[key] for key in raw if key not in essential}
            raw = {**keep_smallest(extras, _COPIED_BYTES), **essential}
        fields = {
            "type": self.artifact_type,
            "model": self.model,
            "request_id": self.request_id,
            "timestamp": self.response.milliseconds,
            "handles": [file.handle for file in self.files if file.handle],
            "options": copy.deepcopy(dict(self.options)),
            "raw": copy.deepcopy(raw),
            "echo": echo,
            "warnings": list(self.warnings),
            "inputs": [reference.to_dict() for reference in self.inputs],
            "metadata": copy.deepcopy(dict(self.metadata)),
            "shortened": self.is_shortened or is_long,
        }
        artifact = {key: value for key, value in fields.items() if value}
        return self._shorten(artifact, essential)

    @classmethod
    def from_artifact(
        cls, artifact: Mapping[str, Any], *, fal: Session | None = None
    ) -> Self:
        """Restore the result from its artifact.

        Args:
            artifact: The artifact, also after a checkpoint restored it.
            fal: The provider that reads its files; by default the default instance.

        Raises:
            ValueError: The value is not an artifact of this class.
        """
        if not cls.is_artifact(artifact):
            message = (
                f"This is not an artifact of {cls.__name__}: "
                f"expected a mapping with type={cls.artifact_type!r}."
            )
            raise ValueError(message)
        options = dict(artifact.get("options", {}))
        echo = [key for key in artifact.get("echo", ()) if key in options]
        result = cls.from_output(
            {**artifact.get("raw", {}), **{key: options[key] for key in echo}},
            model=artifact["model"],
            request_id=artifact.get("request_id"),
            options=options,
            warnings=tuple(artifact.get("warnings", ())),
            inputs=read_references(artifact.get("inputs")),
            response=ResponseMetadata.from_artifact(artifact),
        )
        if handles := artifact.get("handles"):
            result = result.with_handles(handles)
        return replace(
            result,
            metadata=dict(artifact.get("metadata", {})),
            is_shortened=bool(artifact.get("shortened")),
        ).using(fal)

    @classmethod
    def is_artifact(cls, value: object) -> TypeGuard[Mapping[str, Any]]:
        """Return whether a value is an artifact of this class."""
        return isinstance(value, Mapping) and value.get("type") == cls.artifact_type

    # --- fal's output ---

    @classmethod
    def from_output(
        cls,
        output: Any,
        *,
        model: str,
        request_id: str | None = None,
        options: Mapping[str, Any] | None = None,
        warnings: tuple[str, ...] = (),
        inputs: tuple[InputReference, ...] = (),
        response: ResponseMetadata | None = None,
    ) -> Self:
        """Create the result from fal's output.

        A field of an unexpected type counts as missing, so that a result that was paid
        for is not lost.

        Args:
            output: The JSON of the output, without bytes.
            model: The endpoint id.
            request_id: fal's id of the request.
            options: The payload that was sent, without bytes.
            warnings: Messages about the request.
            inputs: References to the input files.
            response: Metadata of the response; by default, it was received now.

        Raises:
            FalResponseError: The output lacks the image, audio or text.
        """
        output = clean_json(output)
        body = output if isinstance(output, Mapping) else {}
        fields = cls._parse(body, request_id)
        if fields is None:
            message = f"fal's response from {model} has no {cls._output_noun}."
            raise FalResponseError(
                message, body=output, model=model, request_id=request_id
            )
        return cls(
            model=model,
            request_id=request_id,
            options=dict(options or {}),
            raw=body,
            warnings=warnings,
            inputs=inputs,
            response=response or ResponseMetadata.received_now(model),
            **fields,
        )

    @classmethod
    @abc.abstractmethod
    def _parse(
        cls, body: Mapping[str, Any], request_id: str | None
    ) -> dict[str, Any] | None:
        """Parse the fields that only this class has; None if they are missing."""

    @abc.abstractmethod
    def _reduce(self) -> dict[str, Any]:
        """Return fal's output with only the fields that this class needs, bounded."""

    @abc.abstractmethod
    def _shorten(
        self, artifact: dict[str, Any], essential: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Shorten an artifact to its limit; `essential` is what `_reduce` returned."""
