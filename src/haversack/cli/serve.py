"""`haversack serve`."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from pathlib import Path

import click

from haversack import app, log
from haversack.asgi.access import LOOPBACK, AccessRules, read_keys
from haversack.cli.options import SizeType, known_repositories, packs_option
from haversack.cli.output import notes
from haversack.errors import HaversackError
from haversack.packfile.repository import Repository, resolve
from haversack.serve.model import ServedModel
from haversack.serve.options import ServeOptions
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
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File of API keys, a line each: name:key, or name:key:infer,admin,metrics. Mode 0600.",
)
@click.option("--no-auth", is_flag=True, help="Let everyone in who reaches the address.")
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
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of photos that the page offers to try. [default: drawn ones]",
)
@click.option(
    "--body-limit", type=_SIZE, default="64M", show_default=True, help="Most of one request."
)
@click.option(
    "--pack-limit", type=_SIZE, default="1G", show_default=True, help="Most of one uploaded pack."
)
@click.option(
    "--decode-limit",
    type=_SIZE,
    help="Most memory for decoding, together and for one photo. [default: 256M]",
)
@click.option(
    "--queue",
    type=click.IntRange(1, 100_000),
    default=256,
    show_default=True,
    help="Requests in the house at once; the next is told to come again.",
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
@click.option("--log-requests", is_flag=True, help="One line on standard error for each request.")
@click.option("--triton-metrics", is_flag=True, help="Repeat /metrics under Triton's nv_ names.")
@packs_option
def command(
    packs: tuple[str, ...],
    host: str,
    port: int,
    keys: Path | None,
    no_auth: bool,
    origins: tuple[str, ...],
    state: Path | None,
    samples: Path | None,
    body_limit: int,
    pack_limit: int,
    decode_limit: int | None,
    queue: int,
    wait_seconds: float,
    grace_seconds: float,
    threads: int | None,
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
    settings = from_environment()
    places = known_repositories(repositories)
    named, wished = _chosen(packs, places)
    options = app.AppOptions(
        state=state or settings.state_folder,
        packs=named,
        wished=wished,
        repositories=(*(Path(text) for text in packs if _is_repository(Path(text))), *places),
        rules=_rules(host, keys, no_auth, frozenset(origins)),
        serve=ServeOptions(
            body_limit_bytes=body_limit,
            pack_limit_bytes=pack_limit,
            decode_limit_bytes=decode_limit or settings.decode_limit_bytes,
            queue=queue,
            wait_seconds=wait_seconds,
            triton_metrics=triton_metrics,
            **({} if threads is None else {"threads": threads}),
        ),
        samples=samples,
        log_requests=log_requests,
        grace_seconds=grace_seconds,
    )
    listener = app.bind(host, port)
    url = address(host, listener.getsockname()[1])
    app.run(options, listener, lambda models: announce(url, models, options.rules))


def address(host: str, port: int) -> str:
    """The URL under which a person on this machine reaches the server."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{port}"


def announce(url: str, models: Sequence[ServedModel], rules: AccessRules) -> None:
    """Say that the server is ready, what it serves and how to ask."""
    click.echo(f"Haversack is ready at {url}")
    screen = notes()
    for model in models:
        took = format_seconds(model.load_seconds)
        screen.print(f"  {model.identity.name}@{model.identity.version}  loaded in {took}")
    if rules.hosts is None and not rules.keys:
        screen.print(
            "Everyone who reaches this address may use it, load and remove packs: --keys FILE "
            "would ask for a key."
        )
    if models:
        key = ' -H "Authorization: Bearer $KEY"' if rules.keys else ""
        photo = next((m for m in models if m.predictor.takes_pictures), None)
        if photo is not None:
            ask = f"curl{key} --data-binary @photo.jpg {url}/predict/{photo.identity.name}"
            screen.print(f"Open the page in a browser, or:  {ask}")
    screen.print("Ctrl-C ends it.")


def _chosen(
    texts: tuple[str, ...], places: tuple[Path, ...]
) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Packs that must be served, and packs of repositories, of which a bad one is passed over."""
    if not texts:
        return (), _newest(places)
    folders = [Path(text) for text in texts if _is_repository(Path(text))]
    named = [resolve(text, places) for text in texts if not _is_repository(Path(text))]
    return tuple(named), _newest(folders)


def _newest(places: Sequence[Path]) -> tuple[Path, ...]:
    """The highest version of every name, from the first place that has the name."""
    found: dict[str, Path] = {}
    for place in places:
        here = {entry.name: entry.path for entry in Repository(place).entries()}
        found = here | found
    return tuple(found[name] for name in sorted(found))


def _is_repository(path: Path) -> bool:
    """A folder of packs, and not one pack's own folder or versions."""
    return path.is_dir() and not (path / "pack.toml").exists() and bool(Repository(path).entries())


def _rules(host: str, keys: Path | None, no_auth: bool, origins: frozenset[str]) -> AccessRules:
    if keys is not None and no_auth:
        raise click.UsageError("--keys and --no-auth contradict each other; give one of them.")
    if keys is not None:
        return AccessRules(keys=read_keys(keys), origins=origins)
    if _is_loopback(host):
        return AccessRules(hosts=LOOPBACK, origins=origins)
    if not no_auth:
        raise HaversackError(
            "address-open",
            f"listening on {host} lets others use this server",
            hint="Give --keys FILE, or --no-auth if everyone may use it.",
        )
    return AccessRules(origins=origins)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
