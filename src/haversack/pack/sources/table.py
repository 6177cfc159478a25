"""Every kind of source and its importer. A new importer is one module and one line here.

One of the few tables by which our own modules are imported by name: an importer's framework is
loaded for its own sources only.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haversack.errors import HaversackError, ImportRefusedError, Kind
from haversack.pack.importers.importer import Importer
from haversack.pack.sources.signs import holds_onnx


@dataclass(frozen=True, kw_only=True)
class SourceRow:
    """One kind of source.

    Attributes:
        expects: what it is, for the refusal of a source that nobody recognises.
        module: the importer's; see `Importer`.
        extra: the optional dependencies that it needs.
        recognises: whether it is this kind, by its content; it raises nothing.
        suffix: a name by which it is taken for this kind where no content is recognised, so that
            its importer says what is wrong with it.
    """

    expects: str
    module: str
    extra: str
    recognises: Callable[[object], bool]
    suffix: str = ""


SOURCES: tuple[SourceRow, ...] = (
    SourceRow(
        expects="an .onnx file",
        module="haversack.pack.importers.onnx",
        extra="pack",
        recognises=holds_onnx,
        suffix=".onnx",
    ),
)


def find_source(source: object, sources: Sequence[SourceRow] = SOURCES) -> SourceRow:
    """The row for `source`, a path or an object in memory: by its content, else by its name.

    Raises:
        ImportRefusedError: `source-missing`, `source-unknown`.
    """
    by_content = next((row for row in sources if row.recognises(source)), None)
    if by_content is not None:
        return by_content
    if isinstance(source, Path):
        if not source.is_file():
            raise ImportRefusedError(
                "source-missing",
                f"there is no file {source}",
                hint="Give the path of an .onnx file.",
            )
        named = (row for row in sources if row.suffix and row.suffix == source.suffix)
        by_name = next(named, None)
        if by_name is not None:
            return by_name
    expected = " or ".join(row.expects for row in sources)
    raise ImportRefusedError(
        "source-unknown",
        f"{expected} was expected, received {source}",
        hint="Export the model to ONNX first, for example with torch.onnx.export; weights "
        "alone (a state_dict) need the code of their network for that.",
    )


def importer_of(row: SourceRow) -> Importer:
    """The importer that reads sources of this row.

    Raises:
        HaversackError: `extra-missing` where its optional dependencies are not installed.
    """
    try:
        module: Any = importlib.import_module(row.module)
    except ImportError as fault:
        raise HaversackError(
            "extra-missing",
            f"to import {row.expects} needs what is not installed: {fault}",
            hint=f"Install it with: pip install 'haversack[{row.extra}]'",
            kind=Kind.UNAVAILABLE,
        ) from fault
    importer: Importer = module
    return importer
