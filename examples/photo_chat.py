"""A chatbot that edits a pasted photo, turn by turn.

The user pastes the photo as base64, as chat front ends do. It is the first image of
the conversation, so its handle is `img_1`, and the first edit is `img_2`. The model
passes the handle to the tools, not the photo's bytes.
"""

from __future__ import annotations

import base64
import sys

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from scripted import ScriptedChatModel
from services import OUT, chat_model, provider

from langchain_fal_image import FalImageToolkit, FalTextToImage, ImageResult


def main() -> int:
    """Edit a photo in two turns; save the images."""
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
        answers = [each for each in state["messages"] if isinstance(each, ToolMessage)]
        for message in answers:
            result = ImageResult.from_artifact(message.artifact, fal=fal)
            inputs = [each.handle for each in result.inputs]
            [image] = result.images
            path = image.save(OUT / "photo" / str(image.handle), overwrite=True)
            print(f"{', '.join(map(str, inputs))} -> {image.handle}: {path.name}")
    print(f"images by: {served_by}")
    return 0 if len(answers) == 2 else 1  # noqa: PLR2004 - two turns


if __name__ == "__main__":
    sys.exit(main())
