"""The decoder of event streams: chunks do not change the events."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_fal_image.wire.effects import HEARTBEAT, StreamEvent, TooLarge
from langchain_fal_image.wire.sse import EventDecoder

ENDS = st.sampled_from(["\n", "\r", "\r\n"])
LINES = st.one_of(
    st.sampled_from(["", "data", "data:", "data: ", ":", "event: x", "id: 7", "retry"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6).map(
        "data:{}".format
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=6).map(
        ":{}".format
    ),
)


def decode(chunks: list[bytes], max_bytes: int = 10_000) -> list[str]:
    decoder = EventDecoder(max_bytes=max_bytes)
    items = [item for chunk in chunks for item in decoder.feed(chunk)]
    return [item.data for item in items if isinstance(item, StreamEvent)]


def expected(lines: list[str]) -> list[str]:
    """Parse lines as the specification of server-sent events says."""
    events: list[str] = []
    data: list[str] = []
    for line in lines:
        if not line:
            if data:
                events.append("\n".join(data))
            data = []
        elif line == "data" or line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
    return events


@given(
    lines=st.lists(st.tuples(LINES, ENDS), max_size=12),
    cuts=st.lists(st.integers(0, 200), max_size=20),
)
def test_neither_chunks_nor_line_ends_change_the_events(
    lines: list[tuple[str, str]], cuts: list[int]
) -> None:
    # CR followed by an empty line with LF would be a single line end: CRLF.
    lines = [
        (line, "\r\n" if end == "\r" and not follower else end)
        for (line, end), (follower, _) in itertools.pairwise([*lines, ("", "")])
    ]
    raw = "".join(line + end for line, end in lines).encode()
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    chunks = [raw[start:end] for start, end in itertools.pairwise(places)]
    assert decode(chunks) == expected([line for line, _ in lines])


@given(
    text=st.text(
        st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"), min_size=1
    )
)
def test_characters_split_between_chunks_are_complete(text: str) -> None:
    raw = f"data:{text}\n\n".encode()
    assert decode([raw[at : at + 1] for at in range(len(raw))]) == [
        text.removeprefix(" ")
    ]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_an_event_is_returned_with_its_last_byte(end: str) -> None:
    # Nothing may follow it: after the last event the server closes the stream.
    raw = f"data: done{end}{end}".encode()
    assert decode([raw]) == ["done"]
    assert decode([raw[at : at + 1] for at in range(len(raw))]) == ["done"]


def test_an_incomplete_event_at_the_end_is_dropped() -> None:
    assert decode([b"data: {", b'"status": "COMP']) == []
    assert decode([b"data: {}\n"]) == []


def test_a_byte_order_mark_and_invalid_bytes_are_harmless() -> None:
    assert decode(["\ufeffdata: a\n\n".encode()]) == ["a"]
    assert decode([b"data: \xff\n\ndata: b\n\n"]) == ["\ufffd", "b"]


@pytest.mark.parametrize("chunk", [b"", b":\n\n", b"data: ha", b"event: x\n\n", b"\n"])
def test_any_other_bytes_are_a_heartbeat(chunk: bytes) -> None:
    assert EventDecoder(max_bytes=100).feed(chunk) == [HEARTBEAT]


@pytest.mark.parametrize("piece", [b"data: x\n", b"data", b":" * 5])
def test_an_event_without_end_is_too_large(piece: bytes) -> None:
    with pytest.raises(TooLarge):
        decode([piece] * 100, max_bytes=50)


def test_many_small_events_are_not_one_large_one() -> None:
    assert len(decode([b"data: 12345\n\n"] * 100, max_bytes=20)) == 100
