"""What the results of speech and transcription share."""

from __future__ import annotations

import abc
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeGuard

from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.options.endpoint import AUDIO_OUTPUTS
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results.file import InputReference

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider

__all__ = ["AudioResult"]

_NOT_METADATA = frozenset({*AUDIO_OUTPUTS, "text", "chunks", "words"})


@dataclass(frozen=True, repr=False, kw_only=True)
class AudioResult(Bound, abc.ABC):
    """What the two results share.

    Attributes:
        model: The endpoint id.
        request_id: fal's id of the request.
        options: The payload as sent, input audio as references, without bytes.
        raw: fal's answer, without bytes.
        warnings: What the caller should know, such as an option we do not know.
        inputs: The audio this was made from, as references.
        is_shortened: Whether texts were cut to fit an artifact (see `to_artifact`).
    """

    model: str
    request_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    inputs: tuple[InputReference, ...] = ()
    is_shortened: bool = False

    artifact_type: ClassVar[str]
    """What marks an artifact of this class."""

    @property
    def seed(self) -> int | None:
        """The seed fal used, where the endpoint has one."""
        seed = self.raw.get("seed", self.options.get("seed"))
        return seed if isinstance(seed, int) and not isinstance(seed, bool) else None

    @property
    def timings(self) -> Mapping[str, Any]:
        """Timings by fal, in seconds."""
        timings = self.raw.get("timings")
        return timings if isinstance(timings, Mapping) else {}

    @property
    def provider_metadata(self) -> dict[str, Any]:
        """`{"fal": …}`: what fal's answer has beside the result itself."""
        rest = {k: v for k, v in self.raw.items() if k not in _NOT_METADATA}
        return {"fal": rest}

    def to_artifact(self) -> dict[str, Any]:
        """Give the result as a plain dict without bytes, for a checkpoint or a trace.

        Speech takes at most 1 KB, a transcription 64 KB. Where more was said, texts
        are shortened and times at the end left out, and `shortened` says so; the whole
        can be fetched again for nothing: `fal.request(model, request_id).result()`.

        Returns:
            What `from_artifact` takes.
        """
        parts = {
            "type": self.artifact_type,
            "model": self.model,
            "request_id": self.request_id,
            "options": copy.deepcopy(dict(self.options)),
            "raw": copy.deepcopy(dict(self.raw)),
            "warnings": list(self.warnings),
            "inputs": [reference.to_dict() for reference in self.inputs],
            "shortened": self.is_shortened,
            **self._more(),
        }
        return self._fitted({key: value for key, value in parts.items() if value})

    def _more(self) -> dict[str, Any]:
        return {}

    @abc.abstractmethod
    def _fitted(self, artifact: dict[str, Any]) -> dict[str, Any]:
        """Shorten an artifact until it keeps its limit."""

    @classmethod
    def from_artifact(
        cls, artifact: Mapping[str, Any], *, fal: FalProvider | None = None
    ) -> Self:
        """Restore the result from what `to_artifact` gave.

        Args:
            artifact: Also as it comes back from a checkpoint.
            fal: The provider that reads its audio; by default the default instance.

        Raises:
            ValueError: It is not such an artifact.
        """
        if not cls.is_artifact(artifact):
            message = (
                f"This is not the artifact of a {cls.__name__}: expected a mapping "
                f"with type={cls.artifact_type!r}."
            )
            raise ValueError(message)
        result = cls.from_output(
            artifact["raw"],
            model=artifact["model"],
            request_id=artifact.get("request_id"),
            options=artifact.get("options"),
            warnings=tuple(artifact.get("warnings", ())),
            inputs=tuple(InputReference(**each) for each in artifact.get("inputs", ())),
        )
        return replace(
            result,
            is_shortened=bool(artifact.get("shortened")),
            **result.named(artifact),
        ).using(fal)

    @classmethod
    def is_artifact(cls, value: object) -> TypeGuard[Mapping[str, Any]]:
        """Tell whether a value is what `to_artifact` gives."""
        return isinstance(value, Mapping) and value.get("type") == cls.artifact_type

    def named(self, artifact: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - for a class that has handles
        """Give the fields that an artifact keeps beside fal's answer."""
        return {}

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
    ) -> Self:
        """Read fal's output leniently: an odd field never loses what was paid for.

        Args:
            output: The JSON of the result, its bytes already taken out.
            model: The endpoint id.
            request_id: fal's id of the request.
            options: The payload as sent, without bytes.
            warnings: What came up before the request was sent.
            inputs: What it was made from.

        Raises:
            FalResponseError: What was asked for is not in it.
        """
        body = output if isinstance(output, Mapping) else {}
        parts, missing = cls._read(body, request_id)
        if missing:
            message = f"fal's answer for {model} holds no {missing}."
            raise FalResponseError(
                message, body=output, model=model, request_id=request_id
            )
        return cls(
            model=model,
            request_id=request_id,
            options=dict(options or {}),
            raw=dict(body),
            warnings=warnings,
            inputs=inputs,
            **parts,
        )

    @classmethod
    @abc.abstractmethod
    def _read(
        cls, body: Mapping[str, Any], request_id: str | None
    ) -> tuple[dict[str, Any], str | None]:
        """Read what only this class has; name what is missing, if anything is."""
