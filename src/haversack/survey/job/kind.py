"""Jobs of kind survey: photos of an upload, looked at tile by tile."""

from __future__ import annotations

from haversack.errors import HaversackError
from haversack.jobs.kind import JobInput, JobOption, JobWish, Lane, Words
from haversack.jobs.wishes import Wishes, flag, line, share, whole
from haversack.packfile.manifest import Manifest
from haversack.packfile.tiles import survey_obstacle
from haversack.survey.job.wish import SurveyWish, write_wish

_LEAST_TILE_PX = 16
_MOST_TILE_PX = 65_536
_TITLE_LENGTH = 200


class SurveyKind:
    """See `jobs.kind.JobKind`."""

    name = "survey"
    takes = JobInput.UPLOAD
    # It goes on where it was: nothing is won by waiting for it.
    lane = Lane(name="surveys", drain_seconds=0.0, heed_seconds=30.0)
    options = (
        JobOption(
            name="name",
            text="What a list of jobs calls the survey.",
            schema={"type": "string", "maxLength": _TITLE_LENGTH},
        ),
        JobOption(
            name="tile",
            text="Side of a tile in px, or `whole` for whole photos; the pack's own if left out.",
            schema={
                "oneOf": [
                    {"type": "integer", "minimum": _LEAST_TILE_PX, "maximum": _MOST_TILE_PX},
                    {"const": "whole"},
                ]
            },
        ),
        JobOption(
            name="overlap",
            text="Px that neighbouring tiles share; the pack's own if left out.",
            schema={"type": "integer", "minimum": 0, "maximum": _MOST_TILE_PX - 1},
        ),
        JobOption(
            name="overview",
            text="Also look at each photo once more as a whole.",
            schema={"type": "boolean"},
        ),
        JobOption(
            name="threshold",
            text="The least score of an object; the pack's own where it is left out.",
            schema={"type": "number", "minimum": 0, "maximum": 1},
        ),
    )
    words = Words(
        one="A survey",
        running="The model looks at the photos.",
        result="a survey's summary",
        schemas=("Survey",),
    )

    def read(self, wishes: Wishes) -> JobWish:
        """?threshold, ?tile, ?overlap, ?overview and ?name."""
        threshold = share(wishes, "threshold")
        is_whole = wishes.get("tile") == "whole"
        tile = None if is_whole else whole(wishes, "tile", (_LEAST_TILE_PX, _MOST_TILE_PX))
        overlap = whole(wishes, "overlap", (0, _MOST_TILE_PX - 1))
        if overlap is not None and (is_whole or (tile is not None and overlap >= tile)):
            raise HaversackError(
                "query-invalid",
                f"overlap is {overlap} and tile {wishes['tile']}; less than a tile is needed, and "
                "none for whole photos",
            )
        wish = SurveyWish(
            tile=tile,
            overlap=overlap,
            whole=is_whole,
            overview=flag(wishes, "overview"),
            threshold=threshold,
        )
        return JobWish(options=write_wish(wish), title=line(wishes, "name", _TITLE_LENGTH))

    def check_pack(self, manifest: Manifest) -> None:
        """Raises HaversackError `survey-pack-unfit`."""
        obstacle = survey_obstacle(manifest)
        if obstacle is None:
            return
        raise HaversackError(
            "survey-pack-unfit",
            f"a survey needs a pack that detects everywhere in a photo; {manifest.name} is of task "
            f"{manifest.task}" + (", and sees only the middle" if obstacle == "margins" else ""),
            hint=f"Send each photo as a job of its own: POST /jobs/{manifest.name}.",
        )


SURVEY = SurveyKind()
