"""A LangGraph loop that edits an image until a critic is satisfied.

The critic receives the images as content blocks. Here it is scripted; a chat model with
vision accepts the same `image.to_content_block()`.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, TypedDict

from langchain_core.messages import HumanMessage
from langgraph.graph import START, StateGraph
from scripted import ScriptedCritic
from services import OUT, provider

from langchain_fal_image import Budget, FalImageEdit, FalTextToImage, ImageResult

MAX_IMAGES = 5


class State(TypedDict, total=False):
    """The graph's state. Images are artifacts, which a checkpoint can store."""

    prompt: str
    artifacts: list[dict[str, Any]]
    critique: str


def main() -> int:
    """Draw an image and make the changes that the critic requests."""
    critic = ScriptedCritic(changes=["make it night", "add a red kite"])
    budget = Budget(max_images=MAX_IMAGES)
    with provider() as (fal, served_by):
        t2i = FalTextToImage(fal=fal, budget=budget)
        edit = FalImageEdit(fal=fal, budget=budget)

        def newest(state: State) -> ImageResult:
            return ImageResult.from_artifact(state["artifacts"][-1], fal=fal)

        def draw(state: State) -> State:
            return {"artifacts": [t2i.invoke(state["prompt"]).to_artifact()]}

        def look(state: State) -> State:
            blocks: list[Any] = [{"type": "text", "text": "What should change?"}]
            for artifact in state["artifacts"]:
                image = ImageResult.from_artifact(artifact, fal=fal).images[0]
                blocks.append(image.to_content_block())
            answer = critic.invoke([HumanMessage(blocks)])
            return {"critique": answer.text}

        def change(state: State) -> State:
            options = {"prompt": state["critique"], "images": newest(state).images}
            return {
                "artifacts": [*state["artifacts"], edit.invoke(options).to_artifact()]
            }

        def choose_next(state: State) -> Literal["change", "__end__"]:
            is_over = len(state["artifacts"]) >= MAX_IMAGES
            return "__end__" if state["critique"] == "good" or is_over else "change"

        graph = StateGraph(State)
        graph.add_node("draw", draw)
        graph.add_node("look", look)
        graph.add_node("change", change)
        graph.add_edge(START, "draw")
        graph.add_edge("draw", "look")
        graph.add_conditional_edges("look", choose_next)
        graph.add_edge("change", "look")
        end = graph.compile().invoke({"prompt": "Mount Fuji in spring"})
        results = [
            ImageResult.from_artifact(each, fal=fal) for each in end["artifacts"]
        ]
        for number, result in enumerate(results, start=1):
            path = result.images[0].save(
                OUT / "loop" / f"round_{number}", overwrite=True
            )
            print(f"{path.name}: {result.prompt}")
    print(f"{budget.summary()}\nimages by: {served_by}")
    return 0 if end["critique"] == "good" else 1


if __name__ == "__main__":
    sys.exit(main())
