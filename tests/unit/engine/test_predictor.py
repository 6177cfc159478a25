from __future__ import annotations

from haversack.engine.predictor import fit_session
from haversack.engine.session import SessionOptions


def test_fit_runs_on_the_cpu_whatever_the_model_runs_on() -> None:
    fitting = fit_session(SessionOptions(device="cuda", threads=3))
    assert fitting == SessionOptions(device="cpu", threads=3, spin_between_calls=False)
