"""A prompt as an object of text, images and mask, as the AI SDK passes it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from service import QWEN, URL, Fal

from langchain_fal_image import FalImageEdit, FalTextToImage
from langchain_fal_image.errors import FalOptionError

EDIT = "fal-ai/qwen-image-2/edit"

SECOND = URL.replace("a.png", "b.png")

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\0\0\0\x02\0\x08\x02" + b"\0" * 40


@pytest.fixture
def service() -> Fal:
    return Fal()


def test_images_are_whatever_the_option_images_takes(service: Fal) -> None:
    made = service.answered({"images": [{"url": URL}, {"url": SECOND}]})
    edit = service.provider().image(EDIT)
    for images in (made, [made], list(made.images), [URL, SECOND]):
        payload = edit.payload({"prompt": {"text": "p", "images": images}}).payload
        sent = [getattr(each, "url", each) for each in payload["image_urls"]]
        assert sent == [URL, SECOND]


@pytest.mark.parametrize("image", [PNG, base64.b64encode(PNG).decode()])
def test_bytes_and_base64_are_sent_as_data_uris(image: Any, service: Fal) -> None:
    result = (
        service.provider()
        .image(EDIT)
        .invoke({"prompt": {"text": "p", "images": [image]}})
    )
    assert b'"data:image/png;base64,' in service.requests[0].content
    assert result.inputs[0].sha256


def test_a_bound_prompt_object_is_overridden_part_by_part(service: Fal) -> None:
    prompt = {"text": "p", "images": [URL]}
    edit = FalImageEdit(EDIT, fal=service.provider(), prompt=prompt)
    assert edit.payload({}).payload == {"prompt": "p", "image_urls": [URL]}
    assert edit.payload("q").payload == {"prompt": "q", "image_urls": [URL]}
    later = edit.payload({"prompt": {"images": [SECOND]}})
    assert later.payload == {"prompt": "p", "image_urls": [SECOND]}


def test_equal_values_beside_it_are_accepted_and_others_refused(service: Fal) -> None:
    edit = FalImageEdit(EDIT, fal=service.provider())
    same = {"prompt": {"text": "p", "images": [URL]}, "images": [URL]}
    assert edit.payload(same).payload == {"prompt": "p", "image_urls": [URL]}
    for name in ("images", "files", "image_urls", "imageUrls"):
        with pytest.raises(FalOptionError, match="contradicts"):
            edit.payload({"prompt": {"images": [URL]}, name: [SECOND]})


def test_unknown_parts_and_missing_texts_are_refused(service: Fal) -> None:
    edit = FalImageEdit(EDIT, fal=service.provider())
    with pytest.raises(FalOptionError, match=r"prompt\.image is.*text, images, mask"):
        edit.payload({"prompt": {"text": "p", "image": URL}})
    with pytest.raises(FalOptionError, match="prompt=None is missing"):
        edit.payload({"prompt": {"images": [URL]}})


def test_text_to_image_treats_images_as_it_treats_the_option(service: Fal) -> None:
    t2i = FalTextToImage(QWEN, fal=service.provider())
    assert t2i.payload({"prompt": {"text": "p"}}).payload == {"prompt": "p"}
    with pytest.raises(FalOptionError, match="the endpoint takes no images"):
        t2i.payload({"prompt": {"text": "p", "images": [URL]}})


def test_an_unknown_endpoint_gets_the_usual_names(service: Fal) -> None:
    edit = FalImageEdit("fal-ai/brand-new/edit", fal=service.provider())
    prompt = {"text": "p", "images": [URL], "mask": SECOND}
    sent = {"prompt": "p", "image_url": URL, "mask_url": SECOND}
    assert edit.payload({"prompt": prompt}).payload == sent
    several = edit.payload({"prompt": prompt, "use_multiple_images": True}).payload
    assert several["image_urls"] == [URL]
    own = edit.payload({"prompt": "p", "imageUrl": URL, "useMultipleImages": True})
    assert own.payload == {"prompt": "p", "image_url": URL}
