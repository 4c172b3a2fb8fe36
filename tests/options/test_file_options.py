"""Options that hold files are recognised, in objects and lists too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from payloads import SERVED, get_input

from langchain_fal_image.options import catalog
from langchain_fal_image.options.shape import Shape

# Names of options that hold a URL or a file of another kind than image, mask or audio:
# this package passes their values on as they are.
OTHER_FILES = {
    "video_url": "a video",
    "mask_video_url": "a video",
    "pdf_url": "a PDF document",
    "image_archive_url": "a ZIP archive of images",
    "face_images_data_url": "a ZIP archive of images",
    "speaker_voice_embedding_file_url": "an embedding (safetensors)",
    "additional_embedding_url": "an embedding",
    "base_model_url": "weights",
    "ic_light_model_url": "weights",
    "additional_lora_url": "weights",
    "lora_url": "weights",
    "control_method_url": "weights",
    "config_url": "the configuration of a model",
    "path": "weights: a URL or a name at Hugging Face",
    "image_encoder_path": "weights: a URL or a name at Hugging Face",
    "insight_face_model_path": "weights: a URL or a name at Hugging Face",
    "font_file_h1_url": "a font",
    "font_file_h2_url": "a font",
    "font_file_body_url": "a font",
    "font_file_small_url": "a font",
}
NOT_FILES = {
    "watermark": "the text of an invisible watermark",
}
_HINTS = ("image", "image_mask", "audio", "video", "archive", "url", "file")
_FILE_WORDS = ("url", "urls", "uri", "path", "file", "archive", "data")
_MEDIA_WORDS = ("image", "images", "mask", "masks", "audio", "audios", "watermark")


def find_texts(
    node: Mapping[str, Any], path: tuple[str, ...] = (), hint: str = ""
) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Iterate over all options of type string: path, format, fal's hint for them."""
    hint = str(node.get("_fal_ui_field") or node.get("ui", {}).get("field") or hint)
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from find_texts(each, path, hint)
    for name, each in node.get("properties", {}).items():
        yield from find_texts(each, (*path, name))
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield from find_texts(node[keyword], path, hint)
    if node.get("type") == "string" and not node.keys() & {"enum", "const"}:
        yield path, node.get("format", ""), hint


def find_files(shape: Shape, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return the kind of file of each option that is recognised, by its path."""
    found: dict[tuple[str, ...], str] = {}
    for each in shape.alternatives:
        if each.file:
            found[path] = each.file
        for inner in (each.items, each.extra):
            found |= find_files(inner, path) if inner else {}
        for field in each.fields.values():
            found |= find_files(field.shape, (*path, field.name))
    return found


def get_files(endpoint_id: str) -> dict[tuple[str, ...], str]:
    schema = catalog.get_schema(endpoint_id)
    assert schema is not None
    return find_files(Shape(fields=schema.fields))


def test_every_option_that_holds_a_url_is_recognised_or_listed() -> None:
    recognised, listed = 0, set()
    for endpoint_id in SERVED:
        files = get_files(endpoint_id)
        for path, format_, hint in find_texts(get_input(endpoint_id)):
            words = path[-1].split("_")
            is_media = words[-1] in _MEDIA_WORDS
            if path in files:
                recognised += 1
            elif (
                is_media
                or hint in _HINTS
                or format_ == "uri"
                or {*words} & {*_FILE_WORDS}
            ):
                listed.add(path[-1])
    assert listed == OTHER_FILES.keys() | NOT_FILES.keys()
    assert recognised > 700


@pytest.mark.parametrize(
    ("endpoint_id", "path", "kind"),
    [
        ("fal-ai/fashn/tryon/v1.6", "garment_image", "image"),
        ("fal-ai/fashn/tryon/v1.6", "model_image", "image"),
        ("fal-ai/fashn/tryon/v1.5", "garment_image", "image"),
        ("fal-ai/flux-control-lora-canny", "control_lora_image_url", "image"),
        ("fal-ai/flux-control-lora-depth", "control_lora_image_url", "image"),
        ("fal-ai/flux-general", "fill_image.fill_image_url", "image"),
        ("fal-ai/flux-general", "controlnet_unions.controls.mask_image_url", "mask"),
        ("fal-ai/lora", "ip_adapter.ip_adapter_mask_url", "mask"),
        ("fal-ai/chrono-edit-lora-gallery/paintbrush", "mask_url", "mask"),
        ("fal-ai/kling-image/o1", "elements.reference_image_urls", "image"),
        ("fal-ai/vibevoice", "speakers.audio_url", "audio"),
        ("fal-ai/workflow-utilities/impulse-response", "impulse_response_url", "audio"),
        ("bria/embed-product", "products.image_source", "image"),
    ],
)  # fmt: skip
def test_the_kind_of_a_file_is_known(endpoint_id: str, path: str, kind: str) -> None:
    assert get_files(endpoint_id)[tuple(path.split("."))] == kind
