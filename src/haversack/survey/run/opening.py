"""A run is opened, and the photos that are left of it are listed."""

from __future__ import annotations

import datetime

from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.run.begin import Begun, begin
from haversack.survey.run.options import RunRequest, write_record
from haversack.survey.run.progress import Screen
from haversack.survey.run.sources import Sources
from haversack.survey.run.store import RunStore
from haversack.survey.run.telling import introduce


def open_run(request: RunRequest, sources: Sources, screen: Screen) -> Begun:
    """The run of the request's folder, new or gone on with; errors as `begin`."""
    begun = begin(request, sources.root, datetime.datetime.now(datetime.UTC), screen.note)
    introduce(begun.record, sources, screen)
    return begun


def queue_photos(
    request: RunRequest, store: RunStore, begun: Begun, sources: Sources, screen: Screen
) -> list[OpenPhoto]:
    """What is to be looked at now; a new run is written down first."""
    if begun.is_new:
        merge = begun.record.merge
        store.set_meta({"rule": merge.rule, "threshold": str(merge.threshold)})
        write_record(request.out, begun.record)
    listing = store.list_photos(sources.photos, lambda name: (sources.root / name).exists())
    photos = store.open_photos()
    if not begun.is_new:
        done = sum(one.photos for one in store.counts().values()) - len(photos)
        changed = f", {listing.changed:,} of them changed since" if listing.changed else ""
        screen.note(f"Going on: {done:,} photos were done before; {len(photos):,} left{changed}.")
    return photos
