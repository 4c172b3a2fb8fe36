"""Budgets: exact under parallel calls, with fal's, assumed or unknown prices."""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain.agents import create_agent
from script import Script, draw, edit, said, thread, tool_messages

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
    FalTextToImageTool,
    Price,
)
from langchain_fal_image.budget.ledger import RequestEstimate
from langchain_fal_image.budget.reservation import Reservation, settle_request
from langchain_fal_image.errors import (
    FalBudgetExceededError,
    FalConfigurationError,
    FalError,
    FalOptionError,
    FalSubmitUncertainError,
)
from langchain_fal_image.options import catalog
from langchain_fal_image.options.quantity import count_images
from langchain_fal_image.sandbox import Sandbox

QWEN = "fal-ai/qwen-image"
EDIT = "fal-ai/qwen-image-2/edit"
PRICES: Any = {QWEN: 0.02, EDIT: (0.035, "images")}


def reserved(budget: Budget, images: int = 1) -> Reservation:
    return Reservation(budget, RequestEstimate("a/b", images=images))


def fail(charged: Any) -> None:
    message = "It failed."
    raise FalError(message, charged=charged)


def priced_at(sandbox: Sandbox) -> int:
    return sum("/platform/" in each.path for each in sandbox.requests)


# --- Limits ---


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("limits", [{"max_images": 10}, {"max_cost": "0.20"}], ids=str)
async def test_fifty_parallel_calls_with_room_for_ten(
    limits: dict[str, Any], way: str
) -> None:
    budget = Budget(**limits)
    with Sandbox(prices=PRICES, run_seconds=0.05) as sandbox:
        tools = FalImageToolkit(fal=sandbox.provider(), budget=budget).get_tools()
        calls = [draw(f"hill {number}") for number in range(50)]
        agent = create_agent(Script(answers=[calls, "Done."]), tools)
        if way == "sync":
            state = await asyncio.to_thread(agent.invoke, said("Draw fifty"))
        else:
            state = await agent.ainvoke(said("Draw fifty"))
        answers = tool_messages(state)
        assert len(answers) == 50
        assert (
            sorted(each.status for each in answers) == ["error"] * 40 + ["success"] * 10
        )
        for each in answers:
            if each.status == "error":
                assert "The budget allows" in each.text
                assert "Nothing was charged" in each.text
        assert sandbox.submits == 10
        assert budget.images == 10
        assert budget.cost == Decimal("0.20")
        await sandbox.provider().aclose()


@settings(max_examples=60)
@given(
    room=st.integers(0, 12),
    requests=st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["yes", "maybe", "no"])),
        max_size=30,
    ),
)
def test_parallel_requests_use_the_whole_room_and_no_more(
    room: int, requests: list[tuple[int, Any]]
) -> None:
    budget = Budget(max_images=room)

    def spend(wish: tuple[int, Any]) -> int:
        images, charged = wish
        try:
            with reserved(budget, images=images):
                assert budget.images <= room
                fail(charged)
        except FalBudgetExceededError:
            return 0
        except FalError:
            pass
        return 0 if charged == "no" else images

    with ThreadPoolExecutor(4) as pool:
        spent = sum(pool.map(spend, requests))
    assert budget.images == spent <= room
    # Room of requests that were not charged is free again.
    if room > spent:
        with reserved(budget, images=room - spent):
            pass
    with pytest.raises(FalBudgetExceededError), reserved(budget):
        pytest.fail("it was let through")


def test_room_is_returned_only_if_nothing_was_charged() -> None:
    budget = Budget(max_images=2)
    with Sandbox() as sandbox:
        t2i = FalTextToImage(fal=sandbox.provider(), budget=budget)
        with pytest.raises(FalOptionError):
            t2i.invoke({"prompt": "a", "guidance_scale": 99})
        sandbox.faults.respond("submit", 400, {"detail": "no"})
        with pytest.raises(Exception, match="no"):
            t2i.invoke("a")
        assert budget.images == 0
        sandbox.faults.drop("submit")
        with pytest.raises(FalSubmitUncertainError):
            t2i.invoke("a")
        assert budget.images == 1
        assert [each.charged for each in budget.spendings()] == ["maybe"]
        request = t2i.submit("b")
        assert budget.images == 2
        with pytest.raises(FalBudgetExceededError, match="2 are spent"):
            t2i.invoke("c")
        result = request.result()
        settle_request(budget, result.request_id, images=1, seed=result.seed)
        assert [each.charged for each in budget.spendings()] == ["maybe", "yes"]


