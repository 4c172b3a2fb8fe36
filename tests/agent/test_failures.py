"""What a chat model reads of a failure, and what middleware does with the tools."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from clocks import expire_after_submit
from langchain.agents import create_agent
from langchain.agents.middleware import (
    ModelRetryMiddleware,
    ToolCallLimitMiddleware,
    ToolErrorMiddleware,
    ToolRetryMiddleware,
)
from langchain_core.messages import ToolMessage
from script import (
    AUDIO,
    IMAGE,
    FileKind,
    Kinds,
    Script,
    Ways,
    agent_of,
    draw,
    impatient,
    said,
    thread,
    tool_messages,
    wait,
)

from langchain_fal_image import (
    Budget,
    FalImageEditTool,
    FalProvider,
    FalTextToImageTool,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

NOTHING = {IMAGE: "No image was made. ", AUDIO: "No audio was made. "}
FOR_DEVELOPERS = (
    "create_fal",
    "dashboard",
    "FAL_",
    "error.",
    ".result()",
    "base_url",
)


async def run(agent: Any, text: str, way: str, name: str = "one") -> Any:
    if way == "sync":
        return await asyncio.to_thread(agent.invoke, said(text), thread(name))
    return await agent.ainvoke(said(text), thread(name))


def refuse(status: int, kind: str, **more: Any) -> Callable[[Sandbox], None]:
    detail = [{"loc": ["body", "prompt"], "msg": f"fal says {kind}", "type": kind}]
    body = {"detail": detail}
    return lambda sandbox: sandbox.faults.respond("result", status, body, **more)


MODERATED = refuse(422, "content_policy_violation")
UNREADABLE = refuse(422, "image_load_error")
BROKEN = refuse(500, "internal_server_error", headers={"x-fal-request-id": "r"})
Case = tuple[Callable[[Sandbox], None], str, tuple[str, ...]]
CASES: dict[str, Case] = {
    "moderation": (MODERATED, "Change the prompt", ("content_policy", "charged")),
    "an unreadable input": (UNREADABLE, "Change the", ("image_load_error",)),
    "fal fails": (
        BROKEN,
        "service failed",
        ("internal_server_error", "Nothing was charged"),
    ),
    "a lost answer to the submit": (
        lambda sandbox: sandbox.faults.drop("submit"),
        "only if the user agrees",
        ("may have been charged",),
    ),
}


@Ways
@Kinds
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_chat_model_reads_what_it_can_do(
    case: Case, kind: FileKind, way: str
) -> None:
    fault, step, words = case
    with Sandbox() as sandbox:
        fault(sandbox)
        agent = agent_of(sandbox.provider(), [kind.make("a hill")], "I see.")
        [answer] = tool_messages(await run(agent, "Go", way))
        assert answer.status == "error"
        assert answer.text.startswith(NOTHING[kind])
        assert "charged" in answer.text
        assert step in answer.text.partition("Next: ")[2]
        for word in words:
            assert word in answer.text
        for word in FOR_DEVELOPERS:
            assert word not in answer.text
        assert sandbox.submits == 1


@Ways
async def test_a_rate_limit_costs_nothing(way: str) -> None:
    with Sandbox() as sandbox:
        headers = {"retry-after": "60"}
        body = {"detail": "slow down"}
        sandbox.faults.respond("submit", 429, body, headers=headers, times=9)
        agent = agent_of(sandbox.provider(timeout=20), [draw("a hill")], "I see.")
        [answer] = tool_messages(await run(agent, "Draw", way))
        assert answer.status == "error"
        assert "Nothing was charged" in answer.text
        assert "Wait a little" in answer.text
        assert sandbox.submits == 0


@Ways
@pytest.mark.parametrize("status", [401, 403])
async def test_what_only_a_person_can_fix_raises(way: str, status: int) -> None:
    with Sandbox() as sandbox:
        body = {"detail": "User is locked. Reason: Exhausted balance."}
        sandbox.faults.respond("submit", status, body)
        agent = agent_of(sandbox.provider(), [draw("a hill")], "No.")
        with pytest.raises(errors.FalAuthError, match="Exhausted balance"):
            await run(agent, "Draw", way)


# --- Requests that were paid for ---


@Ways
@Kinds
async def test_a_chat_model_waits_for_a_request_that_took_too_long(
    kind: FileKind, way: str
) -> None:
    budget = Budget(max_images=3)
    with Sandbox(run_seconds=3600, heartbeat_seconds=0.02) as sandbox:
        agent = agent_of(
            impatient(sandbox),
            [kind.make("a green hill")],
            [wait("req_1")],
            [wait("req_4")],
            "No.",
            wait=True,
            budget=budget,
        )
        late, again, unknown = tool_messages(await run(agent, "Go", way))
        assert late.text.startswith(NOTHING[kind])
        for answer in (late, again):
            assert answer.status == "error"
            assert "Call fal_wait with request='req_1'" in answer.text
            assert f"Do not request the {kind} again" in answer.text
            assert answer.artifact["handle"] == "req_1"
        assert "Known requests: req_1" in unknown.text
        assert "maybe charged" in budget.summary()
        assert sandbox.submits == 1


@Ways
@Kinds
async def test_another_process_takes_up_the_request(kind: FileKind, way: str) -> None:
    budget = Budget(max_images=3)
    with Sandbox(run_seconds=0.5, heartbeat_seconds=0.02) as sandbox:
        agent = agent_of(
            impatient(sandbox), [kind.make("a green hill")], "No.",
            wait=True, budget=budget,
        )  # fmt: skip
        await run(agent, "Go", way)
        # It knows only the messages.
        other = agent_of(
            sandbox.provider(), [wait("REQ 1")], [kind.use(kind.handle(1))], "Done.",
            wait=True, budget=budget, checkpointer=agent.checkpointer,
        )  # fmt: skip
        *_, found, used = tool_messages(await run(other, "And now?", way))
        assert found.artifact["handles"] == [kind.handle(1)]
        assert "a green hill" in found.artifact["options"].values()
        assert used.artifact["inputs"][0]["handle"] == kind.handle(1)
        assert sandbox.submits == 2
        assert budget.images == (2 if kind is IMAGE else 0)
        assert [each.charged for each in budget.spendings()] == ["yes", "yes"]
        edited = (kind.handle(2),) if kind is IMAGE else ()
        names = [each.handles for each in budget.spendings()]
        assert names == [(kind.handle(1),), edited]


def test_without_the_wait_tool_the_user_learns_of_it() -> None:
    with Sandbox(run_seconds=3600, heartbeat_seconds=0.02) as sandbox:
        tool = FalTextToImageTool(fal=impatient(sandbox))
        call = {"name": tool.name, "args": {"prompt": "a"}, "id": "1"}
        answer = tool.invoke({**call, "type": "tool_call"})
        assert "Tell the user" in answer.text
        assert "req_1" in answer.text
        assert "paid twice" in answer.text


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
        [answer] = tool_messages(await run(agent, "Draw", way))
        assert answer.status == "error"


@Ways
@pytest.mark.parametrize("how", RETRIES)
async def test_retries_after_a_timeout_never_submit_again(how: str, way: str) -> None:
    with Sandbox(run_seconds=0.5, heartbeat_seconds=0.02) as sandbox:
        agent = retrying(expire_after_submit(sandbox.provider(), sandbox), how)
        if how == "as it comes":
            with pytest.raises(errors.FalTimeoutError):
                await run(agent, "Draw", way)
        else:
            [answer] = tool_messages(await run(agent, "Draw", way))
            # A later attempt found what the first had paid for.
            assert answer.artifact["handles"] == ["img_1"]
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
        await ends_badly(retrying(sandbox.provider(), how), how, way)
        assert sandbox.submits == 1


@Ways
async def test_a_request_that_was_surely_not_accepted_is_sent_again(way: str) -> None:
    with Sandbox() as sandbox:
        fal = sandbox.provider(timeout=20)
        headers = {"retry-after": "60"}
        sandbox.faults.respond("submit", 429, {}, headers=headers)
        agent = retrying(fal, "as it comes")
        [answer] = tool_messages(await run(agent, "Draw", way))
        assert answer.artifact["handles"] == ["img_1"]
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
        [answer] = tool_messages(await run(agent, "Draw", way))
        assert answer.status == "error"
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


def test_the_same_arguments_in_another_call_make_another_image(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    agent = agent_of(fal, [draw("a hill"), draw("a hill")], [draw("a hill")], "Done.")
    state = agent.invoke(said("Draw"), thread("one"))
    assert len(tool_messages(state)) == 3
    assert fal_sandbox.submits == 3


def test_a_function_can_write_the_errors(fal: FalProvider) -> None:
    def worded(error: Any) -> str:
        return f"Sorry: {error}"

    tool = FalImageEditTool(fal=fal, handle_tool_error=worded)
    call = {"name": tool.name, "args": {"prompt": "a", "images": ["img_1"]}, "id": "1"}
    answer = tool.invoke({**call, "type": "tool_call"})
    assert isinstance(answer, ToolMessage)
    assert answer.status == "error"
    assert answer.text.startswith("Sorry: No image was made.")


@Ways
async def test_error_middleware_receives_what_the_tools_raise(way: str) -> None:
    raised = []

    def worded(error: Exception, *_: Any) -> str | None:
        raised.append(error)
        return "A person must look at the key."

    with Sandbox() as sandbox:
        sandbox.faults.respond("submit", 401, {"detail": "no such key"})
        agent = agent_of(
            sandbox.provider(), [draw("a hill")], "I see.",
            middleware=[ToolErrorMiddleware(worded)],
        )  # fmt: skip
        [answer] = tool_messages(await run(agent, "Draw", way))
        assert answer.text == "A person must look at the key."
        assert [type(each) for each in raised] == [errors.FalAuthError]
