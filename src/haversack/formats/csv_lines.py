"""CSV written row by row into a file that is put in place when it is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from haversack.engine.tasks.task import Cell
from haversack.formats.replace import replaced_file


@contextmanager
def csv_text(path: Path) -> Iterator[io.TextIOWrapper]:
    """A text file for the csv module, UTF-8, that replaces `path` at the end of the block.

    Raises:
        HaversackError: `export-unwritable`.
    """
    with replaced_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
        try:
            yield text
            text.flush()
        finally:
            text.detach()


def write_table(path: Path, header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Path:
    """A header and rows, taken one at a time, with `\\n` line ends; gives `path`.

    Raises:
        HaversackError: `export-unwritable`.
    """
    with csv_text(path) as text:
        out = csv.writer(text, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
    return path
