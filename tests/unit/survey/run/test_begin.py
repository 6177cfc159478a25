"""A pack that cannot survey is refused before the first photo, with what would help."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from tests.unit.packfile.conftest import write_tiny

from haversack.errors import HaversackError
from haversack.packfile.archive import PackFiles, open_pack
from haversack.packfile.manifest import InputGeometry
from haversack.survey.run.begin import check_pack


def pack(folder: Path, **fields: object) -> PackFiles:
    write_tiny(folder / "tiny")
    opened = open_pack(folder / "tiny")
    return dataclasses.replace(opened, manifest=msgspec.structs.replace(opened.manifest, **fields))


def test_a_pack_that_detects_everywhere_is_taken(tmp_path: Path) -> None:
    check_pack(pack(tmp_path))


def test_another_task_is_refused_with_the_command_that_fits(tmp_path: Path) -> None:
    with pytest.raises(HaversackError) as caught:
        check_pack(pack(tmp_path, task="classify", graph=None))
    fault = caught.value
    assert fault.code == "survey-pack-unfit"
    assert fault.message == "a survey needs a pack that detects; the task of tiny is classify"
    assert "haversack predict" in fault.hint


def test_a_pack_that_crops_is_refused_with_the_geometry_that_fits(tmp_path: Path) -> None:
    with pytest.raises(HaversackError) as caught:
        check_pack(pack(tmp_path, input=InputGeometry(width=6, height=4, geometry="crop")))
    fault = caught.value
    assert fault.code == "survey-pack-unfit"
    assert "cuts the middle out of what it is given (geometry crop)" in fault.message
    assert "--geometry letterbox" in fault.hint
