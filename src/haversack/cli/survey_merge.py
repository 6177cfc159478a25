"""`haversack survey merge`."""

from __future__ import annotations

from pathlib import Path

import click

from haversack.cli.options import share
from haversack.cli.output import console
from haversack.engine.merge import RULES, Rule
from haversack.survey.run.facts import current_merge
from haversack.survey.run.options import MergeTable, read_record
from haversack.survey.run.remerge import remerge
from haversack.survey.run.store import RunStore


@click.command("merge")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--threshold", type=float, callback=share, help="Least score, 0 to 1.")
@click.option("--rule", type=click.Choice(RULES), help="How tiles become objects.")
def command(run: Path, threshold: float | None, rule: Rule | None) -> None:
    """Count the objects of RUN anew with another threshold or rule, without looking again.

    What is not given stays as it is. Exports and the report are not rewritten.
    """
    if threshold is None and rule is None:
        raise click.UsageError("Give --threshold, --rule or both.")
    record = read_record(run)
    with RunStore(run, write=False) as store:
        now = current_merge(record, store)
        before = sum(number for number, _ in store.found_by_class().values())
    merge = MergeTable(
        rule=rule or now.rule, threshold=now.threshold if threshold is None else threshold
    )
    objects = remerge(run, merge, lambda done: None)
    console().print(
        f"{objects:,} objects with rule {merge.rule} and threshold {merge.threshold:g}; "
        f"{before:,} before with rule {now.rule} and threshold {now.threshold:g}."
    )
    console().print(f"Next:   haversack survey report {run}")
