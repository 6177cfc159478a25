"""What the names of photos end in."""

from __future__ import annotations

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".tif", ".tiff", ".webp", ".bmp", ".gif"}
    | {".avif", ".heic", ".heif", ".hif", ".jp2", ".jxl", ".ico", ".ppm", ".pgm", ".tga"}
)
"""A file of such a name in a folder is a photo, or must say why it is none.

A camera's raw files (.dng, .cr2, .nef) are not among them: they lie beside the JPEGs of the same
photos, and are counted by their suffix as passed over."""
