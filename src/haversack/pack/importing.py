"""The one door of importing: a source is recognised, read by its importer, and assembled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from haversack.pack.assemble import assemble
from haversack.pack.draft import Draft, ImportRequest
from haversack.pack.graph.heads.head import Head
from haversack.pack.graph.heads.table import HEADS
from haversack.pack.sources.table import SOURCES, SourceRow, find_source, importer_of


def import_source(
    request: ImportRequest,
    *,
    sources: Sequence[SourceRow] = SOURCES,
    heads: Mapping[str, Head] = HEADS,
) -> Draft:
    """The draft of a pack from whatever the request's source is; nothing is written yet.

    Args:
        request: what is asked.
        sources: the kinds of source there are.
        heads: by their names.

    Raises:
        ImportRefusedError: what could not be told, what was seen, and which option says it.
        HaversackError: `extra-missing`.
    """
    importer = importer_of(find_source(request.source, sources))
    network = importer.read(request.source, request.recipe)
    return assemble(network, request, heads)
