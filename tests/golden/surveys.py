"""A survey as everything that it leaves: its words, tables, exports and report."""

from __future__ import annotations

import html
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from tests.golden.bench import Shell
from tests.golden.masks import masked
from tests.golden.material import draw
from tests.shell import Ran

FIXED = ("--threads", "2", "--batch", "2", "--quiet")
"""Nothing is measured."""


def transcript(words: tuple[str, ...], ran: Ran) -> str:
    """A command and what came of it."""
    told = "\n".join(part.rstrip("\n") for part in (ran.out, ran.err) if part)
    code = f"\n[{ran.status}]" if ran.status else ""
    return f"$ haversack {' '.join(words)}\n{told}{code}\n"


def survey_answers(shell: Shell) -> dict[str, str]:
    """By the name of the golden file."""
    draw(shell.folder / "photos")
    run = shell.folder / "run"
    tile = ("--tile", "128", "--overlap", "32")
    told = []

    def say(*words: str) -> None:
        told.append(transcript(words, shell.run(*words)))

    begun = ("survey", "run", "photos", "--pack", "few", "--out", "run", *tile, *FIXED)
    say(*begun)
    found = {"survey-tables.txt": tables(run / "run.sqlite")}
    found |= exports(shell, run, say)
    found["survey-report.txt"] = visible((run / "report.html").read_text("utf-8"))
    say("survey", "status", "run")
    say("survey", "status", "run", "--json")
    say(*begun, "--json")
    say(*begun, "--threshold", "0.4")
    say("survey", "merge", "run", "--rule", "nms", "--threshold", "0.6")
    merged = tables(run / "run.sqlite", ("meta", "found"))
    say("survey", "status", "run", "--json")
    say(*begun[:3], "--pack", "few", "--out", "whole", "--tile", "300", "--overview", *FIXED)
    whole = tables(shell.folder / "whole" / "run.sqlite", ("meta", "photo"))
    say("survey", "run", "photos", "--pack", "shades", "--out", "other", *FIXED)
    found |= {
        "survey-words.txt": "\n".join(told),
        "survey-run.toml": _settings(run / "run.toml"),
        "survey-retry.txt": (run / "retry.txt").read_bytes().decode("utf-8", "backslashreplace"),
        "survey-merged.txt": merged,
        "survey-overview.txt": whole,
    }
    return {name: masked(text, shell.folder) for name, text in found.items()}


def exports(shell: Shell, run: Path, say: Callable[..., None]) -> dict[str, str]:
    """Each export's texts and the names and sizes of its photos."""
    names = re.findall(r"^  ([a-z-]+):", shell.done("survey", "export", "--help"), re.MULTILINE)
    say("survey", "export", "run", *(word for name in names for word in ("--format", name)))
    written = {}
    for path in sorted((run / "exports").iterdir()):
        parts = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        written[f"export-{path.name}.txt"] = "".join(_file(part, run / "exports") for part in parts)
    return written


def _file(path: Path, folder: Path) -> str:
    name = str(path.relative_to(folder)).encode("utf-8", "surrogateescape")
    told = name.decode("utf-8", "backslashreplace")
    if path.suffix in (".png", ".jpg", ".jpeg"):
        with Image.open(path) as photo:
            return f"== {told} {photo.format} {photo.width} x {photo.height}\n"
    text = path.read_text("utf-8").rstrip("\n").replace("},{", "},\n{")
    if path.suffix == ".geojsonl":
        text = _but_known(text, path.with_suffix(".geojson"))
    return f"== {told}\n{text}\n"


def _but_known(text: str, whole: Path) -> str:
    """Lines that the whole document does not have; of the others how many there are."""
    known = {line.rstrip(",") for line in whole.read_text("utf-8").splitlines()}
    lines = text.splitlines()
    new = [line for line in lines if line not in known]
    return "\n".join([f"{len(lines) - len(new)} lines as in {whole.name}", *new])


def tables(database: Path, names: tuple[str, ...] = ()) -> str:
    """Every row of every table, or of these; times are masked by their columns' names."""
    base = sqlite3.connect(database)
    try:
        version = base.execute("PRAGMA user_version").fetchone()[0]
        found = base.execute("SELECT name, sql FROM sqlite_master ORDER BY type, name").fetchall()
        told = [f"user_version {version}"]
        told += [" ".join(str(sql).split()) for _, sql in found if sql and not names]
        for name in names or [name for name, sql in found if str(sql).startswith("CREATE TABLE")]:
            told += _rows(base, name)
    finally:
        base.close()
    return "\n".join(told) + "\n"


def _rows(base: sqlite3.Connection, table: str) -> list[str]:
    asked = base.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
    columns = [column[0] for column in asked.description]
    rows = [
        ", ".join(_cell(name, value) for name, value in zip(columns, row, strict=True))
        for row in asked
    ]
    if "key" in columns:
        rows = [re.sub(r"(seconds[a-z_]*, )[\d.e-]+", r"\1SECONDS", row) for row in rows]
    return [f"== {table}: {', '.join(columns)}", *rows]


def _cell(column: str, value: object) -> str:
    if column.startswith("seconds"):
        return "SECONDS"
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) <= 1 else f"{value:.2f}"
    return repr(value) if isinstance(value, bytes) else str(value)


def _settings(path: Path) -> str:
    """run.toml without the machine."""
    text, _, _ = path.read_text("utf-8").partition("[machine]")
    return text + "[machine]\n"


def visible(page: str) -> str:
    """What a person reads on a page, and how many photos it shows."""
    shown = page.count("<img")
    for tag in ("style", "script", "svg"):
        page = re.sub(rf"<{tag}\b.*?</{tag}>", f"\n[{tag}]\n", page, flags=re.DOTALL)
    links = re.findall(r'href="([^"#]+)"', page)
    text = html.unescape(re.sub(r"<[^>]+>", "\n", page))
    text = re.sub(r"[\d.]+ (tiles|photos) (a|an) (second|hour)", "SPEED", text)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    lines = _without_speed([*lines, f"{shown} photos are shown", *map(html.unescape, links)])
    return "\n".join(lines) + "\n"


def _without_speed(lines: list[str]) -> list[str]:
    """The section on speed has nothing but this machine's numbers."""
    begin, end = lines.index("Speed"), lines.index("Settings")
    kept = [line for line in lines[begin:end] if not any(sign.isdigit() for sign in line)]
    lines = [*lines[:begin], *kept, *lines[end:]]
    for word in ("machine", "versions"):
        lines[lines.index(word) + 1] = word.upper()
    return lines
