"""Names of devices."""

from __future__ import annotations

import pytest

from haversack.engine.devices import family, is_device, number
from haversack.errors import EngineError


@pytest.mark.parametrize(
    ("name", "kind", "which"), [("cpu", "cpu", 0), ("cuda", "cuda", 0), ("cuda:3", "cuda", 3)]
)
def test_a_device_is_a_kind_and_a_number(name: str, kind: str, which: int) -> None:
    assert is_device(name)
    assert (family(name), number(name)) == (kind, which)


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:", "cuda:x", "cpu:0", "cuda\n"])
def test_what_is_no_device_is_refused(name: str) -> None:
    assert not is_device(name)
    with pytest.raises(EngineError) as caught:
        family(name)
    assert caught.value.code == "device-unknown"
    assert "cpu, cuda and cuda:N" in caught.value.message
