"""What a server is told before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from haversack.app.kinds import ENTRIES, KindEntry
from haversack.asgi.access import AccessRules
from haversack.jobs.limits import JobLimits
from haversack.jobs.services import JobLocations
from haversack.jobs.webhook_rules import WebhookRules
from haversack.serve.options import ServeOptions


@dataclass(frozen=True, kw_only=True)
class AppOptions:
    """What a server is made of.

    Attributes:
        packs: loaded at the start; each must open.
        wished: loaded too, but one that does not open is only warned of.
        repositories: where more packs may be loaded from.
        state: folder for what is sent and what waits.
        rules: who may ask.
        accounts: URL of the database in whose accounts callers are looked up; None for nowhere.
        serve: the limits.
        cache: folder with this machine's profiles of packs; None for none.
        jobs: where they are kept; None for `state`.
        kinds: of jobs, with what does them.
        limits: how many may wait, and how long what belongs to them is kept; a worker has its
            server's.
        webhooks: where jobs' ends may be told; None for nowhere.
        samples: folder of photos that the page offers; None to draw some.
        log_requests: one line each.
        grace_seconds: from the signal to end until the port closes; ready says 503 meanwhile.
    """

    state: Path
    packs: tuple[Path, ...] = ()
    wished: tuple[Path, ...] = ()
    repositories: tuple[Path, ...] = ()
    rules: AccessRules = field(default_factory=AccessRules)
    accounts: str | None = None
    serve: ServeOptions = field(default_factory=ServeOptions)
    cache: Path | None = None
    jobs: JobLocations | None = None
    kinds: tuple[KindEntry, ...] = ENTRIES
    limits: JobLimits = field(default_factory=JobLimits)
    webhooks: WebhookRules | None = None
    samples: Path | None = None
    log_requests: bool = False
    grace_seconds: float = 0.0
