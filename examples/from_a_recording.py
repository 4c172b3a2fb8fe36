"""A picture from a recording, and its caption read aloud.

    python examples/from_a_recording.py [RECORDING]

Without a recording, one is made: on the sandbox tones that only the sandbox
understands, on fal a voice. A chat model writes the caption; what it says is spoken.
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.prompts import ChatPromptTemplate
from scripted import ScriptedWriter
from stage import OUT, chat_model, provider

from langchain_fal_image import FalProvider
from langchain_fal_image.results._html import render_page

SCENE = "A red kite flies over a small harbour. The sun goes down behind the mountain."
CAPTION = ChatPromptTemplate(
    [
        ("system", "You write captions: one short sentence, nothing else."),
        ("human", "A caption for a picture of this: {said}"),
    ]
)


def recorded(fal: FalProvider) -> bytes:
    """Read the recording that was given, or speak one."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).read_bytes()
    return fal.speech("fal-ai/minimax/speech-02-turbo").invoke(SCENE).read()


def main() -> int:
    """Listen, draw, write a caption, and read it aloud."""
    model, written_by = chat_model(ScriptedWriter())
    place = OUT / "recording"
    with provider() as (fal, served_by):
        heard = fal.transcription().invoke(recorded(fal))
        for segment in heard.segments:
            print(f"{segment.start:6.1f} s  {segment.text.strip()}")
        drawn = fal.text_to_image().invoke(heard.text)
        reading = CAPTION | model | fal.speech(speed=0.9)
        spoken = reading.invoke({"said": heard.text})
        [image] = drawn.save(place)
        audio = spoken.save(place / "caption")
        page = render_page(
            "A picture from a recording",
            drawn.to_html(embed=True) + spoken.to_html(embed=True),
            subtitle=f"Picture and voice by {served_by}. Caption by {written_by}.",
        )
        (place / "index.html").write_text(page, encoding="utf-8")
    print(f"caption: {spoken.text}")
    print(
        f"{image.name}, {audio.name} ({spoken.duration:.1f} s), index.html in {place}"
    )
    print(f"images and audio by: {served_by}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
