"""Where annotated copies go: never onto a photo, never onto one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from haversack.errors import HaversackError

_WRITTEN = (".jpg", ".jpeg", ".png")


def plan_copies(folder: Path, photos: Sequence[Path]) -> dict[Path, Path]:
    """Each photo's copy in `folder`: its name, as .png where its own format is not written.

    Photos of one name from several folders get their folder's name before their own.

    Raises:
        HaversackError: `copy-over-input` where a copy would replace a photo, `copies-collide`
            where two copies would still have one name.
    """
    names = Counter(_name(photo) for photo in photos)
    plan = {
        photo: folder / (f"{photo.parent.name}_" * (names[_name(photo)] > 1) + _name(photo))
        for photo in photos
    }
    originals = {photo.resolve() for photo in photos}
    for copy in plan.values():
        if copy.resolve() in originals:
            raise HaversackError(
                "copy-over-input",
                f"--draw {folder} would write over the photo {copy}",
                hint="Give another folder: photos are never changed.",
            )
    doubles = [copy for copy, count in Counter(plan.values()).items() if count > 1]
    if doubles:
        raise HaversackError(
            "copies-collide",
            f"several photos would be drawn as {doubles[0]}",
            hint="Predict their folders one after the other, each with its own --draw folder.",
        )
    return plan


def _name(photo: Path) -> str:
    kept = photo.suffix.lower() in _WRITTEN
    return photo.name if kept else f"{photo.name}.png"
