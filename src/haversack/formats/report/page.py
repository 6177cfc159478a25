"""The page itself: what was found, in the order in which people ask."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path
from string import Template

from haversack.formats.names import label_names
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.report.charts import histogram
from haversack.formats.report.findings import Findings, gather
from haversack.formats.report.ground_map import MARKS, ground_map
from haversack.formats.report.markup import Cell, number, section, table, text
from haversack.formats.report.running import settings_section, speed_section
from haversack.formats.report.sheet import PHOTO_BYTES, draw_all, sheet

CLASSES_SHOWN, TRANSECTS_SHOWN = 100, 150


def write(run: SurveyRun, photos: Photos, path: Path, *, photo_bytes: int = PHOTO_BYTES) -> Path:
    """The report of a run, at most 5 MB however large the run; gives `path`.

    Links lead to `exports/crops` beside it where that is, else to the photos. It loads nothing
    from anywhere, and scripts are refused but its own.

    Args:
        photo_bytes: of memory for one photo while its objects are drawn.

    Raises:
        HaversackError: `export-unwritable`.
    """
    found = gather(photos, names=MARKS)
    surest, doubtful = found.surest.chosen(), found.doubtful.chosen()
    thumbnails = draw_all(run, [*surest, *doubtful], photo_bytes)
    body = [
        _warnings(found),
        _totals(run, found),
        section("Classes", _classes(run, found)),
        section("Transects", _transects(found), _transect_note(found)),
        section("Map", ground_map(found), _map_note(found)),
        section("Scores", histogram(found.histogram, run.threshold), _score_note(run)),
        section("The surest", sheet(run, surest, thumbnails, path)),
        section("The most doubtful", sheet(run, doubtful, thumbnails, path), _doubt_note(run)),
        section("Photos that could not be read", _failures(found), _failure_note(found)),
        section("Photos read in part", _partial(found)),
        speed_section(run, found),
        settings_section(run),
    ]
    with replaced_file(path) as file:
        file.write(_filled(run, "\n".join(part for part in body if part)).encode("utf-8"))
    return path


def _filled(run: SurveyRun, body: str) -> str:
    folder = resources.files("haversack.formats.report")
    page, style, script = (
        (folder / f"page.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js")
    )
    created = run.created.strftime("%d %B %Y, %H:%M UTC")
    subtitle = f"{text(run.pack)} {text(run.version)} \u00b7 begun {created}"
    return Template(page).substitute(
        title=f"Survey {text(run.name)}",
        subtitle=subtitle,
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        body=body,
        footer=f"Written by Haversack. Pack digest {text(run.digest)}.",
    )


def _hash(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _warnings(found: Findings) -> str:
    told = []
    if found.waiting:
        told.append(
            f"This run is not finished: {number(found.waiting)} photos have not been looked at. "
            "The same command goes on with it."
        )
    if found.statuses["vanished"]:
        told.append(
            f"{number(found.statuses['vanished'])} photos were there when the run began, and are "
            "not there now. They are in no count."
        )
    if found.truncated:
        told.append(
            f"{number(found.truncated)} tiles held more than the model can answer for, even in "
            "quarters. Counts there may be too low."
        )
    return "".join(f'<p class="warn">{one}</p>' for one in told)


def _totals(run: SurveyRun, found: Findings) -> str:
    looked_at = found.looked_at
    share = f"{100 * found.with_any / looked_at:.1f} % of those looked at" if looked_at else ""
    partial = found.statuses["partial"]
    entries = [
        ("Objects found", number(found.total), f"score {run.threshold:g} and above"),
        ("Photos with objects", number(found.with_any), share),
        ("Photos looked at", number(looked_at), f"{number(partial)} in part" if partial else ""),
        ("Photos failed", number(found.statuses["failed"]), ""),
    ]
    cells = "".join(
        f"<div><dt>{name}</dt><dd>{value}<small>{note or '&nbsp;'}</small></dd></div>"
        for name, value, note in entries
    )
    return f'<dl class="totals">{cells}</dl>'


def _classes(run: SurveyRun, found: Findings) -> str:
    rows: list[list[Cell]] = [
        [label_names(run.labels, i), count, found.photos_with[i], found.best[i]]
        for i, count in found.objects.most_common()
    ]
    rest = rows[CLASSES_SHOWN:]
    shown = rows[:CLASSES_SHOWN]
    if rest:
        shown.append([f"{len(rest)} more", sum(int(row[1]) for row in rest), "", ""])
    foot: list[Cell] = ["All", found.total, found.with_any, ""] if len(rows) > 1 else []
    return table(["Class", "Objects", "Photos with", "Highest score"], shown, foot=foot)


def _transects(found: Findings) -> str:
    folders = found.folders
    if len(folders) < 2:
        return ""
    names = sorted(folders, key=lambda name: (-folders[name].objects, name))[:TRANSECTS_SHOWN]
    rows: list[list[Cell]] = []
    for name in sorted(names):
        one = folders[name]
        mean: Cell = one.objects / one.looked_at if one.looked_at else ""
        counts: list[Cell] = [one.looked_at, one.photos_with, one.objects]
        rows.append([name or "(top folder)", *counts, mean, one.failed, one.waiting])
    sums: list[int] = [
        sum(getattr(one, field) for one in folders.values())
        for field in ("looked_at", "photos_with", "objects", "failed", "waiting")
    ]
    mean = sums[2] / sums[0] if sums[0] else ""
    foot: list[Cell] = ["All", *sums[:3], mean, *sums[3:]]
    head = ["Transect", "Looked at", "With objects", "Objects", "A photo", "Failed", "Waiting"]
    return table(head, rows, foot=foot)


def _transect_note(found: Findings) -> str:
    if len(found.folders) <= TRANSECTS_SHOWN:
        return "A transect is a folder of photos."
    return (
        f"A transect is a folder of photos. Of {number(len(found.folders))}, the "
        f"{TRANSECTS_SHOWN} with the most objects are shown; the export <code>transects</code> "
        "has all."
    )


def _map_note(found: Findings) -> str:
    placed = f"{number(len(found.lons))} of {number(found.looked_at)} photos have a position. "
    if len(found.lons) > MARKS:
        return (
            placed + "Each mark is an area; it is larger where more was found, grey where nothing."
        )
    return placed + "Marks are larger where more was found, grey where nothing."


def _score_note(run: SurveyRun) -> str:
    return f"Objects below the threshold of {run.threshold:g} are not in this report."


def _doubt_note(run: SurveyRun) -> str:
    return f"Nearest the threshold of {run.threshold:g}. Where most are wrong, raise it."


def _failures(found: Findings) -> str:
    codes: list[list[Cell]] = [[code, count] for code, count in found.failures.most_common(50)]
    summary = table(["Reason", "Photos"], codes)
    return summary + table(["Photo", "Reason", "Message"], found.named) if summary else ""


def _failure_note(found: Findings) -> str:
    failed = found.statuses["failed"]
    note = "They are not counted as empty."
    if failed > len(found.named):
        note += f" The first {len(found.named)} of {number(failed)} are named."
    return note


def _partial(found: Findings) -> str:
    return table(["Photo", "Reason", "Message"], found.partial)
