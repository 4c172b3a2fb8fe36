"""An image made from a recording, and its caption as speech.

    python examples/from_a_recording.py [RECORDING]

If you pass no recording, the example generates one. On fal it is a voice; on the
sandbox it is tones that only the sandbox can transcribe. A chat model writes the
caption.
"""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_core.prompts import ChatPromptTemplate
from page import render_page
from scripted import ScriptedWriter
from services import OUT, chat_model, provider

from langchain_fal_image import FalProvider

SCENE = "A red kite flies over a small harbour. The sun goes down behind the mountain."
CAPTION = ChatPromptTemplate(
    [
        ("system", "You write captions: one short sentence, nothing else."),
        ("human", "A caption for an image of this: {text}"),
    ]
)


def read_recording(fal: FalProvider) -> bytes:
    """Read the recording from the command line, or generate one."""
    if len(sys.argv) > 1:
        return Path(sys.argv[1]).read_bytes()
    return fal.speech("fal-ai/minimax/speech-02-turbo").invoke(SCENE).read()


def main() -> int:
    """Transcribe the recording, draw it, and generate a spoken caption."""
    model, written_by = chat_model(ScriptedWriter())
    folder = OUT / "recording"
    with provider() as (fal, served_by):
        transcription = fal.transcription().invoke(read_recording(fal))
        for segment in transcription.segments:
            print(f"{segment.start:6.1f} s  {segment.text.strip()}")
        drawing = fal.text_to_image().invoke(transcription.text)
        chain = CAPTION | model | fal.speech(speed=0.9)
        caption = chain.invoke({"text": transcription.text})
        [image] = drawing.save(folder, overwrite=True)
        audio = caption.save(folder / "caption", overwrite=True)
        page = render_page(
            "An image from a recording",
            drawing.to_html(embed=True) + caption.to_html(embed=True),
            subtitle=f"Image and voice by {served_by}. Caption by {written_by}.",
        )
        (folder / "index.html").write_text(page, encoding="utf-8")
    print(f"caption: {caption.text}")
    print(
        f"{image.name}, {audio.name} ({caption.duration:.1f} s), index.html in {folder}"
    )
    print(f"images and audio by: {served_by}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
