"""Every head by the name that --head takes. A new head is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Decoding
from haversack.pack.graph.heads import argmax, boxes, classify, fastestdet, yolox
from haversack.pack.graph.heads.head import Head
from haversack.packfile.manifest import Task

# The name of "no head".
NONE = "none"

HEADS: Mapping[str, Head] = {
    head.name: head
    for head in (
        yolox.HEAD,
        fastestdet.HEAD,
        boxes.HEAD,
        classify.SOFTMAX,
        classify.PROBABILITIES,
        argmax.HEAD,
    )
}


def task_made(head: Head | None) -> Task:
    """What a head makes of a network; without one its outputs stay as they are."""
    return "tensor" if head is None else head.task


def choose(name: str, decoding: Decoding, heads: Mapping[str, Head] = HEADS) -> Head:
    """The head of that name.

    Raises:
        ImportRefusedError: `head-unknown`; where none was named, with the heads that would fit.
    """
    if name in heads:
        return heads[name]
    seen = "; ".join(str(spec) for spec in decoding.outputs)
    fits = [head.name for head in heads.values() if _fits(head, decoding)]
    known = ", ".join([*heads, NONE])
    raise ImportRefusedError(
        "head-unknown",
        f"there is no head {name!r}; there are {known}"
        if name
        else f"nothing says how to read the outputs: {seen}",
        hint=f"By their shapes these would fit: {', '.join(f'--head {fit}' for fit in fits)}."
        if fits
        else "Give --preset or --head; --head none keeps the outputs as they are.",
    )


def _fits(head: Head, decoding: Decoding) -> bool:
    try:
        head.build(decoding)
    except ImportRefusedError:
        return False
    return True
