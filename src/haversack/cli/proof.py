"""The table of a proof: a sample a line."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from haversack.engine.verify import SampleCheck


def proof_table(checks: Iterable[SampleCheck], tolerance: float) -> Table:
    """What the original said, what the pack says, and the worst difference."""
    table = Table(box=None)
    table.add_column("sample")
    table.add_column("original", justify="right")
    table.add_column("pack", justify="right")
    table.add_column("worst", justify="right")
    table.add_column("allowed", justify="right")
    for check in checks:
        fits = check.worst <= tolerance
        table.add_row(
            check.name,
            str(check.expected),
            str(check.found),
            Text(f"{check.worst:.4f}", style="" if fits else "red"),
            f"{tolerance:g}",
        )
    return table
