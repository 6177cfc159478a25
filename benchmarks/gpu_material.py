"""What benchmarks/gpu.py looks at and with: packs, photos, and how much of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import onnx
from PIL import Image
from survey_material import SIDE, detector, draw_photos, ground, make_pack

# Fewer candidates than most tiles have: they overflow, as a herd's do.
_FEW = 2


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        side: of a tile of the drawn pack, px.
        photo: width and height of a drawn photo, px.
        batches: tiles of one call.
        batch: of them where one is enough.
        seconds: that each figure is measured for.
        clients: of the server, and of the pack, at once.
        threads: of a survey, one number a run.
    """

    side: int
    photo: tuple[int, int]
    batches: tuple[int, ...]
    batch: int
    seconds: float
    clients: int
    threads: tuple[int, ...]

    @property
    def overlap(self) -> int:
        """Px that neighbouring tiles share: 54 tiles of 800 px on 24 megapixels."""
        return self.side * 3 // 16


FULL = Scale(
    side=SIDE,
    photo=(6000, 4000),
    batches=(8, 16, 32, 64, 128),
    batch=64,
    seconds=1.0,
    clients=16,
    threads=(1, 2, 4, 8),
)
SMALL = Scale(
    side=160,
    photo=(500, 330),
    batches=(1, 2),
    batch=4,
    seconds=0.02,
    clients=2,
    threads=(1,),
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every step is given.

    Attributes:
        device: "cpu" or "cuda".
        scale: how much is measured.
        folder: with photos, packs, and room for more.
        pack: a real pack beside the drawn one, or None.
        real_photos: real photos for it; the drawn ones where there are none.
    """

    device: str
    scale: Scale
    folder: Path
    pack: Path | None = None
    real_photos: tuple[Path, ...] = ()

    @property
    def photos(self) -> Path:
        """A folder of drawn photos."""
        return self.folder / "photos"

    @property
    def first_photo(self) -> Path:
        """One of them."""
        return self.photos / "00000.jpg"

    @property
    def drawn(self) -> Path:
        """A pack of random weights, 3.8 GFLOP a tile at full scale, which finds nothing."""
        return self.folder / "packs" / "bench" / "1"

    @property
    def seeing(self) -> Path:
        """The same network with other weights at its end, which finds some 15 things a tile."""
        return self.folder / "packs" / "seeing" / "1"

    @property
    def herd(self) -> Path:
        """`seeing`, with more candidates in most tiles than the pack keeps."""
        return self.folder / "packs" / "herd" / "1"

    @property
    def packs(self) -> dict[str, Path]:
        """The packs by name."""
        return {"bench": self.drawn} | ({"given": self.pack} if self.pack is not None else {})


def make(folder: Path, scale: Scale, photos: int) -> None:
    """Photos and packs in `folder`."""
    width, height = scale.photo
    with ThreadPoolExecutor(3) as pool:
        drawing = pool.submit(draw_photos, folder / "photos", photos, (width, height))
        onnx.save(detector(scale.side), folder / "bench.onnx")
        make_pack(folder / "bench.onnx", folder / "packs")
        for name, options in (("seeing", {}), ("herd", {"candidates": _FEW})):
            onnx.save(detector(scale.side, floor=-7.2, spread=1), folder / f"{name}.onnx")
            make_pack(folder / f"{name}.onnx", folder / "packs", **options)
        (folder / "herd").mkdir()
        Image.fromarray(ground(9, (width, height))).save(folder / "herd" / "herd.jpg", quality=92)
        drawing.result()
