"""What a model reads of a failure, and what middleware may do with our tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from script import Script, draw, edit, said, thread, tool_messages, wait

from langchain_fal_image import (
    Budget,
    FalImageEditTool,
    FalImageToolkit,
    FalProvider,
    FalTextToImageTool,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

Ways = pytest.mark.parametrize("way", ["sync", "async"])


async def run(agent: Any, text: str, way: str, name: str = "one") -> Any:
    if way == "sync":
        return await asyncio.to_thread(agent.invoke, said(text), thread(name))
    return await agent.ainvoke(said(text), thread(name))


def agent_of(fal: FalProvider, *answers: Any, **more: Any) -> Any:
    settings = {"wait": more.pop("wait", False), "budget": more.pop("budget", None)}
    tools = FalImageToolkit(fal=fal, **settings).get_tools()
    more.setdefault("checkpointer", InMemorySaver())
    return create_agent(Script(answers=list(answers)), tools, **more)


def refuse(status: int, kind: str, **more: Any) -> Callable[[Sandbox], None]:
    detail = [{"loc": ["body", "prompt"], "msg": f"fal says {kind}", "type": kind}]
    body = {"detail": detail}
    return lambda sandbox: sandbox.faults.respond("result", status, body, **more)


MODERATED = refuse(422, "content_policy_violation")
UNREADABLE = refuse(422, "image_load_error")
Case = tuple[Callable[[Sandbox], None], str, tuple[str, ...]]
CASES: dict[str, Case] = {
    "moderation": (MODERATED, "Change the prompt", ("content_policy", "charged")),
    "an unreadable input": (UNREADABLE, "Change the", ("image_load_error",)),
    "fal fails": (
        refuse(500, "internal_server_error", headers={"x-fal-request-id": "r"}),
        "fal's fault",
        ("internal_server_error", "Nothing was charged"),
    ),
}


@Ways
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_what_a_model_can_mend_is_told(case: Case, way: str) -> None:
    fault, step, words = case
    with Sandbox() as sandbox:
        fault(sandbox)
        fal = sandbox.provider(timeout=5)
        state = await run(agent_of(fal, [draw("a hill")], "I see."), "Draw", way)
        [told] = tool_messages(state)
        assert told.status == "error"
        assert told.text.startswith("No image was made.")
        assert "charged" in told.text
        assert step in told.text.partition("Next: ")[2]
        for word in words:
            assert word in told.text
        assert sandbox.submits == 1


@Ways
async def test_a_rate_limit_is_told_and_costs_nothing(way: str) -> None:
    with Sandbox() as sandbox:
        headers = {"retry-after": "60"}
        body = {"detail": "slow down"}
        sandbox.faults.respond("submit", 429, body, headers=headers, times=9)
        agent = agent_of(sandbox.provider(timeout=2), [draw("a hill")], "I see.")
        [told] = tool_messages(await run(agent, "Draw", way))
        assert told.status == "error"
        assert "Nothing was charged" in told.text
        assert "Wait a little" in told.text
        assert sandbox.submits == 0


@Ways
@pytest.mark.parametrize("status", [401, 403])
async def test_what_only_a_person_can_mend_raises(way: str, status: int) -> None:
    with Sandbox() as sandbox:
        body = {"detail": "User is locked. Reason: Exhausted balance."}
        sandbox.faults.respond("submit", status, body)
        agent = agent_of(sandbox.provider(), [draw("a hill")], "No.")
        with pytest.raises(errors.FalAuthError, match="Exhausted balance"):
            await run(agent, "Draw", way)


# --- Taking up what was paid for ---


@Ways
async def test_a_timeout_is_taken_up_by_the_model(way: str) -> None:
    budget = Budget(max_images=3)
    with Sandbox(run_seconds=1.5) as sandbox:
        fal = sandbox.provider(timeout=0.3)
        agent = agent_of(
            fal,
            [draw("a green hill", seed=7)],
            [wait("req_1")],
            [wait("req_4")],
            "No.",
            wait=True,
            budget=budget,
        )
        state = await run(agent, "Draw", way)
        late, again, unknown = tool_messages(state)
        assert "Call fal_wait with request='req_1'" in late.text
        assert late.artifact["handle"] == "req_1"
        assert again.status == "error"
        assert "Call fal_wait with request='req_1'" in again.text
        assert "Known requests: req_1" in unknown.text
        assert "maybe charged" in budget.summary()
        sandbox.wait_for(lambda each: each.most_in_flight >= 1)
        patient = sandbox.provider(timeout=30)
        saver = agent.checkpointer
        # Another process, which knows only the messages.
        other = agent_of(
            patient, [wait("REQ 1")], [edit("night", "img_1")], "Done.",
            wait=True, budget=budget, checkpointer=saver,
        )  # fmt: skip
        state = await run(other, "And now?", way)
        *_, found, edited = tool_messages(state)
        assert found.artifact["handles"] == ["img_1"]
        assert found.artifact["options"]["prompt"] == "a green hill"
        assert "seed 7" in found.text
        assert edited.artifact["handles"] == ["img_2"]
        assert sandbox.submits == 2
        assert budget.images == 2
        assert [each.charged for each in budget.spendings()] == ["yes", "yes"]
        assert [each.handles for each in budget.spendings()] == [("img_1",), ("img_2",)]


def test_without_the_tool_that_waits_the_user_is_to_be_told() -> None:
    with Sandbox(run_seconds=30) as sandbox:
        tool = FalTextToImageTool(fal=sandbox.provider(timeout=0.3))
        call = {"name": tool.name, "args": {"prompt": "a"}, "id": "1"}
        told = tool.invoke({**call, "type": "tool_call"})
        assert "Tell the user" in told.text
        assert "req_1" in told.text
        assert "paid twice" in told.text


# --- Middleware ---

RETRIES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "whatever it is": {"retry_on": (Exception,)},
}


def retrying(fal: FalProvider, how: str, **settings: Any) -> Any:
    """Make an agent whose tool raises, and a middleware that calls it again."""
    tool = FalTextToImageTool(fal=fal, handle_tool_error=False, **settings)
    middleware = ToolRetryMiddleware(
        max_retries=3, initial_delay=0, jitter=False, on_failure="continue",
        **RETRIES[how],
    )  # fmt: skip
    answers = [[draw("a hill")], "Done."]
    return create_agent(Script(answers=answers), [tool], middleware=[middleware])


async def ends_badly(agent: Any, how: str, way: str) -> None:
    if how == "as it comes":
        with pytest.raises(errors.FalError):
            await run(agent, "Draw", way)
    else:
        [told] = tool_messages(await run(agent, "Draw", way))
        assert told.status == "error"


@Ways
@pytest.mark.parametrize("how", RETRIES)
async def test_retries_after_a_timeout_never_submit_again(how: str, way: str) -> None:
    with Sandbox(run_seconds=0.9) as sandbox:
        agent = retrying(sandbox.provider(timeout=0.4), how)
        if how == "as it comes":
            with pytest.raises(errors.FalTimeoutError):
                await run(agent, "Draw", way)
        else:
            [told] = tool_messages(await run(agent, "Draw", way))
            # A later try found what the first had paid for.
            assert told.artifact["handles"] == ["img_1"]
        assert sandbox.submits == 1


@Ways
@pytest.mark.parametrize("how", RETRIES)
async def test_retries_after_a_lost_answer_never_submit_again(
    how: str, way: str
) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.drop("submit")
        await ends_badly(retrying(sandbox.provider(), how), how, way)
        assert sandbox.submits == 1


@Ways
@pytest.mark.parametrize("how", RETRIES)
async def test_retries_after_a_failed_job_never_submit_again(
    how: str, way: str
) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.respond("result", 422, {"detail": "no"}, times=9)
        await ends_badly(retrying(sandbox.provider(timeout=5), how), how, way)
        assert sandbox.submits == 1


@Ways
async def test_what_was_surely_not_taken_is_sent_again(way: str) -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider(timeout=0.5)
        headers = {"retry-after": "9"}
        sandbox.faults.respond("submit", 429, {}, headers=headers)
        agent = retrying(fal, "as it comes")
        [told] = tool_messages(await run(agent, "Draw", way))
        assert told.artifact["handles"] == ["img_1"]
        assert sandbox.submits == 1


@Ways
async def test_a_message_is_not_retried(way: str) -> None:
    with Sandbox() as sandbox:
        MODERATED(sandbox)
        again = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
        agent = agent_of(
            sandbox.provider(), [draw("a hill")], "I see.",
            middleware=[again, ModelRetryMiddleware(max_retries=2)],
        )  # fmt: skip
        [told] = tool_messages(await run(agent, "Draw", way))
        assert told.status == "error"
        assert sandbox.submits == 1


@Ways
async def test_a_limit_on_calls_holds(
    way: str, fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    limit = ToolCallLimitMiddleware(tool_name="fal_text_to_image", run_limit=2)
    answers = [[draw(f"hill {number}")] for number in range(3)]
    agent = agent_of(fal, *answers, "Done.", middleware=[limit])
    state = await run(agent, "Draw", way)
    assert [each.status for each in tool_messages(state)][:3] == [
        "success",
        "success",
        "error",
    ]
    assert fal_sandbox.submits == 2


def test_the_same_words_in_another_call_are_another_image(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    agent = agent_of(fal, [draw("a hill"), draw("a hill")], [draw("a hill")], "Done.")
    state = agent.invoke(said("Draw"), thread("one"))
    assert len(tool_messages(state)) == 3
    assert fal_sandbox.submits == 3


def test_a_function_can_word_the_errors(fal: FalProvider) -> None:
    def worded(error: Any) -> str:
        return f"Sorry: {error}"

    tool = FalImageEditTool(fal=fal, handle_tool_error=worded)
    call = {"name": tool.name, "args": {"prompt": "a", "images": ["img_1"]}, "id": "1"}
    told = tool.invoke({**call, "type": "tool_call"})
    assert isinstance(told, ToolMessage)
    assert told.status == "error"
    assert told.text.startswith("Sorry: No image was made.")


@Ways
async def test_error_middleware_hears_of_what_the_tools_raise(way: str) -> None:
    heard = []

    def worded(error: Exception, *_: Any) -> str | None:
        heard.append(error)
        return "A person must look at the key."

    with Sandbox() as sandbox:
        sandbox.faults.respond("submit", 401, {"detail": "no such key"})
        agent = agent_of(
            sandbox.provider(), [draw("a hill")], "I see.",
            middleware=[ToolErrorMiddleware(worded)],
        )  # fmt: skip
        [told] = tool_messages(await run(agent, "Draw", way))
        assert told.text == "A person must look at the key."
        assert [type(each) for each in heard] == [errors.FalAuthError]
