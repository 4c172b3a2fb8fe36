"""The rows on results and errors of images."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from service import QWEN, URL, Fal, Rows

from langchain_fal_image.errors import (
    FalDownloadError,
    FalInvalidInputError,
    FalServerError,
)

row = Rows()


@row
def one_image_answers(service: Fal) -> None:
    assert service.answered({"image": {"url": URL}}).images[0].url == URL


@row
def nsfw(service: Fal) -> None:
    for name in ("has_nsfw_concepts", "nsfw_content_detected"):
        result = service.answered({"images": [{"url": URL}], name: [True]})
        assert result.images[0].nsfw is True
        assert result.provider_metadata["fal"]["images"][0]["nsfw"] is True
        assert name not in result.provider_metadata["fal"]


@row
def image_metadata(service: Fal) -> None:
    entry = {"url": URL, "content_type": "image/png", "file_size": 7, "width": 5}
    result = service.answered({"images": [entry]})
    assert result.provider_metadata["fal"]["images"] == [
        {"url": URL, "contentType": "image/png", "fileSize": 7, "width": 5}
    ]


@row
def answer_metadata(service: Fal) -> None:
    output = {"images": [{"url": URL}], "prompt": "q", "seed": 3, "debug": {"a": 1}}
    result = service.answered(output)
    metadata = result.provider_metadata["fal"]
    assert metadata == {"images": [{"url": URL}], "seed": 3, "debug": {"a": 1}}
    assert result.prompt == "p"


@row
def file_data(service: Fal) -> None:
    entry = {"url": URL, "file_data": "not base64"}
    result = service.answered({"images": [entry]})
    [image] = result.provider_metadata["fal"]["images"]
    assert image["fileData"] == "not base64"
    entry["file_data"] = base64.b64encode(bytes(60)).decode()
    result = service.answered({"images": [entry]})
    [image] = result.provider_metadata["fal"]["images"]
    assert image["fileData"].startswith("sha256:")


@row
def first_image(service: Fal) -> None:
    result = service.answered({"images": [{"url": URL}, {"url": "https://b.c/d"}]})
    assert result.image == result.images[0]


@row
def response(service: Fal) -> None:
    service.headers = {"x-own": "1", "set-cookie": "session=secret"}
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    result = service.answered({"images": [{"url": URL}]})
    assert result.response.model_id == QWEN
    assert before <= result.response.timestamp <= datetime.now(UTC)
    assert result.response.headers["x-own"] == "1"
    assert "set-cookie" not in result.response.headers
    restored = type(result).from_artifact(result.to_artifact()).response
    assert (restored.model_id, restored.headers) == (QWEN, {})
    assert restored.timestamp == result.response.timestamp


@row
def downloads(service: Fal) -> None:
    result = service.answered({"images": [{"url": "http://127.0.0.1:1/a.png"}]})
    submits = len(service.requests)
    with pytest.raises(FalDownloadError):
        result.images[0].read()
    assert len(service.requests) == submits


@row
def odd_answers(service: Fal) -> None:
    output = {"images": [{"url": URL, "width": "wide"}], "seed": "x", "timings": 3}
    result = service.answered(output)
    assert result.images[0].url == URL
    assert result.raw == output


def refused(service: Fal, body: Any) -> str:
    service.status, service.output = 422, body
    with pytest.raises(FalInvalidInputError) as caught:
        service.sent()
    return str(caught.value)


@row
def validation_errors(service: Fal) -> None:
    detail = {"loc": ["body", "image_urls", 0], "msg": "not there", "type": "x"}
    assert "image_urls.0: not there" in refused(service, {"detail": [detail]})


@row
def text_errors(service: Fal) -> None:
    assert "one" in refused(service, {"message": "one"})
    assert "two" in refused(Fal(), {"detail": "two"})


@row
def retries(service: Fal) -> None:
    service.submit_status = 500
    with pytest.raises(FalServerError):
        service.sent()
    assert len(service.requests) == 1