def test_an_error_says_how_many_images_are_left(fal: FalProvider) -> None:
    budget = Budget(max_images=3)
    t2i = FalTextToImage(fal=fal, budget=budget)
    t2i.invoke({"prompt": "a", "n": 2})
    with pytest.raises(FalBudgetExceededError, match="Request at most 1"):
        t2i.invoke({"prompt": "a", "n": 2})


# --- Requested images ---


@pytest.mark.parametrize(
    ("name", "payload", "images"),
    [
        (QWEN, {}, 1),
        (QWEN, {"num_images": 3}, 3),
        ("fal-ai/bytedance/seedream/v4/text-to-image", {"max_images": 4}, 4),
        (
            "fal-ai/bytedance/seedream/v4/text-to-image",
            {"num_images": 2, "max_images": 3},
            6,
        ),
        ("not/known", {"num_images": 2}, 2),
    ],
)
def test_images_are_counted(name: str, payload: dict[str, Any], images: int) -> None:
    assert count_images(catalog.get_schema(name), payload) == images


def test_defaults_count_too() -> None:
    fours = [
        name
        for name in catalog.list_endpoint_ids()
        if (schema := catalog.get_schema(name))
        and (field := schema.fields.get("num_images"))
        and field.default == 4
    ]
    assert fours
    assert all(count_images(catalog.get_schema(name), {}) == 4 for name in fours)


# --- Prices ---


def test_prices_come_from_fal_and_are_kept() -> None:
    with Sandbox(
        prices={**PRICES, "fal-ai/flux/dev": (0.025, "megapixels")}
    ) as sandbox:
        fal = sandbox.provider()
        assert fal.prices.cached(QWEN) is None
        assert fal.price(QWEN) == Price(Decimal("0.02"), "image")
        assert fal.prices.cached(QWEN) == fal.price(QWEN)
        assert priced_at(sandbox) == 1
        assert fal.price("fal-ai/recraft-20b") is None
        megapixel = fal.price("fal-ai/flux/dev")
        assert megapixel is not None
        assert megapixel.estimate(images=2) is None
        assert megapixel.estimate(images=2, pixels=2_000_000) == Decimal("0.1")
        tool = FalTextToImageTool(fal=fal)
        assert "Costs 0.02 USD per image." in tool.description


@pytest.mark.parametrize(
    "answer",
    [
        (401, {"detail": "no"}),
        (404, "<html>"),
        (200, {"prices": []}),
        (200, {"prices": [{"endpoint_id": QWEN, "unit_price": None, "unit": "image"}]}),
        (200, {"prices": [{"endpoint_id": QWEN, "unit_price": -1, "unit": "image"}]}),
        (
            200,
            {"prices": [{"endpoint_id": QWEN, "unit_price": "NaN", "unit": "image"}]},
        ),
        (200, {"prices": "none"}),
        (200, "no JSON"),
    ],
    ids=str,
)
def test_a_price_that_fal_does_not_report_is_unknown_and_never_0(answer: Any) -> None:
    import httpx  # noqa: PLC0415

    from langchain_fal_image import create_fal  # noqa: PLC0415

    status, body = answer
    more = {"json": body} if not isinstance(body, str) else {"text": body}
    transport = httpx.MockTransport(lambda _: httpx.Response(status, **more))
    with httpx.Client(transport=transport) as client:
        fal = create_fal("k", http_client=client)
        assert fal.price(QWEN) is None
        budget = Budget(max_cost=1)
        with pytest.raises(
            FalBudgetExceededError, match="not known beforehand"
        ) as caught:
            FalTextToImage(fal=fal, budget=budget).invoke("a hill")
        assert "assumed_price" in caught.value.next_step


