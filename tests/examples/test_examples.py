"""Every example runs offline, as a user runs it, and writes its images."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import PIL.Image
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PARTS = {"page.py", "scripted.py", "services.py"}
SERVERS = {"mcp_server.py"}  # see test_mcp.py
IMAGES = {
    "bulk_on_ray.py": 12,
    "catalogue.py": 4,
    "character.py": 7,
    "draw_look_edit.py": 3,
    "from_a_recording.py": 1,
    "illustrated_answers.py": 1,
    "photo_chat.py": 2,
    "poster.py": 3,
}
KEYS = (
    "FAL_KEY",
    "FAL_API_KEY",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GOOGLE_API_KEY",
)


def run(name: str, folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in KEYS}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_has_a_test() -> None:
    files = {each.name for each in EXAMPLES.glob("*.py")}
    assert files - PARTS - SERVERS == set(IMAGES)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.ray if "ray" in name else pytest.mark.examples
        )
        for name in IMAGES
    ],
)
def test_an_example_writes_its_images(name: str, tmp_path: Path) -> None:
    assert "the sandbox" in run(name, tmp_path)
    files = sorted((tmp_path / "out").rglob("*.png"))
    assert len(files) == IMAGES[name]
    pixels = set()
    for file in files:
        with PIL.Image.open(file) as image:
            image.load()
            pixels.add(image.tobytes())
    assert len(pixels) == IMAGES[name]


def test_the_demo_prints_what_it_does(tmp_path: Path) -> None:
    output = run("poster.py", tmp_path)
    for words in (
        "in progress | sandbox: drawing",
        "No image was made: wrong arguments.",
        "aspect_ratio='3:4'",
        "cost: 0.08 USD (of 1 USD)",
        "prices are invented for the sandbox",
        '"image_urls": [{"step": 2, "image": 0}]',
    ):
        assert words in output
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text("utf-8"))
    assert len(recipe["steps"]) == 3
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "Spent</summary>" in page
    assert page.count("<img ") == 3


@pytest.mark.examples
def test_a_recording_becomes_an_image_with_a_spoken_caption(tmp_path: Path) -> None:
    output = run("from_a_recording.py", tmp_path)
    assert "A red kite flies over a small harbour." in output
    assert "caption: A red kite flies over a small harbour." in output
    folder = tmp_path / "out" / "recording"
    with wave.open(str(folder / "caption.wav")) as file:
        assert 1 < file.getnframes() / file.getframerate() < 5
    page = (folder / "index.html").read_text("utf-8")
    assert page.count("<img ") == page.count("<audio ") == 1
