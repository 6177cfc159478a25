"""Text as HTML: whatever a file name or an error holds, it stays text."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from haversack.formats.names import one_line

LONGEST = 160
Cell = str | int | float


def text(value: str, longest: int = LONGEST) -> str:
    """Escaped, on one line, with its middle left out where it is long."""
    plain = one_line(value)
    if len(plain) > longest:
        half = longest // 2
        plain = f"{plain[:half]}\u2026{plain[-half:]}"
    return html.escape(plain, quote=True)


def number(value: float, places: int = 0) -> str:
    """With thin spaces between thousands."""
    return f"{value:,.{places}f}".replace(",", "\u202f")


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]], *, foot: Sequence[Cell] = ()) -> str:
    """A table; numbers are set to the right, text is escaped. "" where there are no rows."""
    listed = list(rows)
    if not listed:
        return ""
    body = "".join(_row(row) for row in listed)
    kinds = [' class="n"' if not isinstance(cell, str) else "" for cell in listed[0]]
    titles = "".join(
        f'<th scope="col"{kind}>{text(title)}</th>' for title, kind in zip(head, kinds, strict=True)
    )
    end = f"<tfoot>{_row(foot)}</tfoot>" if foot else ""
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody>{end}</table></div>"
    )


def section(title: str, body: str, note: str = "") -> str:
    """A section with its heading; "" where it has no body."""
    if not body:
        return ""
    told = f'<p class="note">{note}</p>' if note else ""
    return f"<section><h2>{text(title)}</h2>{told}{body}</section>"


def _row(cells: Sequence[Cell]) -> str:
    return "<tr>" + "".join(_cell(cell) for cell in cells) + "</tr>"


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{text(cell)}</td>"
    shown = number(cell) if isinstance(cell, int) else number(cell, 2)
    return f'<td class="n" data-v="{cell:.6g}">{shown}</td>'
