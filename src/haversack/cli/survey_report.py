"""`haversack survey report`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.output import console
from haversack.formats import report
from haversack.survey.run.begin import REPORT
from haversack.survey.run.facts import photo_reader, run_facts
from haversack.survey.run.options import read_record
from haversack.survey.run.store import RunStore


@click.command("report")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Default RUN/report.html.")
def command(run: Path, out: Path | None) -> None:
    """Write the report of RUN anew: one page to read, print or send on; also while it works."""
    record = read_record(run)
    with RunStore(run, write=False) as store:
        facts = run_facts(run, record, store)
        written = report.write(
            facts, photo_reader(store, record), run / REPORT if out is None else out
        )
    console().print(str(written))
