"""`haversack pack profile`."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.table import Table

from haversack.cli.options import find_pack, json_option, packs_option
from haversack.cli.output import console, notes, print_record
from haversack.measure.plan import Measured, ProfileOptions
from haversack.measure.profile import measure_pack
from haversack.packfile.profile import MemoryFormula, Profile, encode, store
from haversack.settings import from_environment
from haversack.units import format_bytes, format_seconds


@click.command("profile")
@click.argument("pack")
@click.option("--quick", is_flag=True, help="Fewer cases, in a few seconds.")
@click.option(
    "--most-seconds",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    help="No further case is begun after it.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write profile.toml there too: in the pack's folder it is a hint for others.",
)
@packs_option
@json_option
def command(
    pack: str,
    quick: bool,
    most_seconds: float,
    out: Path | None,
    repositories: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Measure the memory and the latency of PACK on this machine.

    The measure is kept in $XDG_CACHE_HOME/haversack/profiles, where `haversack serve` finds it.
    """
    files = find_pack(pack, repositories)
    options = ProfileOptions(quick=quick, most_seconds=most_seconds)
    screen = notes()
    screen.print(f"Measuring {files.manifest.name}@{files.manifest.version} ...")
    profile = measure_pack(files, options, lambda case: screen.print(f"  {_line(case)}"))
    place = store(from_environment().cache_folder, profile)
    if out is not None:
        out.write_bytes(encode(profile))
    if as_json:
        print_record(msgspec.to_builtins(profile))
        return
    out_console = console()
    out_console.print(_table(profile))
    for line in formula_lines(profile.memory):
        out_console.print(line)
    screen.print(f"Kept in {place}")


def formula_lines(memory: MemoryFormula) -> list[str]:
    """The sizing formula in words."""
    return [
        f"runtime          {format_bytes(memory.runtime_bytes):>9}",
        f"+ session        {format_bytes(memory.session_bytes):>9}",
        f"+ one call       {format_bytes(memory.call_bytes):>9}",
        f"+ further row    {format_bytes(memory.row_bytes):>9}  each, in one call",
        f"+ photo          {memory.photo_pixel_bytes:>7.2f} B  a pixel, while it is decoded",
    ]


def _line(case: Measured) -> str:
    what = f"photo of {case.megapixels:g} MP" if case.megapixels else f"model, batch {case.batch}"
    took, peak = format_seconds(case.seconds), format_bytes(case.peak_bytes)
    return f"{what}, {case.threads} threads: {took}, {peak}"


def _table(profile: Profile) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("case", "threads", "median", "memory"):
        table.add_column(title, justify="left" if title == "case" else "right")
    for case in profile.cases:
        what = f"photo, {case.megapixels:g} MP" if case.megapixels else f"model, batch {case.batch}"
        took, peak = format_seconds(case.seconds), format_bytes(case.peak_bytes)
        table.add_row(what, str(case.threads), took, peak)
    return table
