"""`python -m langchain_fal_image` prints endpoints and their options as tables."""

from __future__ import annotations

import pytest

from langchain_fal_image.__main__ import main

Captured = pytest.CaptureFixture[str]


def test_an_endpoint_of_another_kind_says_what_it_makes(capsys: Captured) -> None:
    assert main(["describe", "fal-ai/veo3"]) == 1
    assert "It makes videos." in capsys.readouterr().err


def test_endpoints_are_listed_and_counted(capsys: Captured) -> None:
    assert main(["endpoints"]) == 0
    assert "629 of 629 image endpoints" in capsys.readouterr().out
    assert main(["endpoints", "qwen", "image-2", "--takes-images"]) == 0
    out = capsys.readouterr().out
    assert "fal-ai/qwen-image-2/edit" in out
    assert "up to 6" in out
    assert main(["endpoints", "no such words"]) == 1


def test_endpoints_are_found_by_kind(capsys: Captured) -> None:
    assert main(["endpoints", "--kind", "transcription"]) == 0
    out = capsys.readouterr().out
    assert "fal-ai/whisper" in out
    assert "8 of 8 transcription endpoints" in out
    assert main(["endpoints", "minimax", "--kind", "speech"]) == 0
    assert "of 136 speech endpoints" in capsys.readouterr().out


def test_the_options_of_an_endpoint_are_listed(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["describe", "fal-ai/qwen-image"]) == 0
    out = capsys.readouterr().out
    assert "prompt *" in out
    assert "guidance_scale" in out
    assert "0 to 20" in out
    assert max(map(len, out.splitlines())) <= 100
    assert main(["describe", "fal-ai/wizper"]) == 0
    assert "audio_url *" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("endpoint_id", "nearest"),
    [
        ("fal-ai/qwen-imag", "fal-ai/qwen-image"),
        ("fal-ai/wisper", "fal-ai/whisper"),
    ],
)
def test_an_unknown_endpoint_is_an_error_that_names_the_nearest(
    capsys: Captured, endpoint_id: str, nearest: str
) -> None:
    assert main(["describe", endpoint_id]) == 1
    assert f"Did you mean {nearest}" in capsys.readouterr().err
