"""The table of kinds of jobs: what each is, and the module that does it.

A new kind is a module of its own and a line here. Kinds are light, so every command about jobs may
have them; what does them is imported by name, when a worker starts or when its first job comes.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from haversack.jobs.command.handler import CommandHandler
from haversack.jobs.command.process import Command
from haversack.jobs.handler import Handler
from haversack.jobs.kind import JobKind
from haversack.jobs.kinds import JobKinds
from haversack.serve.work.predict_kind import PREDICT
from haversack.serve.work.request_kind import REQUEST
from haversack.survey.job.kind import SURVEY


@dataclass(frozen=True, kw_only=True)
class KindEntry:
    """One kind.

    Attributes:
        kind: what programs know of it.
        handler: module whose `handler` makes what does it; imported when a worker starts.
        work: module that this handler needs first when a job comes; "" for none.
        command: in place of a handler, where doing it takes what servers never load: module and
            words of `python -m`, its environment and limits, a process for each attempt; see
            `jobs.command`.
    """

    kind: JobKind
    handler: str = ""
    work: str = ""
    command: Command | None = None

    def made(self, resources: Any) -> Handler:
        """Its handler; `resources` are those that `handler` of the module takes."""
        if self.command is not None:
            return CommandHandler(self.kind, self.command, resources)
        made: Handler = importlib.import_module(self.handler).handler(resources)
        return made

    @property
    def load(self) -> partial[ModuleType]:
        """Imports `work` when it is called."""
        return partial(importlib.import_module, self.work)


ENTRIES: tuple[KindEntry, ...] = (
    KindEntry(kind=PREDICT, handler="haversack.serve.work.predict"),
    KindEntry(kind=SURVEY, handler="haversack.survey.job.handler", work="haversack.survey.job.run"),
    KindEntry(kind=REQUEST, handler="haversack.serve.work.requests"),
)


def kinds_of(entries: Sequence[KindEntry]) -> JobKinds:
    """The kinds alone."""
    return JobKinds([entry.kind for entry in entries])


KINDS = kinds_of(ENTRIES)
"""Every kind that this Haversack knows."""
