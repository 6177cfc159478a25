"""ONNX files: read with their external data, cleaned, and run by ONNX Runtime as they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx

from haversack.errors import ImportRefusedError
from haversack.pack.graph.network import cleaned
from haversack.pack.importers.importer import Network, Origin
from haversack.pack.original import open_original
from haversack.pack.recipe import Recipe

# Protobuf cannot hold more in one message.
_LARGEST_BYTES = 2**31 - 2**20


def read(source: Path, recipe: Recipe) -> Network:
    """See `Importer`. An ONNX file tells neither labels nor how it is fed.

    Raises:
        ImportRefusedError: as `read_network`.
    """
    graph = read_network(source)
    return Network(
        graph=graph,
        open_original=lambda: open_original(graph),
        origin=Origin(source=source.name, sha256=_sha256(source), importer="onnx"),
    )


def read_network(path: Path) -> onnx.ModelProto:
    """The model in `path` with its external data inside, cleaned.

    Raises:
        ImportRefusedError: `model-unreadable`, `model-too-large`; see `cleaned`.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as fault:  # protobuf, checker and file errors have no common root
        raise ImportRefusedError(
            "model-unreadable",
            f"{path} cannot be read as an ONNX model: {str(fault).splitlines()[0][:200]}",
            hint="Give the .onnx file as exported, with its external data files beside it.",
        ) from fault
    if model.ByteSize() > _LARGEST_BYTES:
        raise ImportRefusedError(
            "model-too-large",
            f"{path} holds {model.ByteSize()} bytes; one graph holds at most {_LARGEST_BYTES}",
            hint="Export with float16 weights, or a smaller variant of the model.",
        )
    return cleaned(model)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
