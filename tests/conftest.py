"""What every test may ask for, and the two rules of the whole suite: gpu and --no-skips."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

# As haversack.engine.ort has it: before the runtime is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime
import pytest

# A shell's background job has the one ignored, nohup the other, and what a test starts would too.
for _number, _usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _usual)

pytest_plugins = ["tests.suite"]
ROOT = Path(__file__).parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a device the gpu tests are deselected rather than skipped."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        return
    gpu = [item for item in items if item.get_closest_marker("gpu")]
    if gpu:
        config.hook.pytest_deselected(items=gpu)
        items[:] = [item for item in items if item not in gpu]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With --no-skips a skip is a failure that says what was missing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and --no-skips was given: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real models and photos, beside the checkout; no user has them."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real models and photos are not at {SHARED_DATA}")
    return SHARED_DATA
