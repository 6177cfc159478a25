"""`haversack survey run`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from haversack.cli.exits import DONE, INTERRUPTED, SOME_FAILED
from haversack.cli.options import DeviceType, SizeType, find_pack, json_option, packs_option, share
from haversack.cli.output import console, notes, print_record
from haversack.engine.devices import Device
from haversack.engine.merge import RULES, Rule
from haversack.engine.session import MOST_THREADS
from haversack.survey.run.begin import REPORT, RETRY
from haversack.survey.run.options import RunRequest
from haversack.survey.run.progress import LiveScreen, PlainScreen, Screen
from haversack.survey.run.run import Summary, run_survey
from haversack.units import format_seconds


@click.command("run")
@click.argument("photos", nargs=-1, required=True, metavar="PHOTOS...")
@click.option("--pack", required=True, help="Who looks: a pack's name, folder or .pack file.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run; the same again goes on with it.",
)
@packs_option
@click.option(
    "--tile", type=click.IntRange(min=16), help="Side of a tile in px; default the pack's."
)
@click.option("--overlap", type=click.IntRange(min=0), help="Px that neighbours share, at least.")
@click.option("--rule", type=click.Choice(RULES), help="How tiles become objects; default seam.")
@click.option("--threshold", type=float, callback=share, help="Least score; default the pack's.")
@click.option(
    "--overview/--no-overview",
    default=None,
    help="Look at each photo once more as a whole, for objects larger than the overlap.",
)
@click.option("--device", type=DeviceType(), help="Default cpu.")
@click.option("--threads", type=click.IntRange(1, MOST_THREADS), help="Default: measured.")
@click.option("--batch", type=click.IntRange(1, 1024), help="Tiles of one call; default: measured.")
@click.option(
    "--memory", type=SizeType(), help="For photos in flight; default half of what is available."
)
@click.option("--new-pass", is_flag=True, help="Begin anew; the old results move to earlier/.")
@click.option("--quiet", is_flag=True, help="No progress, only remarks.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    photos: tuple[str, ...],
    pack: str,
    out: Path,
    repositories: tuple[Path, ...],
    tile: int | None,
    overlap: int | None,
    rule: Rule | None,
    threshold: float | None,
    overview: bool | None,
    device: Device | None,
    threads: int | None,
    batch: int | None,
    memory: int | None,
    new_pass: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Look at every photo in PHOTOS, tile by tile, and keep what is found in the folder OUT.

    PHOTOS are folders, photos, globs, lists (.txt, one path a line) or - for a list on standard
    input. Interrupted, or killed, the same command goes on where it was. Each photo ends as done,
    partial, failed or vanished; where not all are done, the exit code is 3.
    """
    request = RunRequest(
        words=photos,
        pack=find_pack(pack, repositories),
        out=out,
        tile=tile,
        overlap=overlap,
        rule=rule,
        threshold=threshold,
        overview=overview,
        device=device,
        threads=threads,
        batch=batch,
        memory_bytes=memory,
        new_pass=new_pass,
    )
    live = sys.stderr.isatty() and not quiet
    screen: Screen = LiveScreen(notes()) if live else PlainScreen(notes(), quiet=quiet)
    summary = run_survey(request, screen)
    try:
        if as_json:
            print_record(_record(summary))
        else:
            _print(summary)
        sys.stdout.flush()
    except OSError:
        if not summary.interrupted:
            raise
        sys.stdout = None  # the terminal was closed
    if summary.interrupted:
        again = [word for word in sys.argv[1:] if word != "--new-pass"]
        notes().print(f"To go on: haversack {shlex.join(again)}")
        ctx.exit(INTERRUPTED)
    ctx.exit(SOME_FAILED if summary.has_failures else DONE)


def _record(summary: Summary) -> dict[str, object]:
    return {
        "run": str(summary.folder),
        "photos": summary.photos,
        "objects": summary.objects,
        "seconds": round(summary.seconds, 3),
        "interrupted": summary.interrupted,
    }


def _print(summary: Summary) -> None:
    out = console()
    order = ("done", "partial", "failed", "vanished", "queued")
    told = [f"{summary.photos[s]:,} {s}" for s in order if summary.photos.get(s)]
    out.print(f"Photos: {', '.join(told) or 'none'}. Objects found: {summary.objects:,}.")
    if summary.seconds:
        out.print(f"This took {format_seconds(summary.seconds)}.")
    if summary.has_failures:
        bad = sum(summary.photos.get(s, 0) for s in ("partial", "failed", "vanished"))
        if bad:
            out.print(
                f"Not whole: {bad:,} photo{'s' * (bad != 1)}, listed in {summary.folder / RETRY}"
            )
            out.print(f"Why:    haversack survey status {shlex.quote(str(summary.folder))}")
    if not summary.interrupted:
        out.print(f"Report: {summary.folder / REPORT}")
        folder = shlex.quote(str(summary.folder))
        out.print(f"Next:   haversack survey export {folder} --format counts")
