"""A chatbot that is given a photo and changes it, turn by turn.

The user pastes the photo as base64, as chat front ends do. It is the first image of
the conversation, so it is `img_1`; the model never sees or repeats its bytes, and
`img_2` is the first change.
"""

from __future__ import annotations

import base64
import sys

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from scripted import ScriptedChatModel
from stage import OUT, chat_model, provider

from langchain_fal_image import FalImageToolkit, FalTextToImage, ImageResult


def main() -> int:
    """Have two turns about one photo; save what comes out."""
    model, _ = chat_model(ScriptedChatModel())
    with provider() as (fal, served_by):
        photo = FalTextToImage(fal=fal).invoke("a cat on a red sofa").images[0].read()
        pasted = {
            "type": "image",
            "base64": base64.b64encode(photo).decode("ascii"),
            "mime_type": "image/png",
        }
        agent = create_agent(
            model, FalImageToolkit(fal=fal).get_tools(), checkpointer=InMemorySaver()
        )
        thread: RunnableConfig = {"configurable": {"thread_id": "photo"}}
        first = HumanMessage([{"type": "text", "text": "Make it night."}, pasted])
        agent.invoke({"messages": [first]}, thread)
        second = HumanMessage("Give it a green hat.")
        state = agent.invoke({"messages": [second]}, thread)
        told = [each for each in state["messages"] if isinstance(each, ToolMessage)]
        for message in told:
            result = ImageResult.from_artifact(message.artifact, fal=fal)
            given = [each.handle for each in result.inputs]
            [image] = result.images
            path = image.save(OUT / "photo" / str(image.handle))
            print(f"{', '.join(map(str, given))} -> {image.handle}: {path.name}")
    print(f"images by: {served_by}")
    return 0 if len(told) == 2 else 1  # noqa: PLR2004 - two turns


if __name__ == "__main__":
    sys.exit(main())
