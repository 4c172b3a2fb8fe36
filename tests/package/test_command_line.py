"""`python -m langchain_fal_image`: tables that a person reads."""

from __future__ import annotations

import pytest

from langchain_fal_image.__main__ import main

Captured = pytest.CaptureFixture[str]


def test_endpoints_are_listed_and_counted(capsys: Captured) -> None:
    assert main(["endpoints"]) == 0
    assert "539 of 539 image endpoints" in capsys.readouterr().out
    assert main(["endpoints", "qwen", "image-2", "--takes-images"]) == 0
    out = capsys.readouterr().out
    assert "fal-ai/qwen-image-2/edit" in out
    assert "up to 6" in out
    assert main(["endpoints", "no such words"]) == 1


def test_endpoints_are_found_by_what_they_make(capsys: Captured) -> None:
    assert main(["endpoints", "--kind", "transcription"]) == 0
    out = capsys.readouterr().out
    assert "fal-ai/whisper" in out
    assert "4 of 4 transcription endpoints" in out
    assert main(["endpoints", "minimax", "--kind", "speech"]) == 0
    assert "of 86 speech endpoints" in capsys.readouterr().out
    assert main(["describe", "fal-ai/wizper"]) == 0
    assert "audio_url *" in capsys.readouterr().out
    assert main(["describe", "fal-ai/wisper"]) == 1
    assert "Did you mean fal-ai/whisper" in capsys.readouterr().err


def test_an_endpoints_options_are_told(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["describe", "fal-ai/qwen-image"]) == 0
    out = capsys.readouterr().out
    assert "prompt *" in out
    assert "guidance_scale" in out
    assert "0 to 20" in out
    assert max(map(len, out.splitlines())) <= 100


def test_an_unknown_endpoint_is_told_with_the_nearest(capsys: Captured) -> None:
    assert main(["describe", "fal-ai/qwen-imag"]) == 1
    assert "Did you mean fal-ai/qwen-image" in capsys.readouterr().err
