"""A spliced file reads like its parts laid end to end."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from haversack.engine.codecs.splice import SplicedFile


@given(
    parts=st.lists(st.binary(max_size=5), max_size=6),
    moves=st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 12)), max_size=8),
)
def test_it_reads_like_a_file_of_the_same_bytes(
    parts: list[bytes], moves: list[tuple[int, int]]
) -> None:
    ours, plain = SplicedFile(parts), io.BytesIO(b"".join(parts))
    for place, size in moves:
        assert ours.seek(place) == plain.seek(place)
        assert ours.read(size) == plain.read(size)
        assert ours.tell() == plain.tell()
        assert ours.read(2) == plain.read(2)