def test_an_unknown_price_is_refused_or_assumed(
    fal: FalProvider, fal_sandbox: Sandbox
) -> None:
    t2i = FalTextToImage(fal=fal, budget=Budget(max_cost=1))
    with pytest.raises(FalBudgetExceededError, match="not known"):
        t2i.invoke("a hill")
    assert fal_sandbox.submits == 0
    budget = Budget(max_cost="0.10", assumed_price=0.05)
    t2i = FalTextToImage(fal=fal, budget=budget)
    t2i.batch(["a", "b"])
    with pytest.raises(FalBudgetExceededError, match=r"0\.1 USD are spent"):
        t2i.invoke("c")
    assert "0.05 USD, assumed" in budget.summary()
    assert "assumed: 0.1 USD" in budget.summary()
    free = Budget()
    FalTextToImage(fal=fal, budget=free).invoke("a")
    assert "unknown" in free.summary()
    assert "cost: unknown (no limit)" in free.summary()
    assert free.spendings()[0].cost is None


def test_another_currency_counts_as_unknown() -> None:
    budget = Budget(max_cost=1, currency="eur")
    price = Price(Decimal("0.02"), "image")
    expected = pytest.raises(FalBudgetExceededError, match=r"0\.02 USD per image")
    with expected, Reservation(budget, RequestEstimate(QWEN, price=price)):
        pytest.fail("it was let through")


def test_megapixels_are_computed_from_the_size() -> None:
    budget = Budget(max_cost=1)
    with Sandbox(prices={QWEN: (0.02, "megapixel")}) as sandbox:
        t2i = FalTextToImage(fal=sandbox.provider(), budget=budget)
        t2i.invoke({"prompt": "a", "size": "1000x500"})
        [spending] = budget.spendings()
        # The sandbox bills one unit for an image, and what fal bills counts.
        assert spending.cost == Decimal("0.02")
    price = Price(Decimal("0.02"), "megapixel")
    assert price.estimate(images=1, pixels=500_000) == Decimal("0.01")


def test_the_summary_is_a_table() -> None:
    budget = Budget(max_images=5, max_cost=1)
    with Sandbox(prices=PRICES) as sandbox:
        tools = FalImageToolkit(fal=sandbox.provider(), budget=budget).get_tools()
        script = Script(
            answers=[
                [draw("a hill", seed=7, num_images=2)],
                [edit("night", "img_2")],
                "",
            ]
        )
        create_agent(script, tools).invoke(said("Draw"), thread("one"))
    head, first, second, images, cost = budget.summary().splitlines()
    assert head.split() == ["endpoint", "handle", "images", "seed", "time", "cost"]
    assert first.split()[:5] == [QWEN, "img_1,", "img_2", "2", "7"]
    assert first.endswith("0.04 USD")
    assert second.split()[:3] == [EDIT, "img_3", "1"]
    assert second.endswith("0.035 USD")
    assert images == "images: 3 (of 5)"
    assert cost == "cost: 0.075 USD (of 1 USD)"


def test_tools_and_runnables_share_a_budget() -> None:
    budget = Budget(max_images=2)
    with Sandbox() as sandbox:
        fal = sandbox.provider()
        result = FalTextToImage(fal=fal, budget=budget).invoke("a hill")
        FalImageEdit(fal=fal, budget=budget, prompt="night").invoke(result)
        tool = FalTextToImageTool(fal=fal, budget=budget)
        assert "allows 2 images" in tool.invoke({"prompt": "a"})


def test_a_pickled_copy_has_an_account_of_its_own() -> None:
    budget = Budget(max_images=2, max_cost=1, assumed_price="0.1")
    with reserved(budget):
        copy = pickle.loads(pickle.dumps(budget))  # noqa: S301 - our own
    with reserved(copy):
        pass
    assert (budget.images, copy.images) == (1, 2)
    assert repr(copy) == ("Budget(max_images=2, max_cost=1, images=2, cost=0.2 USD)")


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_images": -1},
        {"max_images": 1.5},
        {"max_images": True},
        {"max_cost": -1},
        {"max_cost": "much"},
        {"max_cost": float("nan")},
        {"max_cost": True},
        {"assumed_price": float("inf")},
    ],
    ids=str,
)
def test_wrong_limits_are_refused(wrong: dict[str, Any]) -> None:
    [name] = wrong
    with pytest.raises(FalConfigurationError, match=name):
        Budget(**wrong)
