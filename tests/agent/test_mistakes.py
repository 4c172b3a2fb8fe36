"""Mistakes of chat models: each is understood, or fixed in the next call.

Nothing is submitted in between.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import BaseMessage, ToolMessage
from script import Call, Script, draw, edit, make_speech, said, tool_messages

from langchain_fal_image import (
    FalImageEditTool,
    FalProvider,
    FalTextToImageTool,
    FalTranscriptionTool,
    ImageLibrary,
)
from langchain_fal_image.errors import FalInputError
from langchain_fal_image.sandbox import Sandbox

ONE_IMAGE = "fal-ai/qwen-image-edit"


@dataclass(frozen=True)
class Mistake:
    """A wrong call, and the right one that its answer leads to.

    Attributes:
        wrong: The call, or a function of the messages so far.
        answer: What the answer must say; None if the call is understood.
        right: The next call.
        sent: What the payload must hold in the end.
        edits: The endpoint of the edit tool.
        expose: Of the tool that generates.
    """

    wrong: Any
    answer: tuple[str, ...] | None = None
    right: Any = None
    sent: dict[str, Any] = field(default_factory=dict)
    edits: str = "fal-ai/qwen-image-2/edit"
    expose: tuple[str, ...] = ()


def url_of_first(messages: list[BaseMessage]) -> str:
    [text] = [each.text for each in messages if isinstance(each, ToolMessage)]
    return text.split()[-1]


def with_mangled_url(messages: list[BaseMessage]) -> list[Call]:
    url = url_of_first(messages)
    cut = len(url) - 9
    return [edit("night", url[:cut] + url[cut + 1 :])]


def with_quoted_url(messages: list[BaseMessage]) -> list[Call]:
    return [edit("night", f"<{url_of_first(messages)}>.")]


HILL = "a green hill"
MISTAKES = {
    "a wrong choice": Mistake(
        [draw(HILL, aspect_ratio="wide")],
        ("aspect_ratio='wide'", "'16:9'"),
        [draw(HILL, aspect_ratio="16:9")],
        {"image_size": "landscape_16_9"},
    ),
    "a number as text": Mistake(
        [draw(HILL, num_images="2", seed="7")], sent={"num_images": 2, "seed": 7}
    ),
    "a number in words": Mistake(
        [draw(HILL, num_images="two")],
        ("num_images='two'", "integer"),
        [draw(HILL, num_images=2)],
        {"num_images": 2},
    ),
    "a made-up handle": Mistake(
        [edit("night", "img_9")],
        ("Unknown image 'img_9'", "This conversation has img_1"),
        [edit("night", "img_1")],
    ),
    "a mangled URL": Mistake(
        with_mangled_url, ("Did you mean img_1?",), [edit("night", "img_1")]
    ),
    "a URL in brackets": Mistake(with_quoted_url),
    "camelCase names": Mistake(
        [draw(HILL, aspectRatio="16:9", numImages=2)],
        sent={"image_size": "landscape_16_9", "num_images": 2},
    ),
    "three images where one is allowed": Mistake(
        [edit("night", "img_1", "img_1", "img_1")],
        ("images", "at most 1"),
        [edit("night", "img_1")],
        edits=ONE_IMAGE,
    ),
    "an empty prompt": Mistake([draw("  ")], ("prompt", "empty"), [draw(HILL)]),
    "no prompt at all": Mistake(
        [("fal_text_to_image", {})], ("prompt", "required"), [draw(HILL)]
    ),
    "a size in words": Mistake(
        [draw(HILL, size="large landscape")],
        ("unknown argument 'size'", "aspect_ratio"),
        [draw(HILL, aspect_ratio="4:3")],
        {"image_size": "landscape_4_3"},
    ),
    "two contradicting sizes": Mistake(
        [draw(HILL, image_size="square", width=1024, height=768)],
        ("contradicts", "square", "1024"),
        [draw(HILL, width=1024, height=768)],
        {"image_size": {"width": 1024, "height": 768}},
        expose=("image_size",),
    ),
    "one side of a size": Mistake(
        [draw(HILL, width=1024)],
        ("width=1024", "without height"),
        [draw(HILL, width=1024, height=768)],
        {"image_size": {"width": 1024, "height": 768}},
        expose=("image_size",),
    ),
    "a prompt over the limit": Mistake(
        [edit("night " * 300, "img_1")],
        ("prompt", "800 characters"),
        [edit("night", "img_1")],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
@pytest.mark.parametrize("way", ["sync", "async"])
async def test_a_mistake_is_understood_or_fixed(
    mistake: Mistake, way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    draws = FalTextToImageTool(fal=fal, expose=mistake.expose)
    edits = FalImageEditTool(fal=fal, library=draws.library, model=mistake.edits)
    answers: list[Any] = [[draw("a lake")], mistake.wrong]
    if mistake.right:
        answers.append(mistake.right)
    agent = create_agent(Script(answers=[*answers, "Done."]), [draws, edits])
    given = said("Draw")
    state = agent.invoke(given) if way == "sync" else await agent.ainvoke(given)
    _, *wrong, right = tool_messages(state)
    if mistake.answer is None:
        assert wrong == []
    else:
        [refused] = wrong
        assert refused.status == "error"
        for words in (*mistake.answer, "Nothing was charged", "Next:"):
            assert words in refused.text
        assert len(refused.text) <= 1000
    assert right.status == "success", right.text
    assert fal_sandbox.submits == 2
    payload = [each.json for each in fal_sandbox.requests if each.method == "POST"][-1]
    assert mistake.sent.items() <= payload.items()


def test_a_url_with_a_typo_is_answered_with_the_handle(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    library = ImageLibrary()
    spoken = library.add(fal.speech().invoke("One."))
    tool = FalTranscriptionTool(fal=fal, library=library)
    assert tool.invoke({"audio": f"<{spoken.url}>."}).endswith("One.")
    wrong = str(spoken.url).replace("sandbox.wav", "sandbx.wav")
    assert "Did you mean audio_1?" in tool.invoke({"audio": wrong})
    assert fal_sandbox.submits == 2
    assert library.audio.handles() == ("audio_1",)
    assert library.audio.get("audio_1").url == spoken.url
    assert library.images.handles() == ()
    with pytest.raises(FalInputError, match="This conversation has audio_1"):
        library.audio.get("audio_2")


@pytest.mark.parametrize("form", ["base64", "data URI"])
def test_content_that_a_chat_model_wrote_is_refused(
    form: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    _, content = make_speech(fal)
    before = fal_sandbox.submits
    text = base64.b64encode(content).decode()
    name = text if form == "base64" else f"data:audio/wav;base64,{text}"
    answer = FalTranscriptionTool(fal=fal).invoke({"audio": name})
    assert "Name the audio by its handle or URL" in answer
    assert len(answer) < 400
    assert fal_sandbox.submits == before
