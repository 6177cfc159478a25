"""`haversack survey export`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import console
from haversack.formats.exports import EXPORTS
from haversack.survey.run.begin import EXPORTS as FOLDER
from haversack.survey.run.facts import photo_reader, run_facts
from haversack.survey.run.options import read_record
from haversack.survey.run.store import RunStore

_FORMATS = "\b\n" + "\n".join(f"{name}: {export.summary}" for name, export in EXPORTS.items())


@click.command("export", epilog=_FORMATS)
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    required=True,
    multiple=True,
    type=click.Choice(list(EXPORTS)),
    help="Which, see below; may be given several times.",
)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), help="File or folder; default RUN/exports/."
)
def command(run: Path, formats: tuple[str, ...], out: Path | None) -> None:
    """Write the results of RUN for other programs; also while it works, of what is done."""
    if out is not None and len(formats) > 1:
        raise click.UsageError("-o goes with one --format; give one, or leave -o out.")
    record = read_record(run)
    with RunStore(run, write=False) as store:
        facts, photos = run_facts(run, record, store), photo_reader(store, record)
        for name in formats:
            export = EXPORTS[name]
            target = out if out is not None else run / FOLDER / export.default_name
            target.parent.mkdir(parents=True, exist_ok=True)
            console().print(str(export.write(facts, photos, target)))
