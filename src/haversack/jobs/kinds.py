"""The kinds of jobs that a process knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haversack.errors import HaversackError
from haversack.jobs.job import Job
from haversack.jobs.kind import JobInput, JobKind
from haversack.jobs.wishes import Wishes

KIND = "kind"
"""The wish that names a kind."""


class JobKinds:
    """Kinds by name. A row may be of another one: a newer server put it."""

    def __init__(self, kinds: Sequence[JobKind] = ()) -> None:
        self._kinds = {kind.name: kind for kind in kinds}

    def __iter__(self) -> Iterator[JobKind]:
        return iter(self._kinds.values())

    @property
    def names(self) -> list[str]:
        """Of all of them, sorted."""
        return sorted(self._kinds)

    @property
    def named_only(self) -> list[str]:
        """Of those that a caller must name, since another one takes the same, sorted."""
        return sorted(set(self._kinds) - {self.default(kind.takes).name for kind in self})

    @property
    def submitted(self) -> list[str]:
        """Of those that are sent to the route of jobs itself, sorted."""
        return sorted(kind.name for kind in self if kind.takes is not JobInput.REQUEST)

    def default(self, takes: JobInput) -> JobKind:
        """The first that takes it. There must be one."""
        return next(kind for kind in self if kind.takes is takes)

    def chosen(self, wishes: Wishes) -> JobKind:
        """The one that is meant: by its name, else by what is sent.

        Raises:
            HaversackError: `query-invalid`.
        """
        name = wishes.get(KIND)
        sent = JobInput.UPLOAD if JobInput.UPLOAD.value in wishes else JobInput.PHOTO
        if name is None:
            return self.default(sent)
        kind = self._kinds.get(name)
        if kind is None or name not in self.submitted:
            allowed = ", ".join(self.submitted)
            raise HaversackError("query-invalid", f"kind is {name[:40]!r}; allowed are {allowed}")
        if kind.takes is not sent:
            raise HaversackError(
                "query-invalid",
                f"received a {sent.value}; a job of kind {name} takes one {kind.takes.value}",
                hint="POST /uploads begins an upload; ?upload= names it."
                if kind.takes is JobInput.UPLOAD
                else "Leave out ?upload=, and send the photo as the body.",
            )
        self._check_own(kind, wishes)
        return kind

    def _check_own(self, kind: JobKind, wishes: Wishes) -> None:
        """Refuse what only other kinds can be told."""
        own = [option.name for option in kind.options]
        others = {option.name for other in self for option in other.options}.difference(own)
        foreign = next((name for name in wishes if name in others), None)
        if foreign is not None:
            takes = f"takes {', '.join(own)}" if own else "takes no options"
            raise HaversackError(
                "query-invalid", f"received {foreign}; a job of kind {kind.name} {takes}"
            )

    def has_photo(self, job: Job) -> bool:
        """Whether its one photo can be asked for; one of an upload has many, a request none."""
        kind = self._kinds.get(job.kind)
        return kind is not None and kind.takes is JobInput.PHOTO and not job.input_removed
