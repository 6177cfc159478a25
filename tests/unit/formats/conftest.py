"""One run, exported once in every format."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.formats.golden import export_all


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of exports of `survey_runs.small_run`; not to be changed."""
    return export_all(tmp_path_factory.mktemp("survey"))
