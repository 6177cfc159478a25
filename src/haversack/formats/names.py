"""Paths and labels as other programs can take them: no escape from a folder, no broken text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote

from haversack.engine.detections import label_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LONGEST_PART_BYTES = 150
_UNFIT_IN_NAMES = re.compile(r"[^\w.-]+")


def utf8(text: str) -> str:
    """The text with what is no Unicode (bytes of an odd file name) written out as `\\udcff`.

    The same as in a photo's record, so that names agree between exports.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: str) -> str:
    """The text without control characters and line ends, which no table or XML file can hold."""
    return _CONTROL.sub("\ufffd", utf8(text))


def label_names(labels: tuple[str, ...], class_id: int) -> str:
    """A class's name on one line; its number where it has none."""
    return one_line(label_of(labels, class_id)).strip() or str(class_id)


def inner_path(path: str) -> PurePosixPath:
    """A photo's path as one that stays inside any folder: without "..", a root or empty parts."""
    parts = [part for part in path.replace("\0", "").split("/") if part not in ("", ".", "..")]
    return PurePosixPath(*(parts or ["photo"]))


def file_for(path: str, photo_id: int, ending: str) -> PurePosixPath:
    """A name in an export's folder for what is made of a photo: its own path with `ending`.

    Printable, and short enough for every disk; where that changes the path, the photo's id keeps
    it apart from others.
    """
    inner = inner_path(path)
    parts = [_cut(one_line(part), _LONGEST_PART_BYTES) for part in inner.parts]
    mark = "" if tuple(parts) == inner.parts else f"~{photo_id}"
    return PurePosixPath(*parts[:-1], f"{parts[-1]}{mark}{ending}")


def _cut(text: str, limit_bytes: int) -> str:
    return text.encode("utf-8")[:limit_bytes].decode("utf-8", "ignore")


def short_name(text: str) -> str:
    """A label as part of a file's name."""
    return _UNFIT_IN_NAMES.sub("-", text).strip("-.")[:40] or "object"


def link_to(path: str) -> str:
    """A relative path as a URL: every odd byte escaped, so that none reads as a scheme or query."""
    return quote(path.encode("utf-8", "surrogateescape"), safe="/")
