"""What every importer gives, and what it promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import onnx

from haversack.engine.session import Session
from haversack.pack.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a network came from, for the manifest.

    Attributes:
        source: the model's name: of a file, without its folder.
        sha256: of what was read.
        importer: who read it.
    """

    source: str
    sha256: str
    importer: str


@dataclass(frozen=True, kw_only=True)
class Network:
    """A model as its importer read it: from here on all models are alike.

    Attributes:
        graph: as the author's own file computes it; see `graph.network.cleaned`.
        open_original: a session of the model as it came, whatever runs it; the proof compares the
            pack with it. Its inputs and outputs are named and ordered as the graph's.
        origin: for the manifest.
        labels: class names that the source itself holds, in its order.
        told: fields of a recipe that the source itself holds, such as `mean`; they stand below
            what preset and caller say.
    """

    graph: onnx.ModelProto
    open_original: Callable[[], Session]
    origin: Origin
    labels: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)


class Importer(Protocol):
    """A module in `pack/importers` that reads one kind of model.

    Promises: what is read is neither changed nor kept open; nothing is written; the same source
    gives the same graph, byte for byte; what cannot be read is refused with what was seen and the
    next step; code that lies in a source never runs in this process.
    """

    def read(self, source: Any, recipe: Recipe) -> Network:
        """The network in `source`, which the importer's row in `pack/sources/table.py` recognised.

        Args:
            source: a path, or an object in memory.
            recipe: as preset and caller say it, for importers that must choose.

        Raises:
            ImportRefusedError: what cannot be read, and what would help.
        """
        ...
