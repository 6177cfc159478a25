"""What may be parsed on the event loop, since it is looked at as it lies there."""

from __future__ import annotations

import json

import pytest

from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.protocols.v2 import is_plain


def head(datatype: str) -> bytes:
    told = {"name": "x", "datatype": datatype, "shape": [4]}
    return json.dumps({"inputs": [told]}).encode()


@pytest.mark.parametrize(
    ("start", "behind", "expected"),
    [
        (head("FP32"), 600_000, True),
        (head("FP32"), 5 << 20, False),
        (head("BYTES"), 600_000, False),
        # The same word as JSON may also write it.
        (head("X").replace(b'"X"', b'"B\\u0059TES"'), 600_000, False),
        (head("FP32") + b" " * (65 << 10), 600_000, False),
        (b"", 600_000, False),
    ],
)
def test_only_numbers_of_a_few_megabytes_are_plain(
    start: bytes, behind: int, expected: bool
) -> None:
    assert is_plain(PhotoBytes(start + bytes(behind)), len(start)) is expected
