"""What one request to fal made."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeGuard

from langchain_fal_image.errors import FalResponseError
from langchain_fal_image.results._bound import Bound
from langchain_fal_image.results._generated_image import GeneratedImage, InputReference
from langchain_fal_image.results._output import fitted, image_entries, typed
from langchain_fal_image.results._recipe import ResultLookup, write_recipe
from langchain_fal_image.wire.effects import Call, Gather

if TYPE_CHECKING:
    from langchain_fal_image.provider import FalProvider
    from langchain_fal_image.wire.effects import Flow

__all__ = ["ImageResult", "is_artifact"]

ARTIFACT_TYPE = "fal_image_result"
ARTIFACT_BYTES_PER_IMAGE = 1024
_DOWNLOADS_AT_ONCE = 8

# What @ai-sdk/fal takes out of an answer before it passes the rest through.
_NOT_METADATA = frozenset(
    {"images", "image", "prompt", "has_nsfw_concepts", "nsfw_content_detected"}
)
_CAMEL_IMAGE_FIELDS = {
    "content_type": "contentType",
    "file_name": "fileName",
    "file_size": "fileSize",
    "file_data": "fileData",
}


@dataclass(frozen=True, repr=False)
class ImageResult(Bound):
    """What one request to fal made.

    Attributes:
        images: The images, in fal's order.
        model: The endpoint id.
        request_id: fal's id of the request.
        options: The payload as sent, input images as references, without bytes.
        raw: fal's answer, without bytes.
        warnings: What the caller should know, such as an option we do not know.
        inputs: The images this was made from, as references.
        metadata: What the caller put beside it with `with_metadata`: plain JSON.
        is_shortened: Whether texts were cut to fit an artifact (see `to_artifact`).
    """

    images: tuple[GeneratedImage, ...]
    model: str
    request_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    inputs: tuple[InputReference, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_shortened: bool = False

    @property
    def prompt(self) -> str | None:
        """The prompt: as sent, else as fal gives it back."""
        for source in (self.options, self.raw):
            if isinstance(text := source.get("prompt"), str):
                return text
        return None

    @property
    def seed(self) -> int | None:
        """The seed fal used: the same seed and options give the same image."""
        seed = self.raw.get("seed", self.options.get("seed"))
        return seed if isinstance(seed, int) and not isinstance(seed, bool) else None

    @property
    def timings(self) -> Mapping[str, Any]:
        """Timings by fal, in seconds, such as `{"inference": 2.3}`."""
        timings = self.raw.get("timings")
        return timings if isinstance(timings, Mapping) else {}

    @property
    def description(self) -> str | None:
        """The model's own words on the images, where it has any."""
        text = self.raw.get("description")
        return text if isinstance(text, str) and text else None

    @property
    def provider_metadata(self) -> dict[str, Any]:
        """`{"fal": …}` in the shape of @ai-sdk/fal, with the source URL kept."""
        metadata = {
            key: value for key, value in self.raw.items() if key not in _NOT_METADATA
        }
        images = []
        for image, entry in zip(self.images, image_entries(self.raw), strict=False):
            known = {
                _CAMEL_IMAGE_FIELDS.get(key, key): value for key, value in entry.items()
            }
            if image.nsfw is not None:
                known["nsfw"] = image.nsfw
            images.append(known)
        return {"fal": {"images": images, **metadata}}

    def save(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write all images into a folder, several at once.

        Args:
            folder: Made where it is missing. Each file is called as fal called it, or
                by the image's handle, or `image_1` and so on.

        Returns:
            The files, in the order of the images. Each appears whole or not at all.

        Raises:
            FalDownloadError: The bytes of one cannot be had.
            OSError: One cannot be written.
        """
        return self._provider.run(self._save(Path(folder)))

    async def asave(self, folder: str | os.PathLike[str]) -> tuple[Path, ...]:
        """Write all images into a folder, several at once; see `save`."""
        return await self._provider.arun(self._save(Path(folder)))

    def _save(self, folder: Path) -> Flow[tuple[Path, ...]]:
        yield Call(lambda: folder.mkdir(parents=True, exist_ok=True))
        own = [image.file_name for image in self.images]
        is_distinct = None not in own and len(set(own)) == len(own)
        flows = [
            image.saving(
                folder,
                name=None if is_distinct else image.handle or f"image_{number}",
            )
            for number, image in enumerate(self.images, start=1)
        ]
        written: list[Path] = yield Gather(flows, limit=_DOWNLOADS_AT_ONCE)
        return tuple(written)

    def using(self, fal: FalProvider | None) -> Self:
        """Give the same result, its images acting through another provider."""
        images = tuple(image.using(fal) for image in self.images)
        return self._with(_fal=fal, images=images)

    def with_handles(self, handles: list[str]) -> Self:
        """Give the same result with its images named.

        Args:
            handles: One for each image, in order.
        """
        images = tuple(
            image.with_handle(handle)
            for image, handle in zip(self.images, handles, strict=True)
        )
        return self._with(images=images)

    def with_metadata(self, **metadata: Any) -> Self:
        """Give the same result with something noted beside it.

        Args:
            **metadata: Plain JSON, such as the sources a picture illustrates; added
                to what is there. It goes along into artifacts and checkpoints.

        Raises:
            ValueError: It is no plain JSON.
        """
        try:
            json.dumps(metadata, allow_nan=False)
        except (TypeError, ValueError) as error:
            message = f"metadata is not plain JSON: {error}"
            raise ValueError(message) from error
        return self._with(metadata={**self.metadata, **metadata})

    def with_whole_prompt(self, prompt: str) -> Self:
        """Put back the prompt that an artifact holds shortened.

        Args:
            prompt: As the tool call says it; one that does not fit is not taken.
        """
        kept = self.options.get("prompt")
        if not self.is_shortened or not isinstance(kept, str):
            return self
        if not kept.endswith("…") or not prompt.startswith(kept[:-1]):
            return self
        return self._with(options={**self.options, "prompt": prompt})

    def recipe(self, *, library: ResultLookup | None = None) -> dict[str, Any]:
        """Return the recipe of this result, from the first prompt on, as plain JSON.

        Args:
            library: The `ImageLibrary` with the results of earlier steps. Images that
                it does not know are in the recipe as URLs or digests.

        Returns:
            A recipe for `replay`.
        """
        return write_recipe(self, library=library)

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
    ) -> ImageResult:
        """Read fal's output leniently: an odd field never loses a paid image.

        Args:
            output: The JSON of the result, its bytes already taken out.
            model: The endpoint id.
            request_id: fal's id of the request.
            options: The payload as sent, without bytes.
            warnings: What came up before the request was sent.
            inputs: What the images were made from.

        Raises:
            FalResponseError: There is no image in it.
        """
        entries = image_entries(output) if isinstance(output, Mapping) else []
        if not entries:
            message = f"fal's answer for {model} holds no image."
            raise FalResponseError(
                message, body=output, model=model, request_id=request_id
            )
        flags = output.get("has_nsfw_concepts") or output.get("nsfw_content_detected")
        return cls(
            images=tuple(
                GeneratedImage(
                    url=typed(entry, "url", str),
                    width=typed(entry, "width", int),
                    height=typed(entry, "height", int),
                    mime_type=typed(entry, "content_type", str),
                    nsfw=_flag(flags, index),
                    file_name=typed(entry, "file_name", str),
                    file_size=typed(entry, "file_size", int),
                    sha256=typed(entry, "sha256", str),
                    request_id=request_id,
                    index=index,
                )
                for index, entry in enumerate(entries)
            ),
            model=model,
            request_id=request_id,
            options=dict(options or {}),
            raw=dict(output),
            warnings=warnings,
            inputs=inputs,
        )

    def to_artifact(self) -> dict[str, Any]:
        """Give the result as a small plain dict, fit for a checkpoint or a trace.

        It holds no bytes and takes at most 1 KB for each image; where a long
        prompt or description would take more, it is shortened at its end, and
        `shortened` says so (the whole prompt stands in the tool call).

        Returns:
            What `from_artifact` takes.
        """
        # fal echoes some options; they are stored once.
        echo = [
            key
            for key, value in self.raw.items()
            if key in self.options and self.options[key] == value
        ]
        parts = {
            "type": ARTIFACT_TYPE,
            "model": self.model,
            "request_id": self.request_id,
            "handles": [image.handle for image in self.images if image.handle],
            "options": copy.deepcopy(dict(self.options)),
            "raw": {
                key: copy.deepcopy(value)
                for key, value in self.raw.items()
                if key not in echo
            },
            "echo": echo,
            "warnings": list(self.warnings),
            "inputs": [reference.to_dict() for reference in self.inputs],
            "metadata": copy.deepcopy(dict(self.metadata)),
            "shortened": self.is_shortened,
        }
        artifact = {key: value for key, value in parts.items() if value}
        return fitted(artifact, ARTIFACT_BYTES_PER_IMAGE * len(self.images))

    @classmethod
    def from_artifact(
        cls, artifact: Mapping[str, Any], *, fal: FalProvider | None = None
    ) -> ImageResult:
        """Restore the result from what `to_artifact` gave.

        Args:
            artifact: Also as it comes back from a checkpoint.
            fal: The provider that reads its images; by default the default instance.

        Raises:
            ValueError: It is not such an artifact.
        """
        if not is_artifact(artifact):
            message = (
                "This is not the artifact of an image result: expected a mapping with "
                f"type={ARTIFACT_TYPE!r}."
            )
            raise ValueError(message)
        options = dict(artifact.get("options", {}))
        echoed = {key: options[key] for key in artifact.get("echo", ())}
        result = cls.from_output(
            {**artifact["raw"], **echoed},
            model=artifact["model"],
            request_id=artifact.get("request_id"),
            options=options,
            warnings=tuple(artifact.get("warnings", ())),
            inputs=tuple(
                InputReference(**entry) for entry in artifact.get("inputs", ())
            ),
        )
        if handles := artifact.get("handles"):
            result = result.with_handles(handles)
        return replace(
            result,
            metadata=dict(artifact.get("metadata", {})),
            is_shortened=bool(artifact.get("shortened")),
        ).using(fal)

    def __repr__(self) -> str:
        """Name the request and its images."""
        images = ", ".join(
            image.handle or image.url or f"sha256:{image.sha256}"
            for image in self.images
        )
        return (
            f"ImageResult(model={self.model!r}, request_id={self.request_id!r}, "
            f"seed={self.seed}, images=[{images}])"
        )

    def to_html(self, *, embed: bool = False) -> str:
        """Show the images as HTML, with a caption: prompt, model and seed.

        Args:
            embed: Put the bytes into the HTML, so that it can still be seen when fal's
                URLs have expired.

        Raises:
            FalDownloadError: The bytes cannot be had.
        """
        from langchain_fal_image.results._html import figure  # noqa: PLC0415 - needed late

        pictures = "".join(image.to_html(embed=embed) for image in self.images)
        named = f"{self.prompt or ''} — {self.model}, seed {self.seed}"
        return figure(pictures, named)

    def _repr_html_(self) -> str:
        return self.to_html()


def is_artifact(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a value is what `ImageResult.to_artifact` gives."""
    return isinstance(value, Mapping) and value.get("type") == ARTIFACT_TYPE


def _flag(flags: Any, index: int) -> bool | None:
    if isinstance(flags, list) and index < len(flags):
        flags = flags[index]
    return flags if isinstance(flags, bool) else None
