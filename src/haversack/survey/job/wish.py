"""What a caller asks of a survey that is a job; kept in its row as JSON."""

from __future__ import annotations

import msgspec


class SurveyWish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The options of `haversack survey run` that change results; None for the pack's own.

    Attributes:
        tile, overlap: px.
        whole: each photo is looked at as a whole, whatever its size.
        overview: also once more as a whole, beside the tiles.
        threshold: the least score of an object.
    """

    tile: int | None = None
    overlap: int | None = None
    whole: bool = False
    overview: bool = False
    threshold: float | None = None


def write_wish(wish: SurveyWish) -> str:
    """As a job's options."""
    return msgspec.json.encode(wish).decode()


def read_wish(options: str) -> SurveyWish:
    """From a job's options."""
    return msgspec.json.decode(options, type=SurveyWish)
