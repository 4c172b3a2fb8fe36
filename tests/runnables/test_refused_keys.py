"""Keys and headers in the place of options are refused, wherever they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler
from one_image_fal import Recorder

from langchain_fal_image import (
    FalProvider,
    FalTextToImage,
)
from langchain_fal_image.errors import FalConfigurationError, FalOptionError
from langchain_fal_image.options.contract import UNKNOWN_SOURCE, Contract
from langchain_fal_image.options.endpoint import EndpointSchema
from langchain_fal_image.options.resolve import resolve_options

QWEN = "fal-ai/qwen-image"
TYPES = "fal-ai/qwen-image-2512"
UNKNOWN = "me/mine"
SECRET = "hidden-1"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


CREDENTIALS = [
    *("api_key", "apiKey", "api-key", "API_KEY", "fal_api_key", "falApiKey", "fal_key"),
    *("FAL_KEY", "key", "token", "access_token", "authToken", "authorization"),
    *("Authorization", "x-api-key", "credentials", "secret", "password", "cookie"),
    *("key_secret", "extra_headers", "default_headers", "auth_header", "fal_auth"),
]
PLACES: list[Callable[[FalProvider, str, dict[str, Any]], Any]] = [
    lambda fal, model, bad: FalTextToImage(model, fal=fal, **bad),
    lambda fal, model, bad: FalTextToImage(model, fal=fal, options=bad),
    lambda fal, model, bad: FalTextToImage(
        model, fal=fal, check_options=False, options={"providerOptions": {"fal": bad}}
    ),
    lambda fal, model, bad: fal.image(model, **bad),
    lambda fal, model, bad: FalTextToImage(model, fal=fal).bind(**bad).invoke("p"),
    lambda fal, model, bad: FalTextToImage(model, fal=fal).batch(["p"], **bad),
    lambda fal, model, bad: asyncio.run(
        FalTextToImage(model, fal=fal).ainvoke({"prompt": "p", **bad})
    ),
    lambda fal, model, bad: FalTextToImage(model, fal=fal).submit("p", **bad),
    lambda fal, model, bad: FalTextToImage(model, fal=fal, check_options=False).submit(
        {"prompt": "p", "providerOptions": {"fal": bad}}
    ),
    lambda fal, model, bad: (
        FalTextToImage(model, fal=fal).model_copy(update={"options": bad}).invoke("p")
    ),
]


@pytest.mark.parametrize("model", [QWEN, UNKNOWN])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_key_is_no_option_in_any_place(
    name: str, place: Callable[..., Any], model: str, recorder: Recorder
) -> None:
    with pytest.raises(
        FalConfigurationError, match=r"create_fal\(api_key=…\)"
    ) as caught:
        place(recorder.fal, model, {name: SECRET})
    assert name in str(caught.value)
    assert SECRET not in str(caught.value) + repr(caught.value)
    assert caught.value.__context__ is None
    assert recorder.payloads == []


@pytest.mark.parametrize("model", [QWEN, UNKNOWN])
@pytest.mark.parametrize(
    "options",
    [
        {"loras": [{"path": "a", "apiKey": SECRET}]},
        {"newOption": {"a": [[{"b": {"Authorization": SECRET}}]]}},
        {"providerOptions": {"fal": {"auth": {"token": SECRET}}}},
        {"provider_options": {"fal": {"headers": {"Authorization": SECRET}}}},
        {"api_key": None},
    ],
)
def test_a_key_is_no_option_at_any_depth(
    options: dict[str, Any], model: str, recorder: Recorder
) -> None:
    runs = RunCollectorCallbackHandler()
    t2i = FalTextToImage(model, fal=recorder.fal)
    with pytest.raises(FalConfigurationError, match="create_fal") as caught:
        t2i.invoke({"prompt": "p", **options}, {"callbacks": [runs]})
    assert SECRET not in str(caught.value) + str(runs.traced_runs[0].inputs)
    assert SECRET not in str(runs.traced_runs[0].error)
    assert recorder.payloads == []
    with pytest.raises(FalConfigurationError, match="create_fal"):
        FalTextToImage(model, fal=recorder.fal, **options)


def test_a_key_that_got_into_the_options_is_not_in_the_repr() -> None:
    t2i = FalTextToImage().model_copy(update={"options": {"apiKey": SECRET}})
    assert SECRET not in repr(t2i) + str(t2i)


def test_an_endpoints_own_option_can_have_the_name_of_a_key() -> None:
    part = {"type": "object", "properties": {"api_key": {"type": "string"}}}
    contract = Contract(
        endpoint_id="fal-ai/x",
        source=UNKNOWN_SOURCE,
        kind="image",
        input={
            "type": "object",
            "properties": {
                "token": {"type": "string"},
                "tokens": {"type": "integer"},
                "tools": {"type": "array", "items": part},
                "headers": {"type": "object", "additionalProperties": True},
            },
        },
    )
    schema = EndpointSchema.from_contract(contract)
    options = {
        "token": "a",
        "tokens": 4,
        "tools": [{"apiKey": "b"}],
        "headers": {"Authorization": "c"},
    }
    sent = {**options, "tools": [{"api_key": "b"}]}
    assert resolve_options(schema, [("input", options)]).payload == sent
    with pytest.raises(FalConfigurationError, match=r"tools\[0\]\.token"):
        resolve_options(schema, [("input", {"tools": [{"token": "a"}]})])


def test_names_with_another_owner_are_options(recorder: Recorder) -> None:
    options = {
        "hf_token": "a",
        "openaiApiKey": "b",
        "embeddings": [{"tokens": ["<s>"]}],
        "metadata": [{"key": "mood", "value": "calm"}],
        "max_tokens": 4,
    }
    payload = FalTextToImage(UNKNOWN, **options).payload("p").payload
    assert payload == {
        "prompt": "p",
        **{k: v for k, v in options.items() if k != "openaiApiKey"},
        "openai_api_key": "b",
    }


def test_a_value_that_contains_itself_is_an_option_error() -> None:
    loop: dict[str, Any] = {}
    loop["again"] = [loop, loop]
    for model in (QWEN, UNKNOWN):
        with pytest.raises(FalOptionError):
            FalTextToImage(model).payload({"prompt": loop, "negative_prompt": "p"})
