"""No repr, pickle, artifact, trace or error contains the key or image bytes."""

from __future__ import annotations

import base64
import contextlib
import functools
import pickle
import re
import sys
import traceback
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from conftest import BASE64, CANARY
from langchain.agents import create_agent
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumps
from langchain_core.messages import HumanMessage
from langchain_core.tracers.run_collector import RunCollectorCallbackHandler

from langchain_fal_image import (
    Budget,
    FalImageEdit,
    FalImageToolkit,
    FalProvider,
    FalTextToImage,
    ImageLibrary,
    Retry,
    create_fal,
    errors,
)
from langchain_fal_image.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agent"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from page import write_page
from script import Script, draw, edit, said


def assert_clean(text: str) -> None:
    assert CANARY not in text
    assert not BASE64.search(text)


def test_no_object_contains_it(fal: FalProvider) -> None:
    library, budget = ImageLibrary(), Budget(max_images=9)
    t2i = FalTextToImage(fal=fal, budget=budget, size="512x512")
    result = library.add(t2i.invoke("a hill"))
    content = result.images[0].read()
    edited = FalImageEdit(fal=fal, prompt="night", size="512x512").invoke([content])
    request = t2i.submit("a hill")
    toolkit = FalImageToolkit(fal=fal, library=library, budget=budget, wait=True)
    objects: list[Any] = [
        *(fal, t2i, result, result.images[0], edited, request, library, budget),
        *(toolkit, *toolkit.get_tools(), fal.context),
    ]
    for each in objects:
        assert_clean(f"{each!r} {each!s}")
        with contextlib.suppress(AttributeError, TypeError, pickle.PicklingError):
            assert_clean(pickle.dumps(each).decode("latin-1"))
    for each in (t2i, *toolkit.get_tools()):
        assert_clean(dumps(each))
    for each in (result, edited):
        assert_clean(str(each.to_artifact()) + each._repr_html_())
        assert_clean(str(each.recipe(library=library)))
    assert pickle.loads(pickle.dumps(fal)).context == fal.context  # noqa: S301 - our own


class Traces(BaseCallbackHandler):
    """A callback handler that keeps everything it receives, as text."""

    def __init__(self) -> None:
        self.text = ""

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return self.keep
        return super().__getattribute__(name)

    def keep(self, *args: Any, **kwargs: Any) -> None:
        self.text += repr((args, kwargs))


def test_no_trace_contains_it(fal: FalProvider) -> None:
    traces, runs = Traces(), RunCollectorCallbackHandler()
    config: Any = {"callbacks": [traces, runs]}
    t2i = FalTextToImage(fal=fal, size="512x512")
    content = t2i.invoke("a hill", config).images[0].read()
    FalImageEdit(fal=fal, prompt="x", size="512x512").invoke([content], config)
    with pytest.raises(errors.FalOptionError):
        t2i.invoke({"prompt": "a", "guidance_scale": 99}, config)
    tools = FalImageToolkit(fal=fal, vision=True).get_tools()
    script = Script(answers=[[draw("a hill")], [edit("night", "img_1")], "Done."])
    create_agent(script, tools).invoke(said("Draw"), config)
    assert_clean(traces.text)
    for run in runs.traced_runs:
        assert_clean(str(run.model_dump()))
    assert len(runs.traced_runs) == 4


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400).decode()
LINES = base64.encodebytes(base64.b64decode(PNG)).decode()
REFUSED: dict[str, Any] = {
    "broken base64": PNG[:-3],
    "a leading space": f" {PNG}",
    "line breaks": LINES,
    "carriage returns": LINES.replace("\n", "\r\n "),
    "form for URLs": base64.urlsafe_b64encode(b"\xfb\xff" + base64.b64decode(PNG)),
    "text for URLs": PNG.replace("+", "-").replace("/", "_"),
    "broken data URI": f"data:image/png;base64,{PNG}=A",
    "a data URI after a space": f" data:image/png;base64,{PNG}",
    "a data URI with line breaks": f"data:image/png;base64,{LINES}",
    "a data URI in text": f"![x](data:image/png;base64,{PNG})",
    "a key": {PNG: "x"},
    "a key of bytes": {b"\x89PNG": PNG},
    "a list": [[PNG + "!"]],
    "a block": {"type": "image", "base64": LINES},
    "another block": {"type": "file", "file": {"file_data": PNG}},
    "a field of another name": {"content": {"blob": PNG}},
    "a set": {PNG},
    "deep": functools.reduce(lambda inner, _: [inner], range(200), cast("Any", PNG)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("way", ["images", "input", "option", "message"])
def test_no_trace_of_a_refused_input_contains_it(name: str, way: str) -> None:
    traces, runs = Traces(), RunCollectorCallbackHandler()
    config: Any = {"callbacks": [traces, runs]}
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json={"detail": ""}))
    with httpx.Client(transport=transport) as client:
        model = FalImageEdit(fal=create_fal(CANARY, http_client=client))
        value = REFUSED[name]
        given = {
            "images": {"prompt": "a", "images": value},
            "input": value,
            "option": {"prompt": "a", "images": "https://a.example/b", "extra": value},
            "message": HumanMessage([{"type": "image_url", "image_url": value}]),
        }[way]
        with contextlib.suppress(Exception):
            model.invoke(given, config)
    [run] = runs.traced_runs
    assert run.error
    for text in (traces.text, str(run.model_dump())):
        assert_clean(text)
        assert PNG[400:440] not in text
        assert LINES.splitlines()[9] not in text
        assert len(text) < 20_000


@pytest.mark.parametrize("status", [401, 403, 404, 422, 429, 500, 503])
def test_no_traceback_contains_it(status: int) -> None:
    with Sandbox() as sandbox:
        sandbox.faults.respond("submit", status, {"detail": "no"}, times=9)
        retry = Retry(first_pause=0, longest_pause=0, jitter=0)
        fal = sandbox.provider(api_key=CANARY, retry=retry)
        with pytest.raises(errors.FalError) as caught:
            FalTextToImage(fal=fal).invoke("a hill")
        fal.close()
    assert_clean("".join(traceback.format_exception(caught.value)))
    assert_clean(pickle.dumps(caught.value).decode("latin-1"))


def test_the_providers_attributes_mask_the_key() -> None:
    fal = create_fal(CANARY, headers={"X-Mine": "1"})
    assert_clean(str(vars(fal)))


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_a_page_escapes_its_texts(tmp_path: Path, fal: FalProvider) -> None:
    tools = FalImageToolkit(fal=fal).get_tools()
    script = Script(
        answers=[[draw(HOSTILE)], [draw(HOSTILE, aspect_ratio=HOSTILE)], HOSTILE]
    )
    state = create_agent(script, tools).invoke(said({"type": "text", "text": HOSTILE}))
    page = write_page(
        tmp_path / "index.html",
        state["messages"],
        {"img_1": 'a".png'},
        served_by=(HOSTILE, HOSTILE),
        notes={HOSTILE: HOSTILE},
    ).read_text("utf-8")
    assert "<script" not in page
    assert not re.search(r"<img[^>]*onerror", page)
    assert "&lt;script&gt;" in page
    assert 'src="a&quot;.png"' in page
    result = FalTextToImage(fal=fal).invoke(HOSTILE)
    assert "<script" not in result._repr_html_()
