"""The network adapted to its head: opset and batch, believed only where running shows it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import onnx

from haversack.engine.ort import open_session
from haversack.engine.session import Array, Session, SessionOptions
from haversack.errors import EngineError, ImportRefusedError
from haversack.pack.graph.batch import BATCH, with_any_batch
from haversack.pack.graph.network import fix_size, opset_of
from haversack.pack.graph.opset import HIGHEST, at_opset
from haversack.pack.graph.prepare import NetworkInput
from haversack.pack.original import Original

# A converted graph gives the same numbers but for other fusions: the last bits.
_CONVERSION_TOLERANCE = 1e-4
_SAMPLES_SHOWN = 3


def adapt_opset(
    network: onnx.ModelProto, lowest: int, original: Original, feeds: Sequence[Array]
) -> onnx.ModelProto:
    """The network at an opset its head can join, with the same outputs on every sample.

    Raises:
        ImportRefusedError: `opset-changes-outputs` where they differ.
    """
    adapted = at_opset(network, lowest)
    if adapted is network:
        return network
    session = open_session(adapted.SerializeToString(), SessionOptions())
    for feed in feeds:
        theirs = original.run(feed)
        ours = list(session.run({original.wanted.name: feed}).values())
        worst = float(np.max([_difference(a, b) for a, b in zip(theirs, ours, strict=True)]))
        if not worst <= _CONVERSION_TOLERANCE:  # NaN is not within it either
            raise ImportRefusedError(
                "opset-changes-outputs",
                f"the graph has opset {opset_of(network)} and {lowest} to {HIGHEST} is needed; "
                f"converted, its outputs differ by {worst:.2g} of their largest value "
                f"(allowed {_CONVERSION_TOLERANCE:g})",
                hint="Export the model again with opset_version=18.",
            )
    return adapted


def _difference(first: Array, second: Array) -> float:
    if first.shape != second.shape:
        return float("inf")
    if not first.size:
        return 0.0
    size = float(np.abs(first).max()) or 1.0
    return float(np.abs(first.astype(np.float64) - second.astype(np.float64)).max()) / size


def adapt_batch(
    network: onnx.ModelProto, original: Original, feeds: Sequence[Array]
) -> tuple[onnx.ModelProto, NetworkInput]:
    """The network for any number of photos, or for one where that cannot be shown.

    Accepted only if different photos at once give the outputs of each alone, bit for bit: a
    shuffle that mixes photos, or a kernel that sums in another order, is not.
    """
    wanted = original.wanted
    if "N" in wanted.layout:
        loose = with_any_batch(network)
        fix_size(loose, wanted, None)
        if _rows_equal_singles(loose, wanted, _shown_feeds(original, feeds)):
            return loose, dataclasses.replace(wanted, batch=BATCH)
    fixed = onnx.ModelProto()
    fixed.CopyFrom(network)
    fix_size(fixed, wanted, 1)
    return fixed, wanted


def _shown_feeds(original: Original, feeds: Sequence[Array]) -> list[Array]:
    """Different samples, three at most, then noise up to four.

    Samples that are alike hide a mixture of photos; and boxes listed without a batch look like
    one while each photo has a single box, which noise has not.
    """
    shown: list[Array] = []
    for feed in feeds:
        if len(shown) < _SAMPLES_SHOWN and not any(np.array_equal(feed, one) for one in shown):
            shown.append(feed)
    rng = np.random.default_rng(0)
    while len(shown) <= _SAMPLES_SHOWN:
        sides = (original.wanted.height, original.wanted.width, 3)
        shown.append(original.feed(rng.integers(0, 256, sides, dtype=np.uint8))[0])
    return shown


def _rows_equal_singles(loose: onnx.ModelProto, wanted: NetworkInput, feeds: list[Array]) -> bool:
    try:
        session: Session = open_session(loose.SerializeToString(), SessionOptions())
        together = session.run({wanted.name: np.concatenate(feeds)})
        alone = [session.run({wanted.name: feed}) for feed in feeds]
    except EngineError:
        return False
    return all(
        values.ndim > 0
        and len(values) == len(feeds)
        and all(np.array_equal(values[i : i + 1], row[name]) for i, row in enumerate(alone))
        for name, values in together.items()
    )
