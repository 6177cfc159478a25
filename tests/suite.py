"""The suite as a whole: how many workers it takes, and how long it took against its budget."""

from __future__ import annotations

import time
from collections import defaultdict

import pytest

from haversack.engine.cpus import usable_cpus

_SHOWN = 12
_started = time.monotonic()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--budget-minutes", type=float, help="say at the end how long it took against these"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three for two CPUs: tests wait for a third of their time, for servers, leases and disks."""
    return max(2, usable_cpus() * 3 // 2)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """The files that took longest, and the whole; it fails nothing, for machines differ."""
    budget = config.getoption("--budget-minutes")
    if budget is None:
        return
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid.partition("::")[0]] += report.duration
    terminalreporter.section("slowest files: seconds of all workers together")
    for name in sorted(seconds, key=lambda name: -seconds[name])[:_SHOWN]:
        terminalreporter.write_line(f"{seconds[name]:6.1f}  {name}")
    took = (time.monotonic() - _started) / 60
    verdict = "within" if took <= budget else "OVER"
    terminalreporter.write_line(
        f"{_clock(took)} of {_clock(budget)} minutes: {verdict} the budget of CONTRIBUTING.md"
    )


def _clock(minutes: float) -> str:
    whole, seconds = divmod(round(60 * minutes), 60)
    return f"{whole}:{seconds:02}"
