"""Which output of a decoded detector is which, from shapes, datatypes and names."""

from __future__ import annotations

from dataclasses import dataclass

from haversack.pack.decoding import Decoding
from haversack.packfile.signature import TensorSpec

_BOX, _SCORE, _CLASS = ("box",), ("score", "conf", "prob"), ("class", "label", "cls")


@dataclass(frozen=True, kw_only=True)
class BoxOutputs:
    """Places of the outputs that matter, and how they are laid out.

    Attributes:
        joint: place of one output that holds boxes and scores, or None.
        boxes, scores, classes: places of outputs apart; classes None where scores are by class.
        turned: the joint output is [N, 4 + C, A].
        objectness: the joint output has a fifth column that every class score is multiplied by.
        final: the joint output is [N, K, 6]: box, score, class.
        suppressed: the network has removed doubles itself.
        ragged: no batch, and a length that differs by photo: [M,4], [M], [M].
        anchors: boxes a photo, or None where ragged.
    """

    joint: int | None = None
    boxes: int | None = None
    scores: int | None = None
    classes: int | None = None
    turned: bool = False
    objectness: bool = False
    final: bool = False
    suppressed: bool = False
    ragged: bool = False
    anchors: int | None = None

    @property
    def used(self) -> tuple[int, ...]:
        """Places of the outputs the head reads, rising."""
        places = (self.joint, self.boxes, self.scores, self.classes)
        return tuple(sorted(place for place in places if place is not None))


def recognise(decoding: Decoding) -> BoxOutputs | None:
    """The one reading that fits, or None where none does or several do."""
    if len(decoding.outputs) == 1:
        return _joint(decoding)
    return _apart(decoding)


def _joint(decoding: Decoding) -> BoxOutputs | None:
    shape = decoding.outputs[0].shape
    if decoding.outputs[0].datatype != "FP32" or len(shape) != 3:
        return None
    _, first, second = shape
    readings = []
    if decoding.labels and decoding.reading.own_nms is not True:
        for turned, width, anchors in ((False, second, first), (True, first, second)):
            for objectness in (False, True):
                if width == decoding.labels + (5 if objectness else 4):
                    readings.append(
                        BoxOutputs(joint=0, turned=turned, objectness=objectness, anchors=anchors)
                    )
    if second == 6 and decoding.reading.own_nms is not False:
        readings.append(BoxOutputs(joint=0, final=True, suppressed=True, anchors=first))
    return readings[0] if len(readings) == 1 else None


def _apart(decoding: Decoding) -> BoxOutputs | None:
    outputs = list(enumerate(decoding.outputs))
    boxes = _only([item for item in outputs if _is_boxes(item[1])], _BOX)
    if boxes is None:
        return None
    place, spec = boxes
    ragged = len(spec.shape) == 2
    lead = spec.shape[:-1] if not ragged else spec.shape[:1]
    anchors = spec.shape[-2]
    rest = [item for item in outputs if item[0] != place]
    listed = [item for item in rest if item[1].shape == lead]
    classes = _only(_named_or_whole(listed), _CLASS)
    left = [item for item in listed if item != classes and item[1].datatype == "FP32"]
    scores = _only(left, _SCORE)
    if classes is not None and scores is not None:
        return BoxOutputs(
            boxes=place,
            scores=scores[0],
            classes=classes[0],
            ragged=ragged,
            suppressed=decoding.reading.own_nms
            if decoding.reading.own_nms is not None
            else ragged or _says_how_many(rest),
            anchors=None if ragged else anchors,
        )
    by_class = [item for item in rest if len(item[1].shape) == 3 and item[1].shape[1] == anchors]
    table = _only([item for item in by_class if decoding.labels in (0, item[1].shape[2])], _SCORE)
    if table is None or ragged or table[1].datatype != "FP32":
        return None
    return BoxOutputs(boxes=place, scores=table[0], anchors=anchors)


def _says_how_many(rest: list[tuple[int, TensorSpec]]) -> bool:
    """An output such as num_detections: only what follows an NMS counts what it kept."""
    return any("num" in spec.name.lower() for _, spec in rest)


def _is_boxes(spec: TensorSpec) -> bool:
    return spec.datatype == "FP32" and len(spec.shape) in (2, 3) and spec.shape[-1] == 4


def _named_or_whole(items: list[tuple[int, TensorSpec]]) -> list[tuple[int, TensorSpec]]:
    whole = [item for item in items if item[1].datatype in ("INT64", "INT32")]
    return whole or [item for item in items if _named(item[1], _CLASS)]


def _only(
    items: list[tuple[int, TensorSpec]], words: tuple[str, ...]
) -> tuple[int, TensorSpec] | None:
    """The only item, or of several the only one with such a name."""
    if len(items) > 1:
        items = [item for item in items if _named(item[1], words)]
    return items[0] if len(items) == 1 else None


def _named(spec: TensorSpec, words: tuple[str, ...]) -> bool:
    return any(word in spec.name.lower() for word in words)
