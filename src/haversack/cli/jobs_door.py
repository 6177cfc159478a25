"""Two doors to jobs: a running server, or the database itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote, urlencode

import click

from haversack.cli.job_places import job_places
from haversack.errors import HaversackError, Kind
from haversack.jobs.describe import describe
from haversack.jobs.desk import wish
from haversack.jobs.job import Job, State
from haversack.jobs.setting import JobRoom, open_room
from haversack.jobs.store import Filter
from haversack.settings import from_environment

F = TypeVar("F", bound=Callable[..., Any])
Described = dict[str, Any]
_TIMEOUT_SECONDS = 60
_KINDS = {
    400: Kind.INVALID,
    404: Kind.NOT_FOUND,
    409: Kind.CONFLICT,
    410: Kind.CONFLICT,
    429: Kind.OVERLOADED,
    500: Kind.INTERNAL,
}


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What is asked of a photo.

    Attributes:
        pack: name, or name@version.
        image: the photo's name.
        threshold: None for the pack's own.
        with_map: also a label map's pixels.
        priority: higher ones first.
    """

    pack: str
    image: str
    threshold: float | None = None
    with_map: bool = False
    priority: int = 0


class JobsDoor(Protocol):
    """What `haversack jobs` needs; jobs are as in `GET /jobs/{id}`. Every method may raise."""

    def submit(self, sent: Sent, photo: bytes) -> Described:
        """Put one job."""
        ...

    def listed(self, chosen: Filter) -> list[Described]:
        """A page."""
        ...

    def show(self, job_id: str) -> Described:
        """One job."""
        ...

    def result(self, job_id: str) -> dict[str, Any]:
        """Its record."""
        ...

    def cancel(self, job_id: str) -> Described:
        """Cancel one."""
        ...

    def retry(self, job_id: str) -> Described:
        """Retry one."""
        ...


def door_options(function: F) -> F:
    """`--server`, `--database`, `--blobs` and `--state`: which door; see `open_door`."""
    for option in (
        click.option(
            "--state",
            type=click.Path(path_type=Path, file_okay=False),
            help="The server's state folder. [default: $XDG_STATE_HOME/haversack]",
        ),
        click.option("--blobs", help="Where the server keeps photos, if not beside its database."),
        click.option("--database", help="The server's database: a URL or a file's path."),
        click.option("--server", help="Ask a running server, as http://127.0.0.1:8000."),
    ):
        function = option(function)
    return function


def open_door(
    server: str | None, database: str | None, blobs: str | None, state: Path | None
) -> JobsDoor:
    """The server where one is named, else the database itself."""
    if server is not None:
        if database or blobs or state:
            raise click.UsageError("--server goes with none of --database, --blobs and --state.")
        return ServerDoor(server, from_environment().api_key)
    return DatabaseDoor(open_room(job_places(state, database, blobs)))


class DatabaseDoor:
    """Without a server: whoever can write the database is let in. See `JobsDoor`."""

    def __init__(self, room: JobRoom) -> None:
        self._room = room

    def submit(self, sent: Sent, photo: bytes) -> Described:
        """See `JobsDoor.submit`."""
        name, _, version = sent.pack.partition("@")
        options: dict[str, Any] = {"map": True} if sent.with_map else {}
        if sent.threshold is not None:
            options = {"threshold": sent.threshold, **options}
        wished = wish(
            name,
            version=version,
            image=sent.image,
            options=json.dumps(options),
            priority=sent.priority,
        )
        return self._described(self._room.desk.submit(wished, photo))

    def listed(self, chosen: Filter) -> list[Described]:
        """See `JobsDoor.listed`."""
        return [describe(job) for job in self._room.store.listed(chosen)]

    def show(self, job_id: str) -> Described:
        """See `JobsDoor.show`."""
        return self._described(self._room.store.find(job_id))

    def result(self, job_id: str) -> dict[str, Any]:
        """See `JobsDoor.result`."""
        found: dict[str, Any] = json.loads(self._room.store.result(job_id))
        return found

    def cancel(self, job_id: str) -> Described:
        """See `JobsDoor.cancel`."""
        return describe(self._room.store.cancel(job_id))

    def retry(self, job_id: str) -> Described:
        """See `JobsDoor.retry`."""
        return self._described(self._room.store.retry(job_id))

    def _described(self, job: Job) -> Described:
        waits = job.state in (State.QUEUED, State.RUNNING)
        return describe(job, self._room.store.place(job) if waits else None)


class ServerDoor:
    """Over HTTP. See `JobsDoor`."""

    def __init__(self, url: str, api_key: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise click.UsageError(f"--server is {url!r}; write it as http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def submit(self, sent: Sent, photo: bytes) -> Described:
        """See `JobsDoor.submit`; the photo's name goes along as a form's would."""
        name, _, version = sent.pack.partition("@")
        path = f"/jobs/{quote(name)}" + (f"/versions/{quote(version)}" if version else "")
        query = {
            "threshold": sent.threshold,
            "map": "true" if sent.with_map else None,
            "priority": sent.priority or None,
        }
        boundary = "haversack-4f1c9e7a2b"
        while boundary.encode() in photo:
            boundary += "x"
        file = quote(sent.image, safe=" /.()[]-_+,")
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{file}"'
            "\r\nContent-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + photo + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        found: Described = self._ask("POST", _with_query(path, query), body, headers)
        return found

    def listed(self, chosen: Filter) -> list[Described]:
        """See `JobsDoor.listed`."""
        query = {name: getattr(chosen, name) for name in ("state", "pack", "after", "limit")}
        found: list[Described] = self._ask("GET", _with_query("/jobs", query))["jobs"]
        return found

    def show(self, job_id: str) -> Described:
        """See `JobsDoor.show`."""
        found: Described = self._ask("GET", f"/jobs/{quote(job_id)}")
        return found

    def result(self, job_id: str) -> dict[str, Any]:
        """See `JobsDoor.result`."""
        found: dict[str, Any] = self._ask("GET", f"/jobs/{quote(job_id)}/result")
        return found

    def cancel(self, job_id: str) -> Described:
        """See `JobsDoor.cancel`."""
        found: Described = self._ask("DELETE", f"/jobs/{quote(job_id)}")
        return found

    def retry(self, job_id: str) -> Described:
        """See `JobsDoor.retry`."""
        found: Described = self._ask("POST", f"/jobs/{quote(job_id)}/retry")
        return found

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = {}
    ) -> Any:
        request = urllib.request.Request(
            self._url + path, body, {**self._headers, **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as fault:
            raise _told(fault) from fault
        except (OSError, ValueError) as fault:
            raise HaversackError(
                "server-unreachable",
                f"{self._url} does not answer as a Haversack server: {fault}",
                hint="Start `haversack serve`, or correct --server.",
                kind=Kind.UNAVAILABLE,
            ) from fault


def _told(fault: urllib.error.HTTPError) -> HaversackError:
    """The server's own error, as it would be raised here."""
    try:
        body = json.load(fault)
        code, message, hint = body["code"], body["error"], body.get("hint", "")
    except (ValueError, KeyError, TypeError):
        code, message, hint = "server-unreachable", f"the server answered {fault.code}", ""
    kind = _KINDS.get(fault.code, Kind.INVALID if fault.code < 500 else Kind.UNAVAILABLE)
    return HaversackError(code, message, hint=hint, kind=kind)


def _with_query(path: str, values: Mapping[str, Any]) -> str:
    given = {name: str(value) for name, value in values.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path
