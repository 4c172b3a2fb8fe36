"""A LangGraph loop: draw, look, edit, look again, until the critic is content.

The critic is a vision model's part: it is handed the picture as an image block. Here
a script plays it; with a chat model that sees, pass `image.to_content_block()` just
the same.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, TypedDict

from langchain_core.messages import HumanMessage
from langgraph.graph import START, StateGraph
from scripted import ScriptedCritic
from stage import OUT, provider

from langchain_fal_image import Budget, FalImageEdit, FalTextToImage, ImageResult

MOST_ROUNDS = 5


class State(TypedDict, total=False):
    """What goes round; results travel as artifacts, which a checkpoint can hold."""

    wish: str
    pictures: list[dict[str, Any]]
    critique: str


def main() -> int:
    """Draw, and mend what the critic finds."""
    critic = ScriptedCritic(wishes=["make it night", "add a red kite"])
    budget = Budget(max_images=MOST_ROUNDS)
    with provider() as (fal, served_by):
        t2i = FalTextToImage(fal=fal, budget=budget)
        edit = FalImageEdit(fal=fal, budget=budget)

        def newest(state: State) -> ImageResult:
            return ImageResult.from_artifact(state["pictures"][-1], fal=fal)

        def draw(state: State) -> State:
            return {"pictures": [t2i.invoke(state["wish"]).to_artifact()]}

        def look(state: State) -> State:
            blocks: list[Any] = [{"type": "text", "text": "What should change?"}]
            for picture in state["pictures"]:
                image = ImageResult.from_artifact(picture, fal=fal).images[0]
                blocks.append(image.to_content_block())
            answer = critic.invoke([HumanMessage(blocks)])
            return {"critique": answer.text}

        def change(state: State) -> State:
            given = {"prompt": state["critique"], "images": newest(state).images}
            return {"pictures": [*state["pictures"], edit.invoke(given).to_artifact()]}

        def is_good(state: State) -> Literal["change", "__end__"]:
            is_over = len(state["pictures"]) >= MOST_ROUNDS
            return "__end__" if state["critique"] == "good" or is_over else "change"

        graph = StateGraph(State)
        graph.add_node("draw", draw)
        graph.add_node("look", look)
        graph.add_node("change", change)
        graph.add_edge(START, "draw")
        graph.add_edge("draw", "look")
        graph.add_conditional_edges("look", is_good)
        graph.add_edge("change", "look")
        end = graph.compile().invoke({"wish": "Mount Fuji in spring"})
        results = [ImageResult.from_artifact(each, fal=fal) for each in end["pictures"]]
        for number, result in enumerate(results, start=1):
            path = result.images[0].save(OUT / "loop" / f"round_{number}")
            print(f"{path.name}: {result.prompt}")
    print(f"{budget.summary()}\nimages by: {served_by}")
    return 0 if end["critique"] == "good" else 1


if __name__ == "__main__":
    sys.exit(main())
