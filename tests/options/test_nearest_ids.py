"""A mistyped endpoint id names the nearest one; a new endpoint is never refused."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection

import pytest

from langchain_fal_image import FalProvider, FalTextToImageTool, create_fal
from langchain_fal_image.errors import FalConfigurationError
from langchain_fal_image.options import catalog
from langchain_fal_image.options.search import check_endpoint, find_nearest_id

IDS = catalog.list_endpoint_ids(None)
# They were in the types of fal's client, and not in the documents of two months before.
NEWEST = [
    each
    for each in IDS
    if (contract := catalog.get_contract(each)) and contract.source.date > "2026-07"
]


@pytest.fixture(scope="module")
def fal() -> FalProvider:
    """A provider of which nothing is requested, so it needs no sandbox."""
    return create_fal(api_key="unused")


@pytest.mark.parametrize(
    ("typo", "nearest"),
    [
        ("fal-ai/nano-bannana-pro", "fal-ai/nano-banana-pro"),
        ("fal-ai/flux/schnel1", "fal-ai/flux/schnell"),
        ("fal-ai/flux/devv", "fal-ai/flux/dev"),
        ("fal-ai/flux/dve", "fal-ai/flux/dev"),
        ("fal-ai/qwen-imgae-edit", "fal-ai/qwen-image-edit"),
        ("fal_ai/flux-pro/kontext", "fal-ai/flux-pro/kontext"),
    ],
)
def test_a_typo_is_refused_or_warned_about_with_the_nearest_id(
    fal: FalProvider, typo: str, nearest: str
) -> None:
    try:
        warnings = fal.image(typo).payload("a hill").warnings
    except FalConfigurationError as error:
        warnings = (str(error),)
        with pytest.raises(FalConfigurationError, match="Did you mean"):
            FalTextToImageTool(model=typo, fal=fal)
    assert f"Did you mean {nearest}?" in warnings[0]


def test_a_refused_id_can_be_used_without_checks(fal: FalProvider) -> None:
    with pytest.raises(
        FalConfigurationError, match=r"fal\.describe\('fal-ai/flux/devv"
    ):
        fal.image("fal-ai/flux/devv")
    model = fal.image("fal-ai/flux/devv", check_options=False)
    assert model.payload("a hill").warnings == ()


@pytest.mark.parametrize(
    ("endpoint_id", "nearest"),
    [
        # A new version, a new word, a new ending: fal may have added them.
        ("fal-ai/flux-3", "fal-ai/flux-2"),
        ("fal-ai/qwen-image-3", "fal-ai/qwen-image"),
        ("fal-ai/flux-pro/kontext/ultra", "fal-ai/flux-pro/kontext/multi"),
        ("openai/gpt-image-2/edits", "openai/gpt-image-2/edit"),
        # The owner is missing, or the capitals differ.
        ("flux/dev", "fal-ai/flux/dev"),
        ("gpt-image-2/edit", "openai/gpt-image-2/edit"),
        ("fal-ai/Flux/Dev", "fal-ai/flux/dev"),
    ],
)
def test_a_plausible_new_endpoint_is_a_warning(
    fal: FalProvider, endpoint_id: str, nearest: str
) -> None:
    [warning] = fal.text_to_image(endpoint_id).payload("a hill").warnings
    assert f"Did you mean {nearest}?" in warning
    assert "its options are not checked" in warning


@pytest.mark.parametrize("endpoint_id", ["me/my-app", "workflows/me/portraits"])
def test_an_id_like_no_other_has_no_warning(fal: FalProvider, endpoint_id: str) -> None:
    assert fal.image(endpoint_id).payload("a hill").warnings == ()


def test_an_id_without_an_owner_is_an_error_that_names_the_endpoint(
    fal: FalProvider,
) -> None:
    with pytest.raises(FalConfigurationError, match="Did you mean openai/gpt-image-2"):
        fal.image("gpt-image-2")


def find_outcome(endpoint_id: str) -> str:
    try:
        warning = check_endpoint(endpoint_id, None, "image")
    except FalConfigurationError:
        return "refused"
    return "warned" if warning else "silent"


def make_typo(endpoint_id: str, chance: random.Random) -> str:
    """Drop, double, change or swap a letter."""
    letters = [i for i, each in enumerate(endpoint_id) if each.isalpha()]
    at = chance.choice(letters)
    before, letter, after = endpoint_id[:at], endpoint_id[at], endpoint_id[at + 1 :]
    return chance.choice(
        [
            before + after,
            before + letter * 2 + after,
            before + chance.choice("abcdefghijklmnopqrstuvwxyz") + after,
            before + after[:1] + letter + after[1:],
        ]
    )


def test_a_typo_in_any_id_is_noticed() -> None:
    chance = random.Random(15)  # noqa: S311 - not a secret
    outcomes = Counter[str]()
    for endpoint_id in IDS[::6]:
        typo = make_typo(endpoint_id, chance)
        if typo not in IDS:
            outcomes[find_outcome(typo)] += 1
    assert outcomes["silent"] == 0
    assert outcomes["refused"] > outcomes["warned"]


@pytest.mark.parametrize("left_out", ["newest", "one"])
def test_no_new_endpoint_would_have_been_refused(
    left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def know(ids: Collection[str]) -> None:
        known = tuple(sorted(ids))
        monkeypatch.setattr(catalog, "list_endpoint_ids", lambda _kind=None: known)
        monkeypatch.setattr(catalog, "get_kind", lambda _: None)

    assert len(NEWEST) == 65
    if left_out == "newest":
        know(set(IDS) - set(NEWEST))
        assert [each for each in NEWEST if find_outcome(each) == "refused"] == []
        return
    for endpoint_id in IDS[::4]:
        know(set(IDS) - {endpoint_id})
        assert find_nearest_id(endpoint_id) != endpoint_id
        assert find_outcome(endpoint_id) != "refused", endpoint_id
