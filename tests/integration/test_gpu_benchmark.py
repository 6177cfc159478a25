"""benchmarks/gpu.py on a CPU: a script for a borrowed machine must not fail there first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "gpu.py"
STEPS = (
    "providers",
    "sessions",
    "options",
    "binding",
    "tiles",
    "fit",
    "herd",
    "survey",
    "rows",
    "predict",
    "serve",
)


def measured(out: Path, *words: str, photos: int = 1) -> dict[str, dict[str, Any]]:
    """The steps by name, as a run on the CPU wrote them."""
    command = [
        sys.executable,
        str(BENCHMARK),
        "--device",
        "cpu",
        "--small",
        "--photos",
        str(photos),
    ]
    done = subprocess.run(
        [*command, "--json", str(out), *words],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {step["name"]: step for step in json.loads(out.read_text())["steps"]}


def check(told: dict[str, dict[str, Any]]) -> None:
    """Every step has figures, and none of them is a fault."""
    for name, step in told.items():
        faults = [one for one in (step, *step["figures"]) if "error" in one]
        assert not faults, name
        assert step["figures"], name


def test_steps_give_figures_and_a_herd_is_looked_at_in_quarters(tmp_path: Path) -> None:
    told = measured(tmp_path / "gpu.json", "--only", "sessions,binding,herd")
    assert list(told) == ["sessions", "binding", "herd"]
    check(told)
    herd = told["herd"]["figures"][0]
    assert herd["quartered"] > 0
    assert herd["rows"] >= 5 * herd["quartered"]


def test_a_step_that_fails_keeps_its_figures_and_costs_no_other(tmp_path: Path) -> None:
    missing = str(tmp_path / "no.pack")
    told = measured(tmp_path / "gpu.json", "--pack", missing, "--only", "fit,tiles")
    assert "no.pack" in told["fit"]["error"]
    assert told["fit"]["figures"]
    check({"tiles": told["tiles"]})


@pytest.mark.slow
def test_every_step_gives_figures(tmp_path: Path) -> None:
    told = measured(tmp_path / "gpu.json")
    assert tuple(told) == STEPS
    check(told)
    rows = told["rows"]["figures"][0]
    assert rows["raw_rows"][0] == rows["raw_rows"][1] > 0
    assert rows["raw_unpaired"] == 0


@pytest.mark.slow
def test_a_step_without_time_says_so(tmp_path: Path) -> None:
    told = measured(tmp_path / "gpu.json", "--limit", "0.5", "--only", "options")
    assert told["options"]["error"] == "no time was left for it"
