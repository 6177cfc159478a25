"""Whether a pack can look at photos tile by tile, and at which tiles."""

from __future__ import annotations

from typing import Literal

from haversack.packfile.manifest import Manifest
from haversack.packfile.tasks.table import TASKS

# Of a pack that says nothing: 150 px of 800, as the founding survey had.
_OVERLAP_SHARE = 3 / 16


def survey_obstacle(manifest: Manifest) -> Literal["task", "margins"] | None:
    """What keeps a pack from surveys: it finds no objects, or not everywhere in what it is given.

    Whoever refuses one asks here, and says it in the words of those who asked.
    """
    size = manifest.input
    if not TASKS[manifest.task].finds_objects or size is None:
        return "task"
    return "margins" if size.geometry == "crop" else None


def can_survey(manifest: Manifest) -> bool:
    """Whether it finds objects everywhere in what it is given."""
    return survey_obstacle(manifest) is None


def default_tile(manifest: Manifest) -> tuple[int, int]:
    """Tile and overlap in px: the manifest's, else the network's longer side and 3/16 of it."""
    survey, size = manifest.survey, manifest.input
    if survey is not None:
        return survey.tile, survey.overlap
    tile = max(size.width, size.height) if size is not None else 1
    return tile, int(tile * _OVERLAP_SHARE)
