from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
from tests.unit.packfile.conftest import write_tiny

from haversack.engine.predictor import Predictor
from haversack.engine.registry import Registry
from haversack.errors import HaversackError
from haversack.packfile.archive import PackFiles, open_pack

FRAME = np.zeros((4, 6, 3), dtype=np.uint8)


def tiny_version(folder: Path, version: str) -> PackFiles:
    write_tiny(folder / version, version)
    return open_pack(folder / version)


def test_a_switch_under_load_fails_no_request(tmp_path: Path) -> None:
    registry = Registry(Predictor)
    registry.load(tiny_version(tmp_path, "1"))
    stop, faults, seen = threading.Event(), [], set()

    def ask() -> None:
        while not stop.is_set():
            try:
                with registry.use("tiny") as predictor:
                    seen.add(predictor.predict_pixels(FRAME).pack.version)
            except Exception as fault:  # whatever it is, the switch must not have caused it
                faults.append(fault)
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for version in ("2", "3", "4", "5"):
        registry.load(tiny_version(tmp_path, version))
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert "5" in seen or registry.loaded() == [("tiny", "5")]
    assert registry.loaded() == [("tiny", "5")]


def test_the_old_pack_lives_while_it_is_used_and_not_longer(tmp_path: Path) -> None:
    registry = Registry(Predictor)
    old = weakref.ref(registry.load(tiny_version(tmp_path, "1")))
    with registry.use("tiny") as predictor:
        registry.load(tiny_version(tmp_path, "2"))
        assert predictor.predict_pixels(FRAME).pack.version == "1"
    del predictor
    gc.collect()
    assert old() is None


def test_a_pack_that_cannot_be_warmed_leaves_the_old_one_answering(tmp_path: Path) -> None:
    class Broken(Predictor):
        def warm(self) -> None:
            raise RuntimeError("no memory")

    registry = Registry(
        lambda files: (Broken if files.manifest.version == "2" else Predictor)(files)
    )
    registry.load(tiny_version(tmp_path, "1"))
    with pytest.raises(RuntimeError):
        registry.load(tiny_version(tmp_path, "2"))
    with registry.use("tiny") as predictor:
        assert predictor.identity.version == "1"


def test_versions_can_stay_loaded_side_by_side(tmp_path: Path) -> None:
    registry = Registry(Predictor)
    registry.load(tiny_version(tmp_path, "1"))
    registry.load(tiny_version(tmp_path, "2"), keep_others=True)
    with registry.use("tiny") as current, registry.use("tiny", "1") as first:
        assert (current.identity.version, first.identity.version) == ("2", "1")


@pytest.mark.parametrize(("name", "version"), [("herd", None), ("tiny", "9")])
def test_what_is_not_loaded_is_refused_with_what_is(
    tmp_path: Path, name: str, version: str | None
) -> None:
    registry = Registry(Predictor)
    registry.load(tiny_version(tmp_path, "1"))
    with pytest.raises(HaversackError) as caught, registry.use(name, version):
        pass
    assert caught.value.code == "pack-not-loaded"
    assert "tiny@1" in caught.value.message


def test_an_unloaded_pack_is_gone(tmp_path: Path) -> None:
    registry = Registry(Predictor)
    registry.load(tiny_version(tmp_path, "1"))
    registry.unload("tiny")
    assert registry.loaded() == []
    with pytest.raises(HaversackError):
        registry.unload("tiny")
