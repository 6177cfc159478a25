"""The kinds of jobs that a process knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from haversack.errors import HaversackError
from haversack.jobs.job import Job
from haversack.jobs.kind import JobInput, JobKind
from haversack.jobs.wishes import Wishes, flag

KIND = "kind"
"""The wish that names a kind."""


class JobKinds:
    """Kinds by name. A row may be of another one: a newer server put it.

    Args:
        kinds: all, or none for a process that takes no jobs. Raises ValueError where nothing takes
            something that may be sent.
    """

    def __init__(self, kinds: Sequence[JobKind] = ()) -> None:
        self._kinds = {kind.name: kind for kind in kinds}
        self._defaults = {kind.takes: kind for kind in reversed(kinds)}
        missing = ", ".join(takes.value for takes in JobInput if takes not in self._defaults)
        if kinds and missing:
            raise ValueError(f"of the kinds {', '.join(self.names)} none takes: {missing}")

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
        """The first that takes it. Raises LookupError where there are no kinds at all."""
        return self._defaults[takes]

    def chosen(self, wishes: Wishes) -> JobKind:
        """The one that is meant: by its name, else by what is sent.

        Raises:
            HaversackError: `query-invalid`.
        """
        name = wishes.get(KIND)
        sent = JobInput.UPLOAD if JobInput.UPLOAD.value in wishes else JobInput.PHOTO
        kind = self.default(sent) if name is None else self._kinds.get(name)
        if kind is None or kind.name not in self.submitted:
            allowed = ", ".join(self.submitted)
            raise HaversackError(
                "query-invalid", f"kind is {(name or '')[:40]!r}; allowed are {allowed}"
            )
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
        """Refuse what only other kinds can be told; a switch that is off says nothing."""
        own = [option.name for option in kind.options]
        for option in (option for other in self for option in other.options):
            name = option.name
            if name in own or name not in wishes or (option.is_switch and not flag(wishes, name)):
                continue
            takes = f"takes {', '.join(own)}" if own else "takes no options"
            raise HaversackError(
                "query-invalid", f"received {name}; a job of kind {kind.name} {takes}"
            )

    def has_photo(self, job: Job) -> bool:
        """Whether its one photo can be asked for; one of an upload has many, a request none."""
        kind = self._kinds.get(job.kind)
        return kind is not None and kind.takes is JobInput.PHOTO and not job.input_removed
