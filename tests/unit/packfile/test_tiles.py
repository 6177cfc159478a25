"""Whether a pack can survey is asked in one place, and told in the words of who asks."""

from __future__ import annotations

import pytest
from tests.unit.packfile.conftest import changed, make_manifest, tiny_files

from haversack.packfile.manifest import InputGeometry, Manifest
from haversack.packfile.tiles import can_survey, survey_obstacle


def cropping(manifest: Manifest) -> Manifest:
    return changed(manifest, input=InputGeometry(width=6, height=4, geometry="crop"))


def test_what_detects_everywhere_can_survey(manifest: Manifest) -> None:
    assert survey_obstacle(manifest) is None
    assert can_survey(manifest)


def test_a_crop_does_not_see_the_margins_of_a_tile(manifest: Manifest) -> None:
    assert survey_obstacle(cropping(manifest)) == "margins"
    assert not can_survey(cropping(manifest))


@pytest.mark.parametrize("task", ["classify", "label-map", "tensor"])
def test_another_task_finds_no_objects_whatever_its_geometry(task: str) -> None:
    other = changed(make_manifest(tiny_files()), task=task, graph=None)
    for manifest in (other, cropping(other), changed(other, input=None)):
        assert survey_obstacle(manifest) == "task"
        assert not can_survey(manifest)
