"""An agent draws a poster, edits it twice by its handle, and saves the files.

Runs on fal if FAL_API_KEY or FAL_KEY is set (this costs money), else on the sandbox,
an offline stand-in for fal. The chat model is a real one if OPENAI_API_KEY,
ANTHROPIC_API_KEY or GOOGLE_API_KEY is set, else a scripted one. The demo shows
progress, a failed call that the model corrects, what was spent, and the recipe of the
last image. It writes the images, a page and the recipe to `out/`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from page import write_page
from scripted import ScriptedChatModel
from services import OUT, chat_model, provider

from langchain_fal_image import Budget, FalImageToolkit, FalProvider, ImageResult

THREAD = {"configurable": {"thread_id": "poster"}}
TURNS = (
    "Draw a poster of Mount Fuji in spring, with cherry blossoms.",
    "Make it night.",
    "Add a red kite, same image.",
)
SYSTEM = (
    "You make images with your tools. Draw with fal_text_to_image. Change an existing "
    "image with fal_image_edit, and name the image by its handle. Call one tool once "
    "for each request, then answer in one sentence that names the handle."
)


def print_update(update: dict[str, Any]) -> None:
    """Print one status update."""
    line = f"    … {update['status'].lower().replace('_', ' ')}"
    if (position := update.get("queue_position")) is not None:
        line += f", position {position}"
    for log in update.get("logs", ()):
        line += f" | {log}"
    print(line)


async def converse(agent: Any, text: str) -> list[Any]:
    """Run one turn of the conversation and print its messages."""
    print(f"\nyou: {text}")
    messages: list[Any] = []
    turn = {"messages": [HumanMessage(text)]}
    async for kind, chunk in agent.astream(
        turn, THREAD, stream_mode=["updates", "custom"]
    ):
        if kind == "custom":
            print_update(chunk)
            continue
        for update in chunk.values():
            for message in (update or {}).get("messages", ()):
                print_message(message)
                messages.append(message)
    return messages


def print_message(message: Any) -> None:
    """Print one message."""
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            arguments = ", ".join(f"{k}={v!r}" for k, v in call["args"].items())
            print(f"  agent calls {call['name']}({arguments})")
        if text := message.text:
            print(f"agent: {text}")
    elif isinstance(message, ToolMessage):
        print("  tool: " + message.text.replace("\n", "\n        "))


async def save(messages: list[Any], fal: FalProvider) -> dict[str, str]:
    """Save the turn's images; return their file names by handle."""
    files = {}
    for message in messages:
        if isinstance(message, ToolMessage) and message.status == "success":
            result = ImageResult.from_artifact(message.artifact, fal=fal)
            for image in result.images:
                path = await image.asave(OUT / str(image.handle), overwrite=True)
                files[str(image.handle)] = path.name
                print(f"  saved {path.relative_to(OUT.parent)}")
    return files


async def main() -> int:
    """Run the conversation; write its images and a page to `out/`."""
    OUT.mkdir(exist_ok=True)
    model, model_name = chat_model(ScriptedChatModel())
    budget = Budget(max_images=9, max_cost=1, assumed_price=0.05)
    with provider(queue_seconds=0.4, run_seconds=0.8) as (service, service_name):
        print(f"images by: {service_name}\nchat model: {model_name}")
        toolkit = FalImageToolkit(fal=service, budget=budget)
        agent = create_agent(
            model,
            toolkit.get_tools(),
            system_prompt=SYSTEM,
            checkpointer=InMemorySaver(),
        )
        transcript: list[Any] = []
        files: dict[str, str] = {}
        for text in TURNS:
            messages = await converse(agent, text)
            transcript += [HumanMessage(text), *messages]
            files |= await save(messages, service)
        await service.aclose()
        served_by = (service_name, model_name)
        results = toolkit.library.results(thread="poster")
    account = budget.summary()
    if "sandbox" in service_name:
        account += "\n(The prices are invented for the sandbox.)"
    print(f"\nSpent:\n{account}")
    recipe = results[-1].recipe(library=toolkit.library) if results else {}
    recipe_json = json.dumps(recipe, indent=2, ensure_ascii=False)
    (OUT / "recipe.json").write_text(recipe_json, encoding="utf-8")
    print("\nRecipe of the last image, for replay() (out/recipe.json):")
    for number, step in enumerate(recipe.get("steps", ()), start=1):
        options = {
            key: value
            for key, value in step["options"].items()
            if key in ("prompt", "seed", "image_urls")
        }
        print(f"  {number}. {step['model']} {json.dumps(options, ensure_ascii=False)}")
    notes = {"Spent": account, "Recipe of the last image": recipe_json}
    page = write_page(
        OUT / "index.html", transcript, files, served_by=served_by, notes=notes
    )
    print(f"\n{len(files)} images and {page.relative_to(OUT.parent)}")
    return 0 if files else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
