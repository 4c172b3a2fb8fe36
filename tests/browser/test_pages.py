"""The HTML pages in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

from langchain_fal_image import FalProvider, FalTextToImage
from langchain_fal_image.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


def run_chromium(url: str, home: Path, *options: str) -> str:
    """Open a page for three seconds of virtual time; return what Chromium prints."""
    usual = (
        "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync "
        "--virtual-time-budget=3000"
    )
    done = subprocess.run(
        [
            str(CHROMIUM),
            *usual.split(),
            f"--user-data-dir={home / 'home'}",
            *options,
            url,
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=90,
    )
    return done.stdout


def count_colours(path: Path) -> int:
    with PIL.Image.open(path) as image:
        small = image.convert("RGB").resize((200, 200))
        return len(small.getcolors(maxcolors=200 * 200) or ())


def test_the_dashboard_shows_requests_and_escapes_their_texts(
    fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    t2i = FalTextToImage(fal=fal, check_options=False)
    t2i.invoke({"prompt": "a <b>red</b> kite", "seed": 7})
    t2i.submit({"prompt": "too many", "num_images": 99})
    fal_sandbox.wait_for(lambda sandbox: sandbox.submits == 2)
    page = run_chromium(fal_sandbox.url, tmp_path, "--dump-dom")
    assert "2 requests" in page
    assert "a &lt;b&gt;red&lt;/b&gt; kite" in page
    assert "COMPLETED, 422" in page
    assert "num_images: Input should be less than or equal to 4" in page
    assert f'<img src="{fal_sandbox.url}/files/' in page
    assert "seed: 7" in page
    shot = tmp_path / "page.png"
    run_chromium(
        fal_sandbox.url, tmp_path, f"--screenshot={shot}", "--window-size=900,900"
    )
    assert count_colours(shot) > 500  # an image, not only text


def test_the_dashboard_shows_speech_and_transcriptions(
    fal: FalProvider, fal_sandbox: Sandbox, tmp_path: Path
) -> None:
    speech = fal.speech().invoke("A <red> kite.")
    fal.transcription(diarize=False).invoke(speech)
    page = run_chromium(fal_sandbox.url, tmp_path, "--dump-dom")
    assert "A &lt;red&gt; kite." in page
    assert f'<audio src="{speech.url}"' in page
    assert "\u201cA &lt;red&gt; kite.\u201d" in page


def test_the_page_of_a_run_shows_its_images(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if "KEY" not in name
    }
    subprocess.run(
        [sys.executable, str(ROOT / "examples" / "poster.py")],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env=environment,
        timeout=90,
    )
    page = (tmp_path / "out" / "index.html").as_uri()
    assert run_chromium(page, tmp_path, "--dump-dom").count("<img ") == 3
    shot = tmp_path / "page.png"
    run_chromium(page, tmp_path, f"--screenshot={shot}", "--window-size=800,1600")
    assert count_colours(shot) > 2000
