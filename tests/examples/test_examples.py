"""Every example runs as a user would run it, offline, and leaves its pictures."""

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
PARTS = {"page.py", "scripted.py", "stage.py"}
SERVERS = {"mcp_server.py"}  # asked by test_mcp.py
PICTURES = {
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


def run(name: str, place: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if key not in KEYS}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_example_is_run() -> None:
    assert {each.name for each in EXAMPLES.glob("*.py")} - PARTS - SERVERS == set(
        PICTURES
    )


@pytest.mark.parametrize("name", PICTURES)
def test_an_example(name: str, tmp_path: Path) -> None:
    if "ray" in name:
        pytest.importorskip("ray")
    told = run(name, tmp_path)
    assert "the sandbox" in told
    pictures = sorted((tmp_path / "out").rglob("*.png"))
    assert len(pictures) == PICTURES[name]
    seen = set()
    for each in pictures:
        with PIL.Image.open(each) as picture:
            picture.load()
            seen.add(picture.tobytes())
    assert len(seen) == PICTURES[name]


def test_the_demo_shows_what_it_should(tmp_path: Path) -> None:
    told = run("poster.py", tmp_path)
    for words in (
        "in progress | sandbox: drawing",
        "No image was made: wrong arguments.",
        "aspect_ratio='3:4'",
        "cost: 0.08 USD (of 1 USD)",
        "prices made up for the sandbox",
        '"image_urls": [{"step": 2, "image": 0}]',
    ):
        assert words in told
    recipe = json.loads((tmp_path / "out" / "recipe.json").read_text("utf-8"))
    assert len(recipe["steps"]) == 3
    page = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert "What was spent" in page
    assert page.count("<img ") == 3


def test_a_recording_is_drawn_and_its_caption_spoken(tmp_path: Path) -> None:
    told = run("from_a_recording.py", tmp_path)
    assert "A red kite flies over a small harbour." in told
    assert "caption: A red kite flies over a small harbour." in told
    place = tmp_path / "out" / "recording"
    with wave.open(str(place / "caption.wav")) as file:
        assert 1 < file.getnframes() / file.getframerate() < 5
    page = (place / "index.html").read_text("utf-8")
    assert page.count("<img ") == page.count("<audio ") == 1
