"""Frames: what goes in comes out, however it is cut; what is too long is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipyproc._agent.protocol.frames import (
    HEADER,
    JSON_MOST,
    PART,
    PAYLOAD,
    Decoder,
    Fields,
    Frame,
    ProtocolError,
    encode,
    encode_json,
)

NUMBERS = st.integers(0, 2**32 - 1)


def decoded(data: bytes, size: int = 1 << 30) -> list[Frame]:
    """Decode *data*, which arrives in pieces of *size* bytes."""
    decoder = Decoder()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return [frame for piece in pieces for frame in decoder.feed(piece)]


@given(
    st.lists(st.tuples(st.integers(0, 127), NUMBERS, st.binary(max_size=300))),
    st.integers(1, 50),
)
def test_frames_come_out_as_they_went_in(
    frames: list[tuple[int, int, bytes]], size: int
) -> None:
    """Frames are the same again, in whatever pieces they arrive."""
    data = b"".join(encode(*frame) for frame in frames)

    assert decoded(data, size) == [Frame(*frame) for frame in frames]


@pytest.mark.parametrize("size", [10, PAYLOAD - 8, PAYLOAD, 3 * PAYLOAD, JSON_MOST - 8])
def test_long_json_comes_in_parts(size: int) -> None:
    """JSON of up to 1 MiB is one message, in frames of at most 64 KiB."""
    data = encode_json(3, 7, {"a": "x" * size})

    (frame,) = decoded(data)
    assert (frame.kind, frame.number) == (3, 7)
    assert frame.json().text("a") == "x" * size
    assert len(data) - size <= 100 + HEADER.size * (size // PAYLOAD + 1)


def test_json_beyond_a_mebibyte_is_refused() -> None:
    """Who would send more than 1 MiB of JSON is told so, and sends nothing."""
    with pytest.raises(ValueError, match="bytes of JSON"):
        encode_json(3, 7, {"a": "x" * JSON_MOST})


@pytest.mark.parametrize("size", [PAYLOAD + 1, 2**32 - 1])
def test_a_long_frame_is_refused_by_its_header(size: int) -> None:
    """A frame of more than 64 KiB is refused before any of it is kept."""
    decoder = Decoder()

    with pytest.raises(ProtocolError, match="a frame of"):
        list(decoder.feed(HEADER.pack(size, 36, 1)))
    assert decoder.in_memory <= HEADER.size


def test_parts_without_end_are_refused() -> None:
    """Parts of one message are refused once they are more than 1 MiB."""
    decoder = Decoder()
    part = encode(3 | PART, 1, bytes(PAYLOAD))

    for _ in range(JSON_MOST // PAYLOAD):
        assert list(decoder.feed(part)) == []
    with pytest.raises(ProtocolError, match="bytes of JSON"):
        list(decoder.feed(part))
    assert decoder.in_memory <= JSON_MOST + 2 * PAYLOAD


@pytest.mark.parametrize("other", [encode(4, 1, b"{}"), encode(3, 2, b"{}")])
def test_parts_follow_each_other(other: bytes) -> None:
    """Nothing comes between the parts of a message."""
    with pytest.raises(ProtocolError, match="broken off"):
        decoded(encode(3 | PART, 1, b"{") + other)


@pytest.mark.parametrize("data", [b"[]", b"1", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(data: bytes) -> None:
    """A payload that is no JSON object is an error of the other side."""
    (frame,) = decoded(
        b"".join(
            encode(3 | PART * (at + PAYLOAD < len(data)), 1, data[at : at + PAYLOAD])
            for at in range(0, len(data), PAYLOAD)
        )
    )

    with pytest.raises(ProtocolError):
        frame.json()


@pytest.mark.parametrize(
    "read",
    [
        lambda fields: fields.text("number"),
        lambda fields: fields.text("missing"),
        lambda fields: fields.number("text"),
        lambda fields: fields.number("flag"),
        lambda fields: fields.number("number", most=5),
        lambda fields: fields.number("negative"),
        lambda fields: fields.flag("number"),
        lambda fields: fields.seconds("negative"),
        lambda fields: fields.seconds("nan"),
        lambda fields: fields.seconds("flag"),
        lambda fields: fields.texts("mixed"),
        lambda fields: fields.numbers("mixed", 2),
        lambda fields: fields.numbers("pair", 3),
        lambda fields: fields.mapping("text"),
        lambda fields: fields.mapping("inner"),
        lambda fields: fields.fields("pair"),
    ],
)
def test_fields_have_their_types(read: object) -> None:
    """A field of the wrong type, or that is missing, is an error of the other side."""
    fields = Fields(
        {
            "text": "a",
            "number": 5,
            "negative": -1,
            "nan": float("nan"),
            "flag": True,
            "mixed": [1, "a"],
            "pair": [1, 2],
            "inner": {"a": 1},
        }
    )

    assert callable(read)
    with pytest.raises(ProtocolError):
        read(fields)
