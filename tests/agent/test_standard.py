"""LangChain's standard tests for tools."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from langchain_fal_image import (
    FalImageEditTool,
    FalProvider,
    FalSpeechTool,
    FalTextToImageTool,
    FalTranscriptionTool,
)

pytestmark = pytest.mark.standard


class _TextToImage:
    @pytest.fixture(autouse=True)
    def _provide(self, fal: FalProvider) -> None:
        self.fal = fal

    @property
    def tool_constructor(self) -> type[FalTextToImageTool]:
        return FalTextToImageTool

    @property
    def tool_constructor_params(self) -> dict[str, Any]:
        return {"fal": getattr(self, "fal", None)}

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"prompt": "Mount Fuji in spring", "aspect_ratio": "16:9"}


class _ImageEdit(_TextToImage):
    @property
    def tool_constructor(self) -> type[FalImageEditTool]:  # type: ignore[override]  # another tool's params are the same
        return FalImageEditTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        url = "https://v3.fal.media/files/koala/example.png"
        return {"prompt": "make it night", "images": [url]}


class _Speech(_TextToImage):
    @property
    def tool_constructor(self) -> type[FalSpeechTool]:  # type: ignore[override]  # another tool's params are the same
        return FalSpeechTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"text": "Mount Fuji in spring", "speed": 1.2}


class _Transcription(_TextToImage):
    @property
    def tool_constructor(self) -> type[FalTranscriptionTool]:  # type: ignore[override]  # another tool's params are the same
        return FalTranscriptionTool

    @property
    def tool_invoke_params_example(self) -> dict[str, Any]:
        return {"audio": "https://v3.fal.media/files/koala/example.mp3"}


class TestTextToImageUnit(_TextToImage, ToolsUnitTests):
    pass


class TestImageEditUnit(_ImageEdit, ToolsUnitTests):
    pass


class TestTextToImageStandard(_TextToImage, ToolsIntegrationTests):
    pass


class TestImageEditStandard(_ImageEdit, ToolsIntegrationTests):
    pass


class TestSpeechUnit(_Speech, ToolsUnitTests):
    pass


class TestTranscriptionUnit(_Transcription, ToolsUnitTests):
    pass


class TestSpeechStandard(_Speech, ToolsIntegrationTests):
    pass


class TestTranscriptionStandard(_Transcription, ToolsIntegrationTests):
    pass
