"""Packages of others that are imported when they are first used, by the name they have here.

Most processes never need them: Pillow takes 6 MB and 60 ms, psycopg 18 MB and 230 ms, obstore 4 MB
(2 vCPU, Python 3.11, 2026-11-27). Using one that is not installed raises ImportError.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from haversack.errors import HaversackError, Kind

if TYPE_CHECKING:
    import obstore
    import obstore.exceptions
    import obstore.store
    import psycopg
    from PIL import (
        AvifImagePlugin,
        BmpImagePlugin,
        GifImagePlugin,
        Image,
        ImageDraw,
        ImageFile,
        ImageFilter,
        PngImagePlugin,
        TiffImagePlugin,
        WebPImagePlugin,
    )

__all__ = [
    "AvifImagePlugin",
    "BmpImagePlugin",
    "GifImagePlugin",
    "Image",
    "ImageDraw",
    "ImageFile",
    "ImageFilter",
    "PngImagePlugin",
    "TiffImagePlugin",
    "WebPImagePlugin",
    "obstore",
    "psycopg",
    "require",
]

_WHOLE = {"obstore", "psycopg"}
"""Those that are packages; the others are modules of Pillow."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(name if name in _WHOLE else f"PIL.{name}")
    globals()[name] = module
    return module


def require(package: str, extra: str, what: str) -> None:
    """Import a package of this module now, for `what`.

    Raises:
        HaversackError: `extra-missing`, which names the extra that installs it.
    """
    try:
        getattr(sys.modules[__name__], package)
    except ImportError as fault:
        raise HaversackError(
            "extra-missing",
            f"{what} needs what is not installed: {fault}",
            hint=f"Install it with: pip install 'haversack[{extra}]'",
            kind=Kind.UNAVAILABLE,
        ) from fault
