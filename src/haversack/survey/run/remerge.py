"""Another threshold or rule over a whole run, from its raw boxes, without looking again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from haversack.engine.merge import MergeOptions, Merger
from haversack.engine.tasks.table import survey_task
from haversack.engine.tasks.task import FoundRow
from haversack.engine.tiles import TileGrid
from haversack.survey.run.options import MergeTable, read_record
from haversack.survey.run.store import RunStore


def remerge(folder: Path, merge: MergeTable, tell: Callable[[int], None]) -> int:
    """Put the objects of the new merge in place of the old, all or none. Returns how many.

    Args:
        tell: called with the number of photos done, one by one.

    Raises:
        HaversackError: `run-missing`, `run-damaged`, `run-busy`, `run-write-failed`.
    """
    record = read_record(folder)
    options = MergeOptions(rule=merge.rule, threshold=merge.threshold)

    survey = survey_task(record.pack.task)

    def merged(store: RunStore) -> Iterator[tuple[int, list[FoundRow]]]:
        for done, (photo_id, width, height) in enumerate(store.sized_photos(), 1):
            grid = TileGrid(
                width=width, height=height, tile=record.grid.tile, overlap=record.grid.overlap
            )
            merger = Merger(grid, options)
            merger.feed(store.raw(photo_id))
            outcome = survey.merged(merger.finish(), candidates=0, truncated=False)
            yield photo_id, list(survey.rows(outcome))
            tell(done)

    with RunStore(folder, write=True) as store:
        facts = {"rule": merge.rule, "threshold": str(merge.threshold)}
        return store.replace_found(merged(store), facts)
