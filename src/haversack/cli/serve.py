"""`haversack serve`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from haversack import log
from haversack.app import listening
from haversack.app.options import AppOptions
from haversack.asgi.listening import addresses, bind, plain_host
from haversack.cli.job_limits import limit_options, webhook_options
from haversack.cli.job_locations import job_locations
from haversack.cli.limits import MemoryWish, memory_limits, memory_options
from haversack.cli.options import ExistingPath, SizeType, known_repositories, packs_option
from haversack.cli.output import notes
from haversack.cli.serve_access import AccessOptions, access_rules, needs_account, who_may
from haversack.engine.devices import CPU
from haversack.jobs.limits import JobLimits
from haversack.jobs.webhook_rules import WebhookRules
from haversack.packfile.repository import Repository, resolve
from haversack.serve.models.model import ServedModel
from haversack.settings import from_environment
from haversack.units import format_seconds

_SIZE = SizeType()


@click.command("serve")
@click.argument("packs", nargs=-1, metavar="[PACK|REPO]...")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0 takes any that is free.",
)
@click.option(
    "--keys",
    type=ExistingPath(dir_okay=False),
    help="File of API keys, a line each: name:key, or name:key:infer,admin,metrics. Mode 0600.",
)
@click.option("--no-auth", is_flag=True, help="Let everyone in who reaches the address.")
@click.option(
    "--accounts",
    is_flag=True,
    help="Let in who has an account, even if nobody has one yet. [default: if anybody has]",
)
@click.option(
    "--trust-proxy",
    is_flag=True,
    help="Believe X-Forwarded-For and X-Forwarded-Proto: only behind a proxy that sets them.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="Name under which the server may be called, by a proxy say, like cv.example.org; others "
    "than these and this machine's own are refused. May be given several times.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    help="Site whose pages may use this server, like https://example.org. May be given several "
    "times; * is every site.",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for packs sent over HTTP and for waiting uploads. "
    "[default: $XDG_STATE_HOME/haversack]",
)
@click.option(
    "--samples",
    type=ExistingPath(file_okay=False),
    help="Folder of photos that the page offers to try. [default: drawn ones]",
)
@click.option(
    "--body-limit", type=_SIZE, default="64M", show_default=True, help="Most of one request."
)
@click.option(
    "--pack-limit", type=_SIZE, default="1G", show_default=True, help="Most of one uploaded pack."
)
@memory_options
@click.option(
    "--queue",
    type=click.IntRange(1, 100_000),
    default=256,
    show_default=True,
    help="Requests in the server at once; the next is told to come again.",
)
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(0.1, 3600),
    default=30.0,
    show_default=True,
    help="Seconds that a request waits for its turn.",
)
@click.option(
    "--grace",
    "grace_seconds",
    type=click.FloatRange(0, 600),
    default=0.0,
    show_default=True,
    help="Seconds from SIGTERM until the port closes, while ready says 503.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 1024),
    help="Inside one call of a model; all CPUs make one photo quickest. [default: half the CPUs]",
)
@click.option(
    "--database",
    help="Where jobs are kept: postgresql://..., or a file. [default: jobs.sqlite in --state]",
)
@click.option(
    "--blobs",
    help="Where photos of jobs are kept: a folder, or s3://bucket/prefix. "
    "[default: beside the database]",
)
@limit_options
@webhook_options
@click.option("--log-requests", is_flag=True, help="One line on standard error for each request.")
@click.option("--triton-metrics", is_flag=True, help="Repeat /metrics under Triton's nv_ names.")
@packs_option
def command(
    packs: tuple[str, ...],
    host: str,
    port: int,
    keys: Path | None,
    no_auth: bool,
    accounts: bool,
    trust_proxy: bool,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    state: Path | None,
    samples: Path | None,
    body_limit: int,
    pack_limit: int,
    memory: MemoryWish,
    queue: int,
    wait_seconds: float,
    grace_seconds: float,
    threads: int | None,
    database: str | None,
    blobs: str | None,
    limits: JobLimits,
    webhooks: WebhookRules | None,
    log_requests: bool,
    triton_metrics: bool,
    repositories: tuple[Path, ...],
) -> None:
    """Serve packs: a page for people, V2, V1 and plain photos for programs.

    PACK is a folder, a .pack file or name[@version]; REPO is a folder of packs. Without any, every
    pack of the known repositories is served. Only this machine can reach the server, unless --host
    says otherwise.
    """
    log.set_up()
    host = plain_host(host)
    settings = from_environment()
    places = known_repositories(repositories)
    named, wished = chosen_packs(packs, places)
    jobs = job_locations(state, database, blobs)
    guard = AccessOptions(
        keys=keys, no_auth=no_auth, accounts=accounts, trust_proxy=trust_proxy, hosts=hosts
    )
    looks_up = needs_account(guard, jobs.database_url)
    options = AppOptions(
        state=state or settings.state_folder,
        packs=named,
        wished=wished,
        repositories=(*(Path(text) for text in packs if is_repository(Path(text))), *places),
        rules=access_rules(host, guard, frozenset(origins), looks_up=looks_up),
        accounts=jobs.database_url if looks_up else None,
        serve=replace(
            memory_limits(memory, threads, settings),
            body_limit_bytes=body_limit,
            pack_limit_bytes=pack_limit,
            queue=queue,
            wait_seconds=wait_seconds,
            triton_metrics=triton_metrics,
        ),
        jobs=jobs,
        limits=limits,
        webhooks=webhooks,
        cache=settings.cache_folder,
        samples=samples,
        log_requests=log_requests,
        grace_seconds=grace_seconds,
    )
    listener = bind(host, port)
    urls = addresses(host, listener)
    listening.run(options, listener, lambda models: announce(urls, models, options))


def announce(urls: tuple[str, ...], models: Sequence[ServedModel], options: AppOptions) -> None:
    """Say that the server is ready, what it serves and how to ask."""
    click.echo(f"Haversack is ready at {' and '.join(urls)}")
    screen = notes()
    for model in models:
        took = format_seconds(model.load_seconds)
        place = "" if model.device == CPU else f" on {model.device}"
        screen.print(f"  {model.identity.name}@{model.identity.version}  loaded in {took}{place}")
    screen.print(who_may(options.rules, options.accounts))
    if models:
        key = ' -H "Authorization: Bearer $KEY"' if options.rules.keys or options.accounts else ""
        photo = next((m for m in models if m.predictor.takes_photos), None)
        if photo is not None:
            ask = f"curl{key} --data-binary @photo.jpg {urls[0]}/predict/{photo.identity.name}"
            screen.print(f"Open the page in a browser, or:  {ask}")
    screen.print("Ctrl-C ends it.")


def chosen_packs(
    texts: tuple[str, ...], places: tuple[Path, ...]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Packs that must be served, and packs of repositories, of which a bad one is passed over."""
    if not texts:
        return (), _newest(places)
    folders = [Path(text) for text in texts if is_repository(Path(text))]
    named = [resolve(text, places) for text in texts if not is_repository(Path(text))]
    return tuple(named), _newest(folders)


def _newest(places: Sequence[Path]) -> tuple[Path, ...]:
    """The highest version of every name, from the first place that has the name."""
    found: dict[str, Path] = {}
    closed: dict[str, Path] = {}
    for place in places:
        seen = Repository(place).scan_all()
        here = {entry.name: entry.path for entry in seen.entries}
        found = here | found
        # Passed over aloud; a whole place may be another user's home, and is none of ours.
        for path in seen.closed:
            if path != place:
                closed[path.relative_to(place).parts[0]] = path
    found = closed | found
    return tuple(found[name] for name in sorted(found))


def is_repository(path: Path) -> bool:
    """A folder of packs, and not one pack's own folder or versions."""
    try:
        is_pack = not path.is_dir() or (path / "pack.toml").exists()
    except PermissionError:
        return False
    return not is_pack and bool(Repository(path).entries())
