"""Results drawn onto their photo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.engine.tasks.task import Marks

PALETTE = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (245, 245, 245),
)
"""Told apart by colour-blind people too. Source: Okabe and Ito, "Color Universal Design" (2008),
with white in the place of black, which is lost on shadows."""
TAGGED_BOXES = 40
"""More boxes than this are drawn without text, which would hide what it names."""
SMALL_PX = 40
TINT = 0.45
JPEG_QUALITY = 90

Colour = tuple[int, int, int]
Area = tuple[int, int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, kw_only=True)
class _Pen:
    """A photo being drawn on, and sizes that suit it."""

    canvas: Image.Image
    draw: ImageDraw.ImageDraw
    font: Font
    text_px: int

    @property
    def margin_px(self) -> int:
        return max(2, self.text_px // 4)


def annotate(pixels: NDArray[np.uint8], result: PhotoResult) -> Image.Image:
    """A copy of the photo with its results: boxes, a tinted map with a legend, or a caption.

    Boxes are thicker where surer, in a colour that belongs to the class. A tag is left out where it
    would hide another object or a surer one's tag. A failed photo and plain
    tensors give the photo unchanged.

    Args:
        pixels: uint8[H,W,3], RGB, upright: the photo that `result` is about.
    """
    marks = Marks() if result.outcome is None else result.outcome.marks(result.pack.labels)
    canvas = Image.fromarray(pixels)
    if marks.class_ids is not None:
        canvas = _tinted(pixels, marks.class_ids, marks.clear_class)
    text_px = round(min(40, max(11, max(canvas.size) / 70)))
    font = ImageFont.load_default(size=text_px)
    pen = _Pen(canvas=canvas, draw=ImageDraw.Draw(canvas), font=font, text_px=text_px)
    _boxes(pen, marks.boxes)
    if marks.caption is not None:
        _caption(pen, marks.caption)
    return canvas


def save_annotated(pixels: NDArray[np.uint8], result: PhotoResult, path: Path) -> None:
    """Write `annotate`'s photo: JPEG of quality 90, or what another suffix (.png) names."""
    canvas = annotate(pixels, result)
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        canvas.save(path, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
    else:
        canvas.save(path)


def colour_of(class_id: int) -> Colour:
    """The RGB colour of a class, the same in every photo."""
    return PALETTE[class_id % len(PALETTE)]


def _boxes(pen: _Pen, found: tuple[Detection, ...]) -> None:
    frames = [_frame(one) for one in found]
    # The surest last, so that it lies on top; tags after all boxes, so that none is crossed out.
    for one, frame in reversed(list(zip(found, frames, strict=True))):
        line = max(1, round(pen.text_px / 5 * (0.3 + 0.7 * one.score)))
        # A thick line would fill a small box.
        line = min(line, max(2, min(frame[2] - frame[0], frame[3] - frame[1]) // 8))
        halo = (frame[0] - 1, frame[1] - 1, frame[2] + 1, frame[3] + 1)
        pen.draw.rectangle(halo, outline=(0, 0, 0), width=1)
        pen.draw.rectangle(frame, outline=colour_of(one.class_id), width=line)
    if len(found) > TAGGED_BOXES:
        return
    taken: list[Area] = []
    for place, one in enumerate(found):
        text = f"{one.label} {one.score:.2f}"
        others = frames[:place] + frames[place + 1 :]
        spot = _spot(pen, text, frames[place], [*taken, *(f for f in others if _small(pen, f))])
        if spot is not None:
            taken.append(spot)
            _tag(pen, text, spot, colour_of(one.class_id))


def _frame(one: Detection) -> Area:
    """The pixels of a box's outline; two wider where it would hide a small object."""
    x1, y1, x2, y2 = (round(edge) for edge in one.box)
    wider = 2 if min(x2 - x1, y2 - y1) < SMALL_PX else 0
    return x1 - wider, y1 - wider, max(x1, x2 - 1) + wider, max(y1, y2 - 1) + wider


def _small(pen: _Pen, frame: Area) -> bool:
    """Whether a tag would hide most of what the frame holds."""
    return frame[3] - frame[1] < 4 * pen.text_px


def _spot(pen: _Pen, text: str, frame: Area, taken: list[Area]) -> Area | None:
    """A free place for a tag inside the photo: above the frame, under it, or within its top."""
    width = round(pen.draw.textlength(text, font=pen.font)) + 2 * pen.margin_px
    height = pen.text_px + 2 * pen.margin_px
    left = min(max(0, frame[0]), max(0, pen.canvas.width - width))
    tops = [frame[1] - height, frame[3] + 1, max(0, frame[1])]
    for top in tops[: 2 if _small(pen, frame) else 3]:
        spot = (left, top, left + width - 1, top + height - 1)
        inside = top >= 0 and top + height <= pen.canvas.height
        if inside and not any(_touch(spot, other) for other in taken):
            return spot
    return None


def _touch(first: Area, second: Area) -> bool:
    across = first[0] <= second[2] and second[0] <= first[2]
    return across and first[1] <= second[3] and second[1] <= first[3]


def _tag(pen: _Pen, text: str, spot: Area, colour: Colour) -> None:
    pen.draw.rectangle(spot, fill=colour)
    middle = (spot[0] + pen.margin_px, (spot[1] + spot[3] + 1) / 2)
    pen.draw.text(middle, text, fill=_readable_on(colour), font=pen.font, anchor="lm")


def _caption(pen: _Pen, lines: tuple[tuple[int, str], ...]) -> None:
    """Lines with their class's colour in the top left corner, on a dark ground."""
    step = pen.text_px + pen.margin_px
    widest = max((pen.draw.textlength(text, font=pen.font) for _, text in lines), default=0)
    area = (0, 0, round(widest) + step + 3 * pen.margin_px, step * len(lines) + pen.margin_px)
    dark = Image.new("RGB", pen.canvas.size, (16, 16, 16)).crop(area)
    under = pen.canvas.crop(area)
    pen.canvas.paste(Image.blend(under, dark, 0.72), area[:2])
    for row, (class_id, text) in enumerate(lines):
        left, top = pen.margin_px, pen.margin_px + row * step
        swatch = (left, top, left + pen.text_px - 1, top + pen.text_px - 1)
        pen.draw.rectangle(swatch, fill=colour_of(class_id))
        at = (left + step, top + pen.text_px / 2)
        pen.draw.text(at, text, fill=(255, 255, 255), font=pen.font, anchor="lm")


def _tinted(
    pixels: NDArray[np.uint8], class_ids: NDArray[np.uint8], clear_class: int | None
) -> Image.Image:
    """The photo under its classes' colours; what the model calls background keeps its own."""
    palette = np.array([colour_of(i) for i in range(256)], np.uint8)
    tinted = Image.blend(Image.fromarray(pixels), Image.fromarray(palette[class_ids]), TINT)
    if clear_class is None:
        return tinted
    behind = class_ids == clear_class
    return Image.composite(Image.fromarray(pixels), tinted, Image.fromarray(behind))


def _readable_on(colour: Colour) -> Colour:
    """Black or white, whichever stands out more. Source: WCAG 2.1, relative luminance."""
    linear = [(level / 255) ** 2.2 for level in colour]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)
