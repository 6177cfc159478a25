"""Haversack: carry a trained model from the notebook to wherever its work is.

import haversack as hs
pack = hs.load("yolox-nano")
result = pack.predict("dog.jpg")
result.detections[0].label, result.to_dict()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from haversack.version import __version__

if TYPE_CHECKING:
    from haversack.api import Pack, Prediction, load
    from haversack.errors import HaversackError

__all__ = ["HaversackError", "Pack", "Prediction", "__version__", "load"]

# Where each public name lives: imported when first asked for, so that `import haversack` loads
# neither numpy nor ONNX Runtime.
_HOMES = {
    "HaversackError": "haversack.errors",
    "Pack": "haversack.api",
    "Prediction": "haversack.api",
    "load": "haversack.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'haversack' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
