"""The estimate from the header is never lower than what decoding takes, for every format."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "decode_memory.py"
LINE = re.compile(r"^(?P<case>\S.*?) +(?P<measured>\d+\.\d+) +(?P<estimate>\d+\.\d+) +\d+\.\d+")


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_no_format_takes_more_than_its_header_promised() -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARK], capture_output=True, text=True, check=True, timeout=600
    )
    cases = [match for line in done.stdout.splitlines() if (match := LINE.match(line))]
    assert len(cases) >= 25, done.stdout
    too_low = [m["case"] for m in cases if float(m["estimate"]) < float(m["measured"])]
    assert not too_low, done.stdout
