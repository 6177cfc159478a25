"""How the run went: its speed, what limited it, and its settings."""

from __future__ import annotations

from haversack.formats.photos import SurveyRun
from haversack.formats.report.findings import Findings
from haversack.formats.report.markup import number, section, table, text
from haversack.units import format_seconds

SETTINGS_SHOWN = 200


def speed_section(run: SurveyRun, found: Findings) -> str:
    """Time, rates and the bottleneck."""
    speed = run.speed
    done = found.looked_at + found.statuses["failed"]
    rows = [("Time", format_seconds(speed.seconds))] if speed.seconds else []
    if speed.seconds and done:
        rows.append(("A photo", format_seconds(speed.seconds / done)))
        rows.append(("Photos an hour", number(done / speed.seconds * 3600)))
    rows.append(("Tiles", _tiles(found)))
    if speed.seconds and found.tiles:
        rows.append(("Tiles a second", number(found.tiles / speed.seconds, 1)))
    rows.append(("Decoding, all threads", format_seconds(speed.decode_seconds)))
    rows.append(("Model, all threads", format_seconds(speed.model_seconds)))
    rows.append(("Threads and batch", f"{speed.threads} threads, {speed.batch} tiles at once"))
    limit = text(speed.limited_by, 400)
    note = f"What limited it: <b>{limit}</b>" if limit else ""
    return section("Speed", table(["What", "Measured"], rows), note)


def settings_section(run: SurveyRun) -> str:
    """Every setting of the run."""
    rows = [
        ("pack", f"{run.pack} {run.version}"),
        ("digest", run.digest),
        ("threshold", f"{run.threshold:g}"),
        ("rule", run.rule),
        ("tile", f"{run.tile} px"),
        ("overlap", f"{run.overlap} px"),
    ]
    own = {name for name, _ in rows}
    others = [(name, value) for name, value in run.settings.items() if name not in own]
    rows += others[:SETTINGS_SHOWN]
    return section("Settings", table(["Setting", "Value"], rows))


def _tiles(found: Findings) -> str:
    shown = number(found.tiles)
    if found.skipped:
        shown += f", of which {number(found.skipped)} were constant or without data"
    return shown
