"""One object in a photo, and the names of classes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One object.

    Attributes:
        label: the class's name.
        class_id: its place in the pack's labels.
        score: 0 to 1.
        box: x1, y1, x2, y2 in pixels of the upright photo; edges at whole numbers.
        mask: `counts` of a COCO compressed RLE over the whole photo, or None.
        review: whether a person should look at it.
        counted: whether it counts; not where it is another photo's.
    """

    label: str
    class_id: int
    score: float
    box: tuple[float, float, float, float]
    mask: str | None = None
    review: bool = False
    counted: bool = True


def label_of(labels: tuple[str, ...], class_id: int) -> str:
    """The name of a class, or its number where the pack has no name for it."""
    return labels[class_id] if 0 <= class_id < len(labels) else str(class_id)
