"""The area of a mask in COCO's compressed run-length encoding, without decoding it to pixels.

Source: the COCO API's `rleFrString`: runs of zeros and ones in turn, down the columns; each is a
difference to the run before last, in groups of five bits from the lowest, plus 48 as a character.
"""

from __future__ import annotations


def runs(counts: str) -> list[int]:
    """Lengths of the runs of zeros and ones in turn, zeros first.

    Raises:
        ValueError: the text ends inside a number, or holds other characters.
    """
    lengths: list[int] = []
    value = shift = 0
    for char in counts:
        group = ord(char) - 48
        if not 0 <= group < 64:
            raise ValueError(f"{char!r} is no part of a compressed mask")
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("the compressed mask ends inside a number")
    return lengths


def area(counts: str) -> int:
    """Pixels that the mask covers.

    Raises:
        ValueError: see `runs`.
    """
    return sum(runs(counts)[1::2])
