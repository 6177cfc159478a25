"""report.html: one self-contained page about a run, for reading, printing and sending on."""

from haversack.formats.report.page import write
from haversack.formats.report.sheet import PHOTO_BYTES

__all__ = ["PHOTO_BYTES", "write"]
