"""report.html: one self-contained page about a run, for reading, printing and sending on."""

from haversack.formats.report.page import write

__all__ = ["write"]
